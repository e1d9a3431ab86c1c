"""What the data plane does by itself when HAProxy does not take it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcloud.elb.dataplane import DataPlane
from localcloud.elb.haproxy import HaproxyError
from localcloud.elb.health import CHECKING, Observation
from localcloud.elb.targets import Target
from localcloud.shared.service import Surroundings
from localcloud.tests.unit.elb.planes import group, plane

HEALTHY = Observation(True)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DataPlane, list[str]]:
    """A data plane with one target, whose HAProxy fails the first time; what it was asked."""
    around = Surroundings(
        str(tmp_path), "test", "123456789012", "us-east-1", "http://x", "localhost:1", "none", "x",
        client=lambda *_: pytest.fail("nobody is called"),
    )  # fmt: skip
    made, asked = DataPlane(around), list[str]()
    web = group()
    survey: Any = made.survey
    monkeypatch.setattr(survey, "groups", lambda: {web.arn: web})
    monkeypatch.setattr(survey, "plane", lambda: plane(web))

    def apply(*_: object, **__: object) -> None:
        asked.append("apply")
        if len(asked) == 1:
            raise HaproxyError("HAProxy did not take its configuration: it is slow")

    monkeypatch.setattr(made.haproxy, "apply", apply)
    made.targets.register(Target(web.arn, "10.0.0.1", 80, "", CHECKING))
    return made, asked


def test_a_check_whose_outcome_is_not_taken_goes_on_and_is_served_later(
    served: tuple[DataPlane, list[str]],
) -> None:
    made, asked = served
    (target,) = made.targets
    made._report(target.key, HEALTHY)  # an error would be the end of the target's checks
    assert asked == ["apply"]
    made._catch_up()
    made._catch_up()
    assert asked == ["apply", "apply"]

"""A machine's clock that is set back makes nothing of the local cloud take longer."""

from __future__ import annotations

import pytest

from localcloud.shared import clock


def test_the_time_never_goes_back_and_follows_what_goes_forward(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = {"time": 1000.0, "monotonic": 10.0}
    monkeypatch.setattr("localcloud.shared.clock.time.time", lambda: moment["time"])
    monkeypatch.setattr("localcloud.shared.clock.time.monotonic", lambda: moment["monotonic"])
    watch = clock.Clock()

    def after(seconds: float, wall: float) -> float:
        moment["monotonic"] += seconds
        moment["time"] += wall
        return watch.now()

    assert after(5, 5) == 1005
    assert after(5, 5 - 3600) == 1010, "set back by an hour"
    assert after(5, 5) == 1015
    assert after(5, 5 - 60) == 1020, "and once more"
    assert after(0, 7200) == 1020 + 7200, "suspended for two hours"
    assert after(5, 4.9) == pytest.approx(1025 + 7200 - 0.1), "corrected a little"

"""What each role of the program must be able to do, and must not, in one table; no Docker.

Each call is judged as the local cloud judges it: with tags, passed roles, and the further actions
that AWS demands for it. Every action and every resource that a policy grants is needed by a row, so
one that is dropped fails, and so does one that nobody needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from tests.policy.duties.delivery import DELIVERING
from tests.policy.duties.jobs import JOBS
from tests.policy.duties.parts import HERE, NAME, Duties
from tests.policy.duties.tasks import SESSION_LOG, SHIFTING, STARTING
from tests.policy.duties.workflows import PREVIEWING, PROMOTED_FROM, RELEASING, STATE
from tests.policy.judge import Asked, Judge
from tests.policy.matrix import EVERYTHING, MATRIX, REPOSITORY, SAID, recorded
from tests.policy.test_previews import preview
from tests.unit.infra.recorder import REGION, record

DUTIES: Mapping[str, Duties] = {
    **STARTING,
    "shift": SHIFTING,
    **DELIVERING,
    **JOBS,
    "github-deploy": RELEASING,
    "github-preview": PREVIEWING,
}

NOT_NEEDED: Mapping[tuple[str, str], str] = dict.fromkeys(
    [
        *(
            (purpose, f"SessionLog: arn:aws:logs:{HERE}:log-group:{SESSION_LOG}")
            for purpose in ("task", "previews-task")
        ),
        ("flow-logs", f"WriteLog: arn:aws:logs:{HERE}:log-group:/ecs/{NAME}/network"),
    ],
    "AWS's list names the group itself for DescribeLogStreams, its refusals name the streams",
)
"""Role and grant -> why it stays although the local cloud asks for none such."""


@cache
def judge() -> Judge:
    """The roles with everything on."""
    workflows = {"github_actions": "true", "state_bucket": STATE, "promotes_from": PROMOTED_FROM}
    settings = {**EVERYTHING, **REPOSITORY, **workflows, "github_token": "word"}
    environment = record(settings, further=SAID)
    return Judge.of(environment, preview("everything"))


def cases(kind: str) -> list[tuple[str, Asked]]:
    return [(purpose, each) for purpose, it in DUTIES.items() for each in getattr(it, kind)]


@pytest.mark.parametrize(("purpose", "asked"), cases("must"), ids=str)
def test_a_role_may_do_what_it_is_for(purpose: str, asked: Asked) -> None:
    assert judge().refusal(f"{NAME}-{purpose}-{REGION}", asked) == ""


@pytest.mark.parametrize(("purpose", "asked"), cases("never"), ids=str)
def test_a_role_may_not_do_what_others_are_for(purpose: str, asked: Asked) -> None:
    assert judge().refusal(f"{NAME}-{purpose}-{REGION}", asked) != ""


@pytest.mark.parametrize("purpose", DUTIES)
def test_without_any_one_grant_a_role_fails_at_its_duties(purpose: str) -> None:
    """So no grant is missing from the table, and none is more than the role needs."""
    name = f"{NAME}-{purpose}-{REGION}"
    idle = {
        what
        for what, reduced in judge().reduced(name)
        if not any(reduced.refusal(name, asked) for asked in DUTIES[purpose].must)
    }
    assert idle == {what for role_, what in NOT_NEEDED if role_ == purpose}


def test_every_role_of_the_program_has_its_row() -> None:
    made = {each.inputs["name"] for row in MATRIX for each in recorded(row).of("Role")}
    assert made == {f"{NAME}-{purpose}-{REGION}" for purpose in DUTIES}

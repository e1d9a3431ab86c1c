"""Names: within AWS's limits, distinct, the same each time."""

from __future__ import annotations

import re

import pytest

from infra.names import Names, limited

LONG = Names("a-very-long-project-name-of-a-large-company", "feature-with-a-long-branch-name")


def test_a_fitting_name_stays_as_it_is() -> None:
    assert limited("fargate-cd-dev", 32) == "fargate-cd-dev"


@pytest.mark.parametrize(
    "text",
    ["a" * 100, "Ünïcode_und sehr/lang…", "UPPER", "--", "a--b", "a.b", "x" * 23 + "-yyyyyyyyy"],
)
def test_any_text_becomes_a_name(text: str) -> None:
    name = limited(text, 32)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(name) <= 32
    assert limited(text, 32) == name


def test_texts_that_look_alike_have_different_names() -> None:
    alike = ["a/b", "a-b", "a_b", "A-b", "a--b", "a-b-"]
    assert len({limited(text, 32) for text in alike}) == len(alike)


def test_load_balancing_names_fit_in_32_characters() -> None:
    assert len(LONG.load_balancer("10.0.0.0/16")) <= 32
    assert len(LONG.target_group(65535, "10.0.0.0/16")) <= 32


def test_what_replaces_a_resource_changes_its_name() -> None:
    names = Names("fargate-cd", "dev")
    first = names.target_group(9292, "10.0.0.0/16")
    assert first != names.target_group(9293, "10.0.0.0/16")
    assert first != names.target_group(9292, "10.1.0.0/16")
    assert names.load_balancer("10.0.0.0/16") != names.load_balancer("10.1.0.0/16")


def test_roles_fit_in_64_characters_and_differ() -> None:
    roles = {LONG.role(purpose) for purpose in ("execution", "task")}
    assert len(roles) == 2
    assert all(len(role) <= 64 for role in roles)


def test_stacks_of_one_project_share_no_name() -> None:
    one, other = Names("fargate-cd", "dev"), Names("fargate-cd", "prod")
    for attribute in ("repository", "cluster", "service", "log_group", "session_log_group"):
        assert getattr(one, attribute) != getattr(other, attribute)

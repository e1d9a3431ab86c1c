"""Names: within AWS's limits, distinct, the same each time."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.names import (
    BRANCH_LIMIT,
    Names,
    branch_label,
    environment_of,
    limited,
    preview_stack,
    unfit_for_environment,
)

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


def test_names_of_all_regions_tell_the_region() -> None:
    here, there = (Names("fargate-cd", "dev", region) for region in ("eu-west-1", "us-east-1"))
    assert here.role("task") != there.role("task")
    assert here.dashboard != there.dashboard
    assert here.bucket("artifacts", "123456789012") != there.bucket("artifacts", "123456789012")
    assert here.environment.role("task") == here.role("task")


def test_load_balancing_names_fit_in_32_characters() -> None:
    assert len(LONG.load_balancer("10.0.0.0/16")) <= 32
    assert len(LONG.target_group("10.0.0.0/16")) <= 32


def test_what_replaces_a_resource_changes_its_name() -> None:
    names = Names("fargate-cd", "dev")
    assert names.target_group("10.0.0.0/16") != names.target_group("10.1.0.0/16")
    assert names.load_balancer("10.0.0.0/16") != names.load_balancer("10.1.0.0/16")


def test_roles_fit_in_64_characters_and_differ() -> None:
    roles = {LONG.role(purpose) for purpose in ("execution", "task")}
    assert len(roles) == 2
    assert all(len(role) <= 64 for role in roles)


def test_stacks_of_one_project_share_no_name() -> None:
    one, other = Names("fargate-cd", "dev"), Names("fargate-cd", "prod")
    for attribute in ("repository", "cluster", "service", "log_group", "session_log_group"):
        assert getattr(one, attribute) != getattr(other, attribute)


@pytest.mark.parametrize("part", ["cache", "previews", "latency", "nightly-report"])
def test_a_stack_has_no_name_of_another_stacks_part(part: str) -> None:
    dev = Names("fargate-cd", "dev")
    other = Names("fargate-cd", f"dev-{part}")
    assert dev.named(part) not in {other.named(), other.repository, other.service, other.cluster}
    head, _, tail = part.partition("-")
    assert dev.named(part) != Names("fargate-cd", f"dev-{head}").named(*filter(None, [tail]))


def test_every_name_of_a_stack_begins_alike() -> None:
    names = Names("fargate-cd", "eu-prod")
    assert all(
        each.startswith(names.publishers)
        for each in (names.alarm("latency"), names.notifications, names.cache_repository)
    )
    assert names.alarm("latency").startswith(names.named())


HOSTILE = [
    "--stack=prod",
    "-rf",
    "--",
    "../../etc/passwd",
    "$(reboot)",
    "`id`; rm -rf /",
    "feature/Ünïcode_und sehr/lang…",
    "a\nb",
    "\udcff",
    "x" * 300,
    "-preview-",
    "refs/heads/main",
]
LABEL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.mark.parametrize("branch", HOSTILE)
def test_any_branch_becomes_a_label(branch: str) -> None:
    label = branch_label(branch)
    assert LABEL.fullmatch(label)
    assert len(label) <= BRANCH_LIMIT
    assert environment_of(preview_stack("dev", branch)) == "dev"


BRANCHES = st.binary(min_size=1).map(os.fsdecode) | st.text(min_size=1)
"""What Git and a command line can name: any bytes."""


def near(branch: str) -> st.SearchStrategy[str]:
    """Branches that are made to meet the label of another one."""
    label = branch_label(branch)
    ends = st.integers(0, len(label)).map(lambda length: label[length:])
    beginnings = st.integers(1, len(label)).map(lambda length: label[:length])
    alike = st.sampled_from([branch.lower(), branch.upper(), label.replace("-", "/"), f"{label}-"])
    return (ends | beginnings | alike | BRANCHES).filter(bool)


@given(BRANCHES.flatmap(lambda branch: st.tuples(st.just(branch), near(branch))))
@example(("\u00e9/\u00fc", branch_label("\u00e9/\u00fc")))
@example(("\u00e9/\u00fc", "172f7ec3"))
def test_no_two_branches_share_a_label(branches: tuple[str, str]) -> None:
    one, other = branches
    assert (branch_label(one) == branch_label(other)) == (os.fsencode(one) == os.fsencode(other))


@given(BRANCHES)
def test_every_branch_becomes_a_label(branch: str) -> None:
    assert LABEL.fullmatch(branch_label(branch))
    assert len(branch_label(branch)) <= BRANCH_LIMIT


def test_a_plain_branch_is_its_own_label() -> None:
    assert branch_label("login") == "login"
    assert preview_stack("dev", "login") == "dev-preview-login"


@pytest.mark.parametrize("branch", ["feature/login", "Login", "x" * 50])
def test_no_branch_takes_the_label_of_another(branch: str) -> None:
    label = branch_label(branch)
    assert branch_label(label) != label


def test_a_preview_uses_what_its_environment_has() -> None:
    preview, environment = Names("fargate-cd", "dev-preview-login"), Names("fargate-cd", "dev")
    assert preview.is_preview
    assert not environment.is_preview
    for shared in ("cluster", "session_log_group"):
        assert getattr(preview, shared) == getattr(environment, shared)
    for own in ("service", "log_group", "repository"):
        assert getattr(preview, own) != getattr(environment, own)


def test_images_of_previews_have_tags_of_their_own() -> None:
    tags = {
        Names("fargate-cd", stack).image_tag("0123")
        for stack in ("dev", "dev-preview-a", "dev-preview-a-b")
    }
    assert tags == {"0123", "preview-a.0123", "preview-a-b.0123"}


@pytest.mark.parametrize(
    ("stack", "environment"),
    [("dev", None), ("dev-preview-", None), ("-preview-a", None), ("a-preview-b-preview-c", "a")],
)
def test_the_environment_stands_in_the_name(stack: str, environment: str | None) -> None:
    assert environment_of(stack) == environment


@pytest.mark.parametrize("stack", ["dev-preview-login", "dev-preview"])
def test_no_environment_is_called_like_a_preview(stack: str) -> None:
    assert unfit_for_environment(stack)
    assert not unfit_for_environment("preview")
    assert not unfit_for_environment("dev")


@pytest.mark.parametrize(
    "names",
    [Names("fargate-cd", "dev"), LONG, Names("shop", "feature/Some_Thing"), Names("p" * 99, "s")],
    ids=str,
)
def test_the_publishers_begin_all_names_of_alarms_and_rules(names: Names) -> None:
    every = (names.named("target-errors"), names.releases, f"{names.notifications}-failed")
    assert len(names.publishers) > 5
    for name in every:
        assert name.startswith(names.publishers)


def test_the_families_are_those_of_all_processes() -> None:
    names = Names("shop", "dev", processes=("worker",))
    assert names.families == ["shop-dev", "shop-dev_worker", "shop-dev__release"]
    preview = replace(names, stack="dev-preview-menu")
    assert preview.families == ["shop-dev-preview-menu", "shop-dev-preview-menu_worker"]


def test_a_process_stands_in_the_web_processs_place() -> None:
    names = Names("shop", "dev", lead="archiver", processes=("worker", "archiver"))
    assert names.service == "shop-dev_archiver"
    assert list(names.services(names.processes).items()) == [
        ("archiver", "shop-dev_archiver"),
        ("worker", "shop-dev_worker"),
    ]
    assert names.families[0] == "shop-dev", "a web process that was there before has left it"
    assert names.families[1:] == ["shop-dev_archiver", "shop-dev_worker", "shop-dev__release"]

"""The actions that the local cloud runs, each exactly as its reference page describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.codepipeline.actions import approval, build, ecs, source
from localcloud.codepipeline.actions.work import Outcome, Work

Kind = tuple[str, str, str, str]  # category, owner, provider, version
HOUR = 60


def no_check(name: str, configuration: Mapping[str, str]) -> None:
    """Accepts a configuration that has the right keys."""
    del name, configuration


@dataclass(frozen=True)
class Provider:
    """One kind of action.

    Attributes:
        advance: does the next step.
        required: keys of its configuration that must be there.
        optional: keys that may.
        inputs: how many input artifacts, from and to.
        outputs: how many output artifacts, from and to.
        timeout_minutes: unless the action sets its own.
        secret: keys whose values are never told.
        check: refuses wrong values, by the action's name and configuration.

    Source of the numbers:
    https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html and
    https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
    """

    advance: Callable[[Work], Outcome]
    required: frozenset[str]
    optional: frozenset[str]
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    timeout_minutes: int = HOUR
    secret: frozenset[str] = field(default=frozenset())
    check: Callable[[str, Mapping[str, str]], None] = no_check


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BUILD = Provider(
    build.advance,
    required=_words("ProjectName"),
    optional=_words("PrimarySource EnvironmentVariables BatchEnabled CombineArtifacts"),
    inputs=(1, 5),
    outputs=(0, 5),
    timeout_minutes=8 * HOUR,
    check=build.check,
)

PROVIDERS: dict[Kind, Provider] = {
    ("Source", "ThirdParty", "GitHub", "1"): Provider(
        source.advance_github,
        required=_words("Owner Repo Branch OAuthToken"),
        optional=_words("PollForSourceChanges"),
        inputs=(0, 0),
        outputs=(1, 1),
        secret=_words("OAuthToken"),
        check=source.check_github,
    ),
    ("Source", "AWS", "CodeStarSourceConnection", "1"): Provider(
        source.advance_connection,
        required=_words("ConnectionArn FullRepositoryId BranchName"),
        optional=_words("OutputArtifactFormat DetectChanges"),
        inputs=(0, 0),
        outputs=(1, 1),
        check=source.check_connection,
    ),
    ("Build", "AWS", "CodeBuild", "1"): _BUILD,
    ("Test", "AWS", "CodeBuild", "1"): _BUILD,
    approval.KIND: Provider(
        approval.advance,
        required=frozenset(),
        optional=_words("NotificationArn CustomData ExternalEntityLink"),
        inputs=(0, 0),
        outputs=(0, 0),
        timeout_minutes=7 * 24 * HOUR,
    ),
    ("Deploy", "AWS", "ECS", "1"): Provider(
        ecs.advance,
        required=_words("ClusterName ServiceName"),
        optional=_words("FileName DeploymentTimeout"),
        inputs=(1, 1),
        outputs=(0, 0),
        check=ecs.check,
    ),
}


def kind_of(action: Mapping[str, Any]) -> Kind:
    """The row of `PROVIDERS` for a declared action."""
    kind = action["actionTypeId"]
    return kind["category"], kind["owner"], kind["provider"], kind["version"]

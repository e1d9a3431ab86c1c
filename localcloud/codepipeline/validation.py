"""What CodePipeline demands of a pipeline's structure.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.codepipeline import errors, triggers
from localcloud.codepipeline.actions import PROVIDERS, Provider, kind_of
from localcloud.codepipeline.model import ROLLBACK
from localcloud.codepipeline.variables import REFERENCE

MASK = "****"
# Members that change what a pipeline does and that the executor has no part for.
_UNRUN_STAGE = ("blockers", "onSuccess", "beforeEntry")
_UNRUN_ACTION = ("commands", "outputVariables", "environmentVariables")


def check(pipeline: Mapping[str, Any], region: str) -> None:
    """Refuses a structure that CodePipeline would refuse, or that can't run here.

    Raises:
        ServiceError: InvalidStructureException, InvalidStageDeclarationException,
            InvalidActionDeclarationException, ValidationException.
    """
    _check_stages(pipeline)
    _check_mode(pipeline)
    _check_store(pipeline, region)
    for stage, action in declared_actions(pipeline):
        _check_action(stage, action, region)
    _check_artifacts(pipeline)
    _check_namespaces(pipeline)
    _check_variables(pipeline)
    triggers.check(pipeline)


def declared_actions(pipeline: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each action with its stage's name, in the order in which they may run."""
    for stage in pipeline["stages"]:
        for action in sorted(stage["actions"], key=lambda one: one.get("runOrder", 1)):
            yield stage["name"], action


def _check_stages(pipeline: Mapping[str, Any]) -> None:
    stages = pipeline["stages"]
    if len(stages) < 2:
        raise errors.structure(
            f"Pipeline has {len(stages)} stage(s). There should be a minimum of 2 stages in a "
            "pipeline"
        )
    _unique("stage", [stage["name"] for stage in stages])
    for index, stage in enumerate(stages):
        if not stage["actions"]:
            raise errors.stage(f"Stage '{stage['name']}' must contain at least one action")
        _unique("action", [action["name"] for action in stage["actions"]])
        sources = {action["actionTypeId"]["category"] == "Source" for action in stage["actions"]}
        if index == 0 and sources != {True}:
            raise errors.structure(
                "Pipeline should start with a stage that only contains source actions"
            )
        if index > 0 and True in sources:
            raise errors.structure("Source actions may only occur in the first stage of a pipeline")
        for member in _UNRUN_STAGE:
            if stage.get(member):
                raise errors.unsupported(f"{member} of stage {stage['name']}")
        _check_failure(pipeline, stage, source=index == 0)


def _check_failure(pipeline: Mapping[str, Any], stage: Mapping[str, Any], *, source: bool) -> None:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback.html"""
    on_failure = stage.get("onFailure")
    if not on_failure:
        return
    where = f"onFailure of stage {stage['name']}"
    if set(on_failure) != {"result"} or on_failure["result"] != ROLLBACK:
        raise errors.unsupported(f"{where} other than the result {ROLLBACK}")
    if source:
        raise errors.stage(f"Stage '{stage['name']}' is a source stage, which can't be rolled back")
    if pipeline.get("pipelineType", "V1") == "V1":
        raise errors.structure("Pipeline type V1 does not support onFailure; use type V2")


def _unique(what: str, names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise errors.structure(f"The {what} name '{name}' is used {count} times")


def _check_mode(pipeline: Mapping[str, Any]) -> None:
    kind, mode = pipeline.get("pipelineType", "V1"), pipeline.get("executionMode", "SUPERSEDED")
    if kind == "V1":
        for member in ("variables", "triggers"):
            if pipeline.get(member):
                raise errors.structure(f"Pipeline type V1 does not support {member}; use type V2")
        if mode != "SUPERSEDED":
            raise errors.structure(f"Pipeline type V1 does not support execution mode {mode}")
    if mode == "PARALLEL":
        raise errors.unsupported("executionMode PARALLEL")


def _check_store(pipeline: Mapping[str, Any], region: str) -> None:
    if ("artifactStore" in pipeline) == ("artifactStores" in pipeline):
        raise errors.structure("Pipeline must have exactly one of artifactStore and artifactStores")
    others = sorted(set(pipeline.get("artifactStores", {region: {}})) - {region})
    if others:
        raise errors.unsupported(f"artifactStores in another region ({', '.join(others)})")
    if region not in pipeline.get("artifactStores", {region: {}}):
        raise errors.structure(f"Pipeline must have an artifact store in its own region {region}")


def _check_action(stage: str, action: Mapping[str, Any], region: str) -> None:
    provider, where = PROVIDERS.get(kind_of(action)), f"{stage}/{action['name']}"
    if provider is None:
        supported = "; ".join(" ".join(kind) for kind in PROVIDERS)
        raise errors.action(
            f"ActionType (Category: '{action['actionTypeId']['category']}', Provider: "
            f"'{action['actionTypeId']['provider']}', Owner: '{action['actionTypeId']['owner']}', "
            f"Version: '{action['actionTypeId']['version']}') in action '{action['name']}' is not "
            f"available in region {region} of the local cloud, which has: {supported}"
        )
    if action.get("region", region) != region:
        raise errors.unsupported(f"an action in another region ({where} in {action['region']})")
    for member in _UNRUN_ACTION:
        if action.get(member):
            raise errors.unsupported(f"{member} of action {where}")
    _check_configuration(action, provider)
    for side, allowed in (("input", provider.inputs), ("output", provider.outputs)):
        count = len(action.get(f"{side}Artifacts", []))
        if not allowed[0] <= count <= allowed[1]:
            raise errors.action(
                f"Action '{action['name']}' in stage '{stage}' has {count} {side} artifacts, which "
                f"is not between {allowed[0]} and {allowed[1]}"
            )


def _check_configuration(action: Mapping[str, Any], provider: Provider) -> None:
    given = action.get("configuration", {})
    missing = sorted(provider.required - set(given))
    if missing:
        raise errors.action(
            f"Action configuration for action '{action['name']}' is missing required configuration "
            f"'{missing[0]}'"
        )
    unknown = sorted(set(given) - provider.required - provider.optional)
    if unknown:
        raise errors.action(
            f"Action configuration for action '{action['name']}' contains unknown configuration "
            f"'{unknown[0]}'"
        )
    provider.check(action["name"], given)


def _check_artifacts(pipeline: Mapping[str, Any]) -> None:
    made: dict[str, tuple[int, int]] = {}
    for index, stage in enumerate(pipeline["stages"]):
        for action in sorted(stage["actions"], key=lambda one: one.get("runOrder", 1)):
            place = (index, action.get("runOrder", 1))
            for artifact in action.get("outputArtifacts", []):
                if artifact.get("files"):
                    raise errors.unsupported(f"files of output artifact {artifact['name']}")
                if artifact["name"] in made:
                    raise errors.structure(
                        f"The output artifact name '{artifact['name']}' must be unique in a "
                        "pipeline"
                    )
                made[artifact["name"]] = place
            for artifact in action.get("inputArtifacts", []):
                if made.get(artifact["name"], place) >= place:
                    raise errors.structure(
                        f"Input artifact '{artifact['name']}' of action '{action['name']}' in "
                        f"stage '{stage['name']}' is not the output of an earlier action"
                    )


def _check_namespaces(pipeline: Mapping[str, Any]) -> None:
    named = [
        action["namespace"] for _, action in declared_actions(pipeline) if "namespace" in action
    ]
    _unique("namespace", named)
    known = {"variables", "codepipeline"}
    for stage, action in declared_actions(pipeline):
        for value in action.get("configuration", {}).values():
            for namespace, _ in REFERENCE.findall(value):
                if namespace not in {*known, *named}:
                    raise errors.structure(
                        f"Action '{action['name']}' in stage '{stage}' refers to the namespace "
                        f"'{namespace}', which no action has"
                    )
        if action.get("namespace") in known:
            raise errors.structure(f"The namespace '{action['namespace']}' is reserved")


def _check_variables(pipeline: Mapping[str, Any]) -> None:
    declared = [variable["name"] for variable in pipeline.get("variables", [])]
    _unique("variable", declared)
    for _, action in declared_actions(pipeline):
        for value in action.get("configuration", {}).values():
            for namespace, name in REFERENCE.findall(value):
                if namespace == "variables" and name not in declared:
                    raise errors.structure(f"The pipeline variable '{name}' is not declared")


def same_structure(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions run the same."""
    return {**one, "version": 0} == {**other, "version": 0}


def masked(pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """A definition as it is told: without its secrets.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/appendix-github-oauth.html
    """
    stages = [
        {
            **stage,
            "actions": [
                {
                    **action,
                    "configuration": {
                        key: MASK if key in secrets_of(action) else value
                        for key, value in action.get("configuration", {}).items()
                    },
                }
                for action in stage["actions"]
            ],
        }
        for stage in pipeline["stages"]
    ]
    return {**pipeline, "stages": stages}


def secrets_of(action: Mapping[str, Any]) -> frozenset[str]:
    """The keys of an action's configuration that are never told."""
    provider = PROVIDERS.get(kind_of(action))
    return provider.secret if provider else frozenset()


def unmask(pipeline: dict[str, Any], former: Mapping[str, Any]) -> None:
    """Puts the former secrets where the mask was sent back.

    Raises:
        ServiceError: InvalidActionDeclarationException: there was none.
    """
    known = {
        (stage, action["name"]): action.get("configuration", {})
        for stage, action in declared_actions(former)
    }
    for stage, action in declared_actions(pipeline):
        for key in secrets_of(action):
            if action.get("configuration", {}).get(key) == MASK:
                value = known.get((stage, action["name"]), {}).get(key)
                if value is None:
                    raise errors.action(
                        f"'{key}' of action '{action['name']}' is {MASK}, which stands for a value "
                        "that is not told; send the value"
                    )
                action["configuration"][key] = value

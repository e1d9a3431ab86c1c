"""Tags of clusters, task definitions, services and tasks.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.ecs import errors
from localcloud.ecs.core import Core
from localcloud.ecs.model import Cluster, ServiceRecord, Task, TaskDefinition
from localcloud.shared.service import Call

MAXIMUM_TAGS = 50
Tagged = Cluster | ServiceRecord | Task | TaskDefinition


def _find(core: Core, arn: str) -> Tagged:
    state = core.state
    tables: dict[str, Mapping[str, Tagged]] = {
        "cluster": state.clusters,
        "service": state.services,
        "task": state.tasks,
        "task-definition": state.task_definitions,
    }
    kind = arn.split(":", 5)[-1].partition("/")[0] if arn.count(":") > 4 else ""
    if kind not in tables:
        raise errors.invalid(f"Invalid resource ARN: {arn}.")
    found = tables[kind].get(arn)
    if found is None:
        raise errors.invalid("The specified resource does not exist.")
    return found


def tag(core: Core, call: Call) -> Mapping[str, Any]:
    """TagResource: adds and overwrites."""
    with core.change():
        resource = _find(core, call.input["resourceArn"])
        merged = {t["key"]: t.get("value", "") for t in resource.tags}
        for one in call.input["tags"]:
            if one.get("key", "").lower().startswith("aws:"):
                raise errors.invalid("Tag keys may not begin with aws:.")
            merged[one["key"]] = one.get("value", "")
        if len(merged) > MAXIMUM_TAGS:
            raise errors.invalid("A resource can have at most 50 tags.")
        resource.tags = [{"key": key, "value": value} for key, value in merged.items()]
    return {}


def untag(core: Core, call: Call) -> Mapping[str, Any]:
    """UntagResource."""
    with core.change():
        resource = _find(core, call.input["resourceArn"])
        resource.tags = [t for t in resource.tags if t["key"] not in call.input["tagKeys"]]
    return {}


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListTagsForResource."""
    with core.lock:
        return {"tags": _find(core, call.input["resourceArn"]).tags}


def inventory(core: Core, region: str) -> dict[str, dict[str, str]]:
    """ARN → tags of everything that is there, for the tagging API."""
    with core.lock:
        state = core.state
        present: list[Tagged] = [
            *(c for c in state.clusters.values() if c.status == "ACTIVE"),
            *(s for s in state.services.values() if s.status != "INACTIVE"),
            *(d for d in state.task_definitions.values() if d.status != "DELETE_IN_PROGRESS"),
            *(t for t in state.tasks.values() if t.live),
        ]
        return {
            one.arn: {t["key"]: t.get("value", "") for t in one.tags}
            for one in present
            if one.arn.split(":")[3] == region
        }

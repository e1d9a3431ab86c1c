"""Tags of scalable targets, which the emulator does not know; they are kept on its own targets.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TagResource.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.emulator.emulator import Emulator, backends
from localcloud.shared.service import Call, Service, ServiceError

MOST_TAGS = 50


class ScalingTags(Service):
    """TagResource, UntagResource, ListTagsForResource, and the tags of RegisterScalableTarget."""

    name = "application-autoscaling"
    emulated = True

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator
        self.handlers = {
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list,
        }
        self.after = {"RegisterScalableTarget": self._tag_new}

    def _tag(self, call: Call) -> Mapping[str, Any]:
        with self._emulator.lock:
            tags = _tags(_target(call))
            merged = {**tags, **call.input["Tags"]}
            if len(merged) > MOST_TAGS:
                raise ServiceError(
                    "TooManyTagsException", f"A resource has {MOST_TAGS} tags at most."
                )
            tags.update(merged)
        return {}

    def _untag(self, call: Call) -> Mapping[str, Any]:
        with self._emulator.lock:
            tags = _tags(_target(call))
            for key in call.input["TagKeys"]:
                tags.pop(key, None)
        return {}

    def _list(self, call: Call) -> Mapping[str, Any]:
        with self._emulator.lock:
            return {"Tags": dict(_tags(_target(call)))}

    def _tag_new(self, call: Call, answer: Mapping[str, Any]) -> None:
        """Tags can be given with a target."""
        del answer
        given = call.input
        with self._emulator.lock:
            targets = backends(self.name)[call.account][call.region].targets
            target = targets[given["ScalableDimension"]][given["ResourceId"]]
            _tags(target).update(given.get("Tags", {}))


def _target(call: Call) -> Any:
    arn = call.input["ResourceARN"]
    dimensions = backends("application-autoscaling")[call.account][call.region].targets
    for targets in dimensions.values():
        for target in targets.values():
            if target.arn == arn:
                return target
    raise ServiceError("ResourceNotFoundException", f"No scalable target {arn} is registered.")


def _tags(target: Any) -> dict[str, str]:
    tags: dict[str, str] = vars(target).setdefault("tags", {})
    return tags

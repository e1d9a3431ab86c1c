"""Tags: merged with the provider's default tags, set, changed and read by each service's ways."""

from __future__ import annotations

from typing import Any

from localcloud.providers.aws.calls import CallError, search
from localcloud.providers.aws.spec import Resource, Values
from localcloud.providers.aws.values import UNKNOWN


def merged(default_tags: Values, tags: Any) -> Any:
    """`tagsAll`: the defaults with the resource's own on top."""
    if tags is UNKNOWN:
        return UNKNOWN
    return {**default_tags, **(tags or {})}


def forms(tags: Any) -> Values:
    """The spellings of tags among which a row's JMESPath chooses."""
    if tags is UNKNOWN:
        return dict.fromkeys(("pairs", "lower", "map", "keys"), UNKNOWN)
    return {
        "pairs": [{"Key": key, "Value": value} for key, value in tags.items()],
        "lower": [{"key": key, "value": value} for key, value in tags.items()],
        "map": tags,
        "keys": list(tags),
    }


def at_create(resource: Resource) -> Values:
    """The members that give a new resource its tags in the create call itself."""
    tagging, tags = resource.spec.tags, resource.inputs.get("tagsAll")
    if tagging is None or tagging.at_create is None or not tags:
        return {}
    members: Values = search(tagging.at_create, resource.scope(**forms(tags)))
    return members


def change(resource: Resource, old: Values, new: Values) -> None:
    """Bring the tags of an existing resource from `old` to `new`."""
    tagging = resource.spec.tags
    if tagging is None or old == new:
        return
    stale = {key: value for key, value in old.items() if key not in new}
    fresh = {key: value for key, value in new.items() if old.get(key) != value}
    every = forms(new)
    all_of_them = {"every": every["pairs"], "everyLower": every["lower"]}
    if stale:
        resource.run(tagging.remove, **forms(stale), **all_of_them)
    if fresh:
        resource.run(tagging.add, **forms(fresh), **all_of_them)


def read(resource: Resource, live: Values) -> Values:
    """The tags as AWS tells them, without its own (`aws:`); `live` is what else it told."""
    tagging = resource.spec.tags
    if tagging is None:
        return {}
    source = resource.found
    if tagging.read is not None:
        try:
            source = resource.run(tagging.read, outputs={**resource.outputs, **live})
        except CallError as error:
            if error.code in tagging.untagged:
                return {}
            if error.code not in tagging.untold:
                raise
            return dict(resource.inputs.get("tagsAll", {}))
    told = search(tagging.found, source) or []
    if not isinstance(told, dict):
        told = {
            tag.get("Key", tag.get("key", tag.get("TagKey"))): tag.get(
                "Value", tag.get("value", tag.get("TagValue", ""))
            )
            for tag in told
        }
    return {key: value for key, value in told.items() if not key.startswith("aws:")}

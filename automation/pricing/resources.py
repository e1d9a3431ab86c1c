"""The resources that a price is asked for: of a stack's state, or of a planned update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import StepEventMetadata, StepEventStateMetadata

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is known after the update only (`pulumi.runtime.UNKNOWN`)."""

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of one

GONE = frozenset({OpType.DELETE, OpType.DISCARD})
PASSING = frozenset({OpType.DELETE_REPLACED, OpType.DISCARD_REPLACED})


@dataclass(frozen=True)
class Resource:
    """A resource with its inputs, by the provider's names.

    Attributes:
        type: its token, such as `aws:lb/loadBalancer:LoadBalancer`.
        name: its logical name.
        inputs: its inputs; one that isn't known yet is UNKNOWN.
        custom: a provider makes it; a component only holds others together.
        parent: the URN of what it is a part of, where that was asked for.
        needs: the URNs of what must exist before it, likewise.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    custom: bool = True
    parent: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resources:
    """All resources of a stack."""

    all: Sequence[Resource]

    def of(self, kind: str) -> Iterator[Resource]:
        """Those of a type."""
        return (each for each in self.all if each.type == kind)

    def count(self, kind: str) -> int:
        """How many there are of a type."""
        return sum(1 for _ in self.of(kind))

    @property
    def zones(self) -> int:
        """In how many availability zones the stack's own network is."""
        for network in self.of("awsx:ec2:Vpc"):
            named = network.inputs.get("availabilityZoneNames")
            if isinstance(named, list):
                return len(named)
        subnets = self.of("aws:ec2/subnet:Subnet")
        return sum(1 for each in subnets if each.inputs.get("mapPublicIpOnLaunch"))

    @property
    def nat_gateways(self) -> int:
        """How many there are; of a network whose parts aren't listed, by its strategy."""
        listed = self.count("aws:ec2/natGateway:NatGateway")
        if listed or self.count("aws:ec2/subnet:Subnet"):
            return listed
        by_strategy = {"Single": 1, "OnePerAz": self.zones}
        strategies = (each.inputs.get("natGateways") or {} for each in self.of("awsx:ec2:Vpc"))
        return sum(by_strategy.get(each.get("strategy", "None"), 0) for each in strategies)


def of_state(deployment: Mapping[str, Any]) -> Resources:
    """The resources of a stack's state (`pulumi stack export`'s `deployment`)."""
    rows = deployment.get("resources") or []
    return Resources([_resource(r["urn"], r["type"], r.get("inputs"), r["custom"]) for r in rows])


def _resource(urn: str, kind: str, inputs: Mapping[str, Any] | None, custom: bool) -> Resource:
    return Resource(kind, urn.rpartition("::")[2], told(inputs or {}), custom)


def told(value: Any) -> Any:
    """A value without the wrappers of secrets; an encrypted one is None.

    A wrapper is a map with the signature of secrets, see
    https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
    """
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            return told(value.get("value"))
        return {key: told(each) for key, each in value.items()}
    return [told(each) for each in value] if isinstance(value, list) else value


@dataclass
class Plan:
    """The resources before and after a planned update, from the engine's events."""

    _before: dict[str, Resource] = field(default_factory=dict)
    _after: dict[str, Resource] = field(default_factory=dict)

    @property
    def before(self) -> Resources:
        """What there is."""
        return Resources(list(self._before.values()))

    @property
    def after(self) -> Resources:
        """What there would be."""
        return Resources(list(self._after.values()))

    def on_event(self, event: EngineEvent) -> None:
        """Take one event of the engine's preview."""
        if event.resource_pre_event:
            self._take(event.resource_pre_event.metadata)

    def _take(self, step: StepEventMetadata) -> None:
        if step.op in PASSING:
            return
        if step.old:
            self._before[step.urn] = _planned(step.old)
        if step.new and step.op not in GONE:
            self._after[step.urn] = _planned(step.new)


def _planned(state: StepEventStateMetadata) -> Resource:
    return _resource(state.urn, state.type, state.inputs, bool(state.custom))


def length(value: object, unknown: int) -> int:
    """The length of a list; the other number where the list isn't known yet."""
    return len(value) if isinstance(value, list) and UNKNOWN not in value else unknown

"""Which subnets a VPC gets, and their address ranges, as awsx 3 lays them out.

The rules of the strategies "Auto" and "Exact":
https://www.pulumi.com/registry/packages/awsx/api-docs/ec2/vpc/#subnet-layout-strategies
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from typing import Any

from localcloud.providers.handler import ProviderError

_TYPES = ("Public", "Private", "Isolated", "Unused")
_SPEC_PROPERTIES = {"type", "name", "cidrMask", "cidrBlocks", "size", "tags"}
_SMALLEST_ZONE = 26
_LARGEST_DEFAULT = 16


@dataclass(frozen=True)
class SubnetSpec:
    """A kind of subnet that every zone gets.

    Attributes:
        type: Public, Private, Isolated or Unused (a range left free).
        name: takes the type's place in the subnets' names.
        prefix_length: the length of its prefix; None for an even share of the zone.
        ranges: its address range in each zone, where the caller did the arithmetic.
        tags: more tags of these subnets.
    """

    type: str
    name: str | None = None
    prefix_length: int | None = None
    ranges: tuple[str, ...] = ()
    tags: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Subnet:
    """A subnet to be made: `name` is its resource's name, `zone_index` counts from 0."""

    name: str
    type: str
    zone: str
    zone_index: int
    range: IPv4Network
    tags: Mapping[str, Any]


def parse_specs(values: Sequence[Mapping[str, Any]] | None) -> list[SubnetSpec] | None:
    """Read `subnetSpecs`.

    Raises:
        ProviderError: a property or type that isn't supported, a size that is no power of two, or
            two subnets of one type that would get the same name.
    """
    if values is None:
        return None
    specs = [_parse_spec(index, value) for index, value in enumerate(values)]
    names = Counter((spec.type, spec.name) for spec in specs)
    repeated = [kind for (kind, _), count in names.items() if count > 1]
    if repeated:
        raise ProviderError(
            f"subnetSpecs has several {repeated[0]} subnets of one name; give each its own name"
        )
    return specs


def _parse_spec(index: int, value: Mapping[str, Any]) -> SubnetSpec:
    where = f"subnetSpecs[{index}]"
    foreign = sorted(set(value) - _SPEC_PROPERTIES)
    if foreign:
        raise ProviderError(f"{where}.{foreign[0]} is not supported by the local cloud")
    types = {name.lower(): name for name in _TYPES}
    kind = types.get(str(value.get("type", "")).lower())
    if kind is None:
        raise ProviderError(f"{where}.type is {value.get('type')!r}; use {', '.join(_TYPES)}")
    return SubnetSpec(
        type=kind,
        name=value.get("name"),
        prefix_length=_prefix_length(where, value),
        ranges=tuple(value.get("cidrBlocks") or ()),
        tags=value.get("tags") or {},
    )


def _prefix_length(where: str, value: Mapping[str, Any]) -> int | None:
    size, mask = value.get("size"), value.get("cidrMask")
    if size is None:
        return None if mask is None else int(mask)
    if int(size).bit_count() != 1:
        raise ProviderError(f"{where}.size is {size}; it must be a power of two")
    from_size = 32 - (int(size).bit_length() - 1)
    if mask is not None and int(mask) != from_size:
        raise ProviderError(f"{where}.size {size} is a /{from_size}, but cidrMask is {mask}")
    return from_size


def lay_out(
    name: str,
    vpc_range: str,
    zones: Sequence[str],
    specs: list[SubnetSpec] | None,
    zone_prefix_length: int | None = None,
) -> list[Subnet]:
    """The subnets of every zone, in the order of the specs; ranges left unused are among them.

    Args:
        name: the component's name.
        vpc_range: the VPC's address range.
        zones: names of the availability zones.
        specs: the kinds of subnet; None for a private and a public one.
        zone_prefix_length: what each zone's share is aligned to; None for an even division.

    Raises:
        ProviderError: the subnets don't fit or overlap.
    """
    network = _network(vpc_range, "cidrBlock")
    zone_length = zone_prefix_length or network.prefixlen + _bits(len(zones))
    kinds = _default_specs(zone_length) if specs is None else specs
    if not kinds:
        raise ProviderError("subnetSpecs is empty; name at least one kind of subnet")
    if any(spec.ranges for spec in kinds):
        ranges = _explicit_ranges(kinds, zones)
    else:
        ranges = _auto_ranges(network, zone_length, kinds, len(zones))
    subnets = [
        Subnet(
            name=f"{name}-{spec.name or spec.type.lower()}-{zone_index + 1}",
            type=spec.type,
            zone=zone,
            zone_index=zone_index,
            range=ranges[zone_index][spec_index],
            tags=spec.tags,
        )
        for zone_index, zone in enumerate(zones)
        for spec_index, spec in enumerate(kinds)
    ]
    _refuse_overlaps(subnets)
    return subnets


def refuse_gaps(vpc_range: str, subnets: Sequence[Subnet]) -> None:
    """The strategy "Exact": the subnets must cover the VPC's range with nothing left between."""
    network = _network(vpc_range, "cidrBlock")
    expected = int(network.network_address)
    for subnet in subnets:
        if int(subnet.range.network_address) != expected:
            raise ProviderError(
                f"subnetStrategy Exact: a gap before {subnet.name} ({subnet.range}); "
                "name it with a spec of type Unused"
            )
        expected = int(subnet.range.broadcast_address) + 1
    if expected != int(network.broadcast_address) + 1:
        raise ProviderError(
            f"subnetStrategy Exact: a gap between {subnets[-1].name} and the end of {network}; "
            "name it with a spec of type Unused"
        )


def resolved_layout(
    specs: list[SubnetSpec] | None, subnets: Sequence[Subnet], zones: int
) -> list[dict[str, Any]]:
    """The output `subnetLayout`: the specs with what was decided for them."""
    if specs is None:
        first = subnets[: len(subnets) // zones]
        return [{"type": subnet.type, "cidrMask": subnet.range.prefixlen} for subnet in first]
    return [_resolved(spec) for spec in specs]


def _resolved(spec: SubnetSpec) -> dict[str, Any]:
    resolved: dict[str, Any] = {"type": spec.type}
    if spec.name is not None:
        resolved["name"] = spec.name
    if spec.ranges:
        resolved["cidrBlocks"] = list(spec.ranges)
    if spec.prefix_length is not None:
        resolved |= {"cidrMask": spec.prefix_length, "size": 2 ** (32 - spec.prefix_length)}
    return resolved


def _auto_ranges(
    network: IPv4Network, zone_length: int, specs: list[SubnetSpec], zones: int
) -> list[list[IPv4Network]]:
    share = zone_length + _bits(len(specs))
    lengths = [spec.prefix_length or share for spec in specs]
    wanted = sum(2 ** (32 - length) for length in lengths)
    available = 2 ** (32 - zone_length)
    if wanted > available:
        raise ProviderError(
            f"the subnets of a zone need {wanted} addresses, but a zone of {network} has "
            f"{available}; use a larger cidrBlock, smaller subnets or fewer zones"
        )
    start = int(network.network_address)
    return [_consecutive(start + zone * available, lengths) for zone in range(zones)]


def _consecutive(start: int, lengths: Sequence[int]) -> list[IPv4Network]:
    """Ranges one after another, each aligned to its own size."""
    ranges = []
    for length in lengths:
        size = 2 ** (32 - length)
        start = math.ceil(start / size) * size
        ranges.append(IPv4Network((start, length)))
        start += size
    return ranges


def _explicit_ranges(specs: list[SubnetSpec], zones: Sequence[str]) -> list[list[IPv4Network]]:
    for index, spec in enumerate(specs):
        if len(spec.ranges) != len(zones):
            raise ProviderError(
                f"subnetSpecs[{index}].cidrBlocks has {len(spec.ranges)} ranges; with cidrBlocks "
                f"every spec needs one for each of the {len(zones)} zones"
            )
    return [
        [
            _network(spec.ranges[zone], f"subnetSpecs[{index}].cidrBlocks[{zone}]")
            for index, spec in enumerate(specs)
        ]
        for zone in range(len(zones))
    ]


def _default_specs(zone_length: int) -> list[SubnetSpec]:
    if zone_length > _SMALLEST_ZONE:
        raise ProviderError(
            f"a zone's share of cidrBlock is a /{zone_length}; without subnetSpecs a zone needs "
            f"at least a /{_SMALLEST_ZONE}"
        )
    base = max(zone_length, _LARGEST_DEFAULT)
    return [
        SubnetSpec("Private", prefix_length=base + 1),
        SubnetSpec("Public", prefix_length=base + 2),
    ]


def _refuse_overlaps(subnets: Sequence[Subnet]) -> None:
    ordered = sorted(subnets, key=lambda subnet: (subnet.range.network_address, subnet.name))
    for before, after in itertools.pairwise(ordered):
        if before.range.overlaps(after.range):
            raise ProviderError(
                f"the subnets {before.name} ({before.range}) and {after.name} ({after.range}) "
                "overlap; use a larger cidrBlock, smaller subnets or fewer zones"
            )


def _bits(count: int) -> int:
    return (count - 1).bit_length() if count else 0


def _network(text: str, where: str) -> IPv4Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ProviderError(f"{where} is no address range: {error}") from error
    if not isinstance(network, IPv4Network):
        raise ProviderError(f"{where} is {text}; only IPv4 ranges are supported")
    return network

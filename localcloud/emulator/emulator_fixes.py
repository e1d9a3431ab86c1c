"""What the emulator leaves undone after a call that it answers rightly, done here."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from itertools import islice, takewhile
from typing import Any

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone
from moto.ec2.models.security_groups import SecurityGroupRule

from localcloud.emulator.acm import AcmAmendments
from localcloud.emulator.emulator import Emulator, backends
from localcloud.emulator.notifications import TopicNotices, send_to_topics
from localcloud.emulator.scaling_tags import ScalingTags
from localcloud.shared.service import Call, Service, ServiceError

EVENTS_KEPT_PER_STREAM = 10_000
EVENTS_KEPT_PER_GROUP = 50_000
DATA_POINTS_KEPT = 100_000
DAY_SECONDS = 24 * 3600


class Ec2Amendments(Service):
    """EC2: what AWS makes or frees along with a resource."""

    name = "ec2"
    emulated = True

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator
        self.after: dict[str, Callable[[Call, Mapping[str, Any]], None]] = {
            "CreateVpcEndpoint": self._name_default_type,
            "CreateVpc": self._let_default_group_talk_to_itself,
            "DeleteNatGateway": self._free_gateway,
            "DeleteVpcEndpoints": self._forget_endpoints,
            "ModifySecurityGroupRules": self._change_sources,
        }
        describe_rules()
        describe_local_zones()

    def _let_default_group_talk_to_itself(self, call: Call, answer: Mapping[str, Any]) -> None:
        """https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html"""
        ec2 = backends("ec2")[call.account][call.region]
        with self._emulator.lock:
            group = ec2.get_security_group_by_name_or_id("default", answer["Vpc"]["VpcId"])
            ec2.authorize_security_group_ingress(
                group_name_or_id=group.id,
                ip_protocol="-1",
                from_port=None,
                to_port=None,
                ip_ranges=[],
                source_groups=[{"GroupId": group.id}],
                vpc_id=answer["Vpc"]["VpcId"],
            )

    def _name_default_type(self, call: Call, answer: Mapping[str, Any]) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html"""
        endpoints = backends("ec2")[call.account][call.region].vpc_end_points
        endpoint = endpoints[answer["VpcEndpoint"]["VpcEndpointId"]]
        endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or "Gateway"

    def _forget_endpoints(self, call: Call, answer: Mapping[str, Any]) -> None:
        """A deleted endpoint is described no longer.

        https://docs.aws.amazon.com/vpc/latest/privatelink/delete-interface-endpoint.html
        """
        del answer
        ec2 = backends("ec2")[call.account][call.region]
        with self._emulator.lock:
            for name in call.input["VpcEndpointIds"]:
                ec2.vpc_end_points.pop(name, None)

    def _change_sources(self, call: Call, answer: Mapping[str, Any]) -> None:
        """The emulator changes a rule's address range alone.

        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRuleRequest.html
        """
        del answer
        ec2 = backends("ec2")[call.account][call.region]
        with self._emulator.lock:
            group = ec2.get_security_group_by_name_or_id(call.input["GroupId"])
            for given in call.input["SecurityGroupRules"]:
                rule, wanted = (
                    group.get_rule(given["SecurityGroupRuleId"]),
                    given["SecurityGroupRule"],
                )
                if "ReferencedGroupId" in wanted:
                    rule.source_group["GroupId"] = wanted["ReferencedGroupId"]
                if "PrefixListId" in wanted:
                    rule.prefix_list_id = wanted["PrefixListId"]
                if "CidrIpv6" in wanted:
                    rule.ip_range["CidrIpv6"] = wanted["CidrIpv6"]

    def _free_gateway(self, call: Call, answer: Mapping[str, Any]) -> None:
        """A deleted NAT gateway gives its address and its network interface back.

        https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html
        """
        ec2 = backends("ec2")[call.account][call.region]
        with self._emulator.lock:
            gateway = ec2.nat_gateways[answer["NatGatewayId"]]
            used = {address.get("allocationId") for address in gateway.address_set}
            for address in ec2.addresses:
                if address.allocation_id in used:
                    address.association_id = address.eni = None
            ec2.enis.pop(gateway._eni.id, None)


_make_rule = SecurityGroupRule.__init__


def describe_rules() -> None:
    """Let rules that name a group or a prefix list keep their description too.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
    """

    @functools.wraps(_make_rule)
    def make_rule(self: Any, *args: Any, **kwargs: Any) -> None:
        _make_rule(self, *args, **kwargs)
        bound = inspect.signature(_make_rule).bind(self, *args, **kwargs)
        named = bound.arguments.get("prefix_list_id") or {}
        self.prefix_list = {key: text for key, text in named.items() if key == "Description"}

    def description(self: Any) -> str | None:
        places = (self.ip_range, self.source_group, vars(self).get("prefix_list", {}))
        return next((place["Description"] for place in places if "Description" in place), None)

    setattr(SecurityGroupRule, "__init__", make_rule)  # noqa: B010 -- mypy refuses an assignment
    setattr(SecurityGroupRule, "description", property(description))  # noqa: B010


OPT_IN = "opt_in_status"  # read by the emulator's serializer
LOCAL_ZONE = "-atl-1a"
"""Of a Local Zone to which the account has opted in; it is named before the region's own zones."""

_describe_zones = RegionsAndZonesBackend.describe_availability_zones


def describe_local_zones() -> None:
    """Let every region have a Local Zone, and zones be told apart by their opt-in status.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AvailabilityZone.html
    """

    def described(
        self: Any,
        filters: Any = None,
        zone_names: list[str] | None = None,
        zone_ids: list[str] | None = None,
    ) -> list[Zone]:
        own = self.zones.get(self.region_name, [])
        if own and not any(zone.zone_type == "local-zone" for zone in own):
            name = f"{self.region_name}{LOCAL_ZONE}"
            own.append(
                Zone(name, self.region_name, f"{own[0].zone_id[:4]}{LOCAL_ZONE}", "local-zone")
            )
        left: Any = dict(filters or {})
        statuses = left.pop("opt-in-status", None)
        found = list(_describe_zones(self, left or None, zone_names, zone_ids))
        for zone in found:
            local = zone.zone_type == "local-zone"
            setattr(zone, OPT_IN, "opted-in" if local else "opt-in-not-required")
        return [zone for zone in found if statuses is None or getattr(zone, OPT_IN) in statuses]

    setattr(RegionsAndZonesBackend, "describe_availability_zones", described)  # noqa: B010


class LogsAmendments(Service):
    """CloudWatch Logs: a group's key can change; old events go, by its retention and by number.

    The emulator keeps all events in memory; AWS keeps any number.
    """

    name = "logs"
    emulated = True

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator
        self.handlers = {
            "AssociateKmsKey": self._associate_key,
            "DisassociateKmsKey": self._disassociate_key,
            "FilterLogEvents": self._filter,
        }
        self.after = {"PutLogEvents": self._drop_old}

    def _associate_key(self, call: Call) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html"""
        with self._emulator.lock:
            group, key = _log_group(call), call.input["kmsKeyId"]
            found = backends("kms")[call.account][call.region].keys.get(key.rpartition("/")[2])
            if found is None or found.arn != key or found.key_state != "Enabled":
                raise ServiceError(
                    "AccessDeniedException",
                    f"The specified KMS key does not exist or is not allowed to be used with Arn "
                    f"'{group.arn.removesuffix(':*')}'",
                )
            group.kms_key_id = key
        return {}

    def _disassociate_key(self, call: Call) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DisassociateKmsKey.html"""
        with self._emulator.lock:
            _log_group(call).kms_key_id = None
        return {}

    def _filter(self, call: Call) -> Mapping[str, Any]:
        """The emulator ignores `logStreamNamePrefix`.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
        """
        given, prefix = call.input, call.input.get("logStreamNamePrefix")
        names = given.get("logStreamNames", [])
        if names and prefix:
            raise ServiceError(
                "InvalidParameterException",
                "logStreamNames and logStreamNamePrefix can't be given together.",
            )
        with self._emulator.lock:
            group = _log_group(call)
            if prefix:
                names = [name for name in group.streams if name.startswith(prefix)]
            if prefix and not names:
                return {"events": [], "searchedLogStreams": []}
            events, token, searched = backends("logs")[call.account][call.region].filter_log_events(
                given["logGroupName"],
                names,
                given.get("startTime"),
                given.get("endTime"),
                given.get("limit"),
                given.get("nextToken"),
                given.get("filterPattern"),
                given.get("interleaved", False),
            )
        more = {"nextToken": token} if token else {}
        return {"events": events, "searchedLogStreams": searched, **more}

    def _drop_old(self, call: Call, answer: Mapping[str, Any]) -> None:
        """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
        del answer
        with self._emulator.lock:
            group = backends("logs")[call.account][call.region].groups[call.input["logGroupName"]]
            stream = group.streams[call.input["logStreamName"]]
            excess = max(0, len(stream.events) - EVENTS_KEPT_PER_STREAM)
            if group.retention_in_days:
                oldest = (time.time() - int(group.retention_in_days) * DAY_SECONDS) * 1000
                kept = islice(stream.events, excess, None)
                excess += sum(1 for _ in takewhile(lambda event: event.timestamp < oldest, kept))
            del stream.events[:excess]
            _drop_idle_streams(group)


def _log_group(call: Call) -> Any:
    """The group that a call about its key names."""
    if "logGroupName" not in call.input:
        raise ServiceError(
            "InvalidParameterException",
            f"{call.operation} of the local cloud needs logGroupName: the keys of query results "
            "(resourceIdentifier) are not honoured. Leave it out, or try it on AWS.",
        )
    group = backends("logs")[call.account][call.region].groups.get(call.input["logGroupName"])
    if group is None:
        raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
    return group


def _drop_idle_streams(group: Any) -> None:
    """Empties the streams that were idle longest, such as those of tasks that are gone."""
    excess = sum(len(stream.events) for stream in group.streams.values()) - EVENTS_KEPT_PER_GROUP
    if excess <= 0:
        return
    filled = [stream for stream in group.streams.values() if stream.events]
    for stream in sorted(filled, key=lambda stream: stream.last_ingestion_time):
        dropped = min(excess, len(stream.events))
        del stream.events[:dropped]
        excess -= dropped
        if excess <= 0:
            return


class CloudwatchAmendments(Service):
    """CloudWatch: the oldest data points go, beyond a number, and tags with their alarm."""

    name = "cloudwatch"
    emulated = True

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator
        self.before = {"DeleteAlarms": self._drop_tags}
        self.after = {"PutMetricData": self._drop_old}

    def _drop_tags(self, call: Call) -> None:
        """The emulator would give them to the next alarm of that name."""
        with self._emulator.lock:
            backend = backends("cloudwatch")[call.account][call.region]
            for name in call.input["AlarmNames"]:
                if name in backend.alarms:
                    backend.tagger.delete_all_tags_for_resource(backend.alarms[name].alarm_arn)

    def _drop_old(self, call: Call, answer: Mapping[str, Any]) -> None:
        del answer
        with self._emulator.lock:
            backend = backends("cloudwatch")[call.account][call.region]
            if len(backend.metric_data) > DATA_POINTS_KEPT:
                del backend.metric_data[: -DATA_POINTS_KEPT * 9 // 10]


def amendments(emulator: Emulator) -> list[Service]:
    """All of them."""
    send_to_topics()
    return [
        AcmAmendments(emulator),
        CloudwatchAmendments(emulator),
        Ec2Amendments(emulator),
        LogsAmendments(emulator),
        ScalingTags(emulator),
        TopicNotices(emulator),
        Wafv2Amendments(),
    ]


class Wafv2Amendments(Service):
    """WAF: which load balancers a web ACL stands in front of."""

    name = "wafv2"
    emulated = True

    def __init__(self) -> None:
        super().__init__()
        self.before = {"AssociateWebACL": self._associate}
        self.handlers = {"ListResourcesForWebACL": self._list_resources}

    def _associate(self, call: Call) -> None:
        """A resource has one web ACL at most; associating another replaces it.

        https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
        """
        arn = call.input["ResourceArn"]
        if arn not in _balancers(call):
            raise ServiceError(
                "WAFNonexistentItemException",
                f"AWS WAF couldn't perform the operation because {arn} doesn't exist.",
            )
        backends("wafv2")[call.account][call.region].disassociate_web_acl(arn)

    def _list_resources(self, call: Call) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/waf/latest/APIReference/API_ListResourcesForWebACL.html"""
        acl = backends("wafv2")[call.account][call.region].wacls.get(call.input["WebACLArn"])
        if acl is None:
            raise ServiceError(
                "WAFNonexistentItemException",
                f"AWS WAF couldn't perform the operation because {call.input['WebACLArn']} "
                "doesn't exist.",
            )
        present = _balancers(call)
        return {"ResourceArns": [arn for arn in acl.associated_resources if arn in present]}


def _balancers(call: Call) -> set[str]:
    return set(backends("elbv2")[call.account][call.region].load_balancers)

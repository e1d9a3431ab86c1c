"""The vendor's provider: the web application firewall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

ACL = "aws:wafv2/webAcl:WebAcl"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"

VENDOR: Mapping[str, Vendor] = {
    ACL: Vendor(
        "wafv2/web_acl.go",
        reads=frozenset({"GetWebACL", "ListTagsForResource"}),
        waits="repeats while something is unavailable or still associated; takes a new lock token",
    ),
    ASSOCIATION: Vendor(
        "wafv2/web_acl_association.go",
        reads=frozenset({"GetWebACLForResource"}),
        waits="repeats a create while the list is unavailable",
    ),
    LOGGING: Vendor(
        "wafv2/web_acl_logging_configuration.go", reads=frozenset({"GetLoggingConfiguration"})
    ),
}


def _changed(world: World, held: Held, **others: Any) -> None:
    client = world.client("wafv2")
    named = {"Name": held.outputs["name"], "Scope": "REGIONAL", "Id": held.id}
    found = client.get_web_acl(**named)
    kept = ("DefaultAction", "Rules", "VisibilityConfig")
    whole = {member: found["WebACL"][member] for member in kept}
    client.update_web_acl(**named, LockToken=found["LockToken"], **{**whole, **others})


def _reordered(world: World, held: Held) -> None:
    named = {"Name": held.outputs["name"], "Scope": "REGIONAL", "Id": held.id}
    (rule,) = world.client("wafv2").get_web_acl(**named)["WebACL"]["Rules"]
    _changed(world, held, Rules=[{**rule, "Priority": 7}])


def _associated(world: World, held: Held) -> None:
    other = world.client("wafv2").create_web_acl(
        Name=f"{world.name}-other",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={
            "SampledRequestsEnabled": True,
            "CloudWatchMetricsEnabled": True,
            "MetricName": "m",
        },
    )
    world.client("wafv2").associate_web_acl(
        ResourceArn=held.outputs["resourceArn"], WebACLArn=other["Summary"]["ARN"]
    )


def _logged(world: World, held: Held) -> None:
    client = world.client("wafv2")
    found = client.get_logging_configuration(ResourceArn=held.id)["LoggingConfiguration"]
    fields = found["RedactedFields"][:1]
    client.put_logging_configuration(LoggingConfiguration={**found, "RedactedFields": fields})


BY_HAND: Mapping[str, ByHand] = {
    "what a firewall does by default": ByHand(
        ACL, lambda world, held: _changed(world, held, DefaultAction={"Block": {}}), "defaultAction"
    ),
    "a rule of a firewall": ByHand(ACL, _reordered, "rules"),
    "which firewall stands before a load balancer": ByHand(ASSOCIATION, _associated, "webAclArn"),
    "what a firewall's log leaves out": ByHand(LOGGING, _logged, "redactedFields"),
}

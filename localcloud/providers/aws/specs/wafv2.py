"""Rows of WAF: access control lists and what they protect.

https://docs.aws.amazon.com/waf/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_unordered
from localcloud.providers.aws.mapping import step_request
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values, tagged_by_arn
from localcloud.providers.aws.values import from_shape

_MISSING = frozenset({"WAFNonexistentItemException"})
# WAF keeps lists and load balancers in step with a delay.
_SETTLING = frozenset(
    {"WAFUnavailableEntityException", "WAFOptimisticLockException", "WAFAssociatedItemException"}
)
_IDENTITY = {"Name": "inputs.name", "Scope": "inputs.scope", "Id": "id"}
_UPDATE = Op("UpdateWebACL", _IDENTITY)


def _lock(resource: Resource) -> str:
    arguments = resource.arguments(Op("GetWebACL", _IDENTITY))
    return str(resource.call("GetWebACL", **arguments)["LockToken"])


def _change_list(resource: Resource, old: Values) -> None:
    if not old:
        return
    members = step_request(WEB_ACL, _UPDATE, resource.inputs, resource.inputs)
    resource.run(_UPDATE, {**members, "LockToken": _lock(resource)})


def _delete_list(resource: Resource) -> None:
    resource.run(Op("DeleteWebACL", _IDENTITY), {"LockToken": _lock(resource)})


def _custom_bodies(inputs: Values) -> Values:
    values = dict(inputs)
    if isinstance(values.get("customResponseBodies"), list):
        values["customResponseBodies"] = {
            body["key"]: {name: text for name, text in body.items() if name != "key"}
            for body in values["customResponseBodies"]
        }
    return values


WEB_ACL = Spec(
    "aws:wafv2/webAcl:WebAcl",
    "wafv2",
    create=Op("CreateWebACL"),
    read=Op("GetWebACL", _IDENTITY),
    delete=_delete_list,
    id="Summary.Id",
    found="merge(WebACL, {LockToken: LockToken})",
    found_id="Id",
    imports=r"(?P<id>[^/]+)/(?P<name>[^/]+)/(?P<scope>[^/]+)",
    prepare=_custom_bodies,
    replaces=frozenset({"name", "scope"}),
    update=(
        Step(
            _change_list,
            properties=(
                "defaultAction",
                "rules",
                "visibilityConfig",
                "description",
                "customResponseBodies",
                "captchaConfig",
                "challengeConfig",
                "tokenDomains",
                "associationConfig",
            ),
        ),
    ),
    equal={"rules": same_unordered},
    outputs={"arn": "ARN", "capacity": "Capacity", "lockToken": "LockToken"},
    name=AutoName(128),
    tags=tagged_by_arn("ResourceARN", found="TagInfoForResource.TagList"),
    absent=_MISSING,
    retried=_SETTLING,
)


def _find_association(resource: Resource) -> Values | None:
    arn = resource.inputs["resourceArn"]
    told = resource.call("GetWebACLForResource", ResourceArn=arn).get("WebACL")
    return {"ResourceArn": arn, "WebACLArn": told["ARN"]} if told else None


WEB_ACL_ASSOCIATION = Spec(
    "aws:wafv2/webAclAssociation:WebAclAssociation",
    "wafv2",
    create=Op("AssociateWebACL"),
    read=_find_association,
    delete=Op("DisassociateWebACL", {"ResourceArn": "inputs.resourceArn"}),
    id="join(',', [inputs.webAclArn, inputs.resourceArn])",
    names={"webAclArn": "WebACLArn"},
    imports=r"(?P<webAclArn>[^,]+),(?P<resourceArn>.+)",
    absent=_MISSING,
    retried=frozenset({"WAFUnavailableEntityException"}),
)

_LOGGING_INPUTS = ("logDestinationConfigs", "loggingFilter", "redactedFields", "resourceArn")


def _told_logging(_resource: Resource, found: Values) -> Values:
    told = from_shape(found, "", {})
    return {name: told[name] for name in _LOGGING_INPUTS if name in told}


WEB_ACL_LOGGING = Spec(
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
    "wafv2",
    create=Op("PutLoggingConfiguration"),
    read=Op("GetLoggingConfiguration", {"ResourceArn": "id"}),
    delete=Op("DeleteLoggingConfiguration", {"ResourceArn": "id"}),
    id="LoggingConfiguration.ResourceArn",
    found="LoggingConfiguration",
    inputs=frozenset(_LOGGING_INPUTS),
    prepare=lambda inputs: {"LoggingConfiguration": inputs},
    present=_told_logging,
    replaces=frozenset({"logDestinationConfigs", "resourceArn"}),
    update=(Step(Op("PutLoggingConfiguration"), properties=("loggingFilter", "redactedFields")),),
    equal={"redactedFields": same_unordered},
    absent=_MISSING,
)

ROWS = (WEB_ACL, WEB_ACL_ASSOCIATION, WEB_ACL_LOGGING)

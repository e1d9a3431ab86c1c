"""What AWS refuses and the emulator accepts: checks ahead of the emulator, with AWS's codes.

Each row of `CHECKS` is an operation and the function that raises `ServiceError`. IAM's are with
IAM, the load balancer's with the load balancer. Codes:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and the operations'
own pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.s3.utils import bucket_policy_is_public

from localcloud.gateway.check_context import Check, CheckContext
from localcloud.gateway.ec2_refusals import (
    address_in_use,
    dry_run,
    endpoint_service_exists,
    group_in_use,
    subnet_in_use,
    vpc_in_use,
)
from localcloud.shared.service import Call, Service, ServiceError, Surroundings

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
STANDARD_PARAMETER_CHARACTERS = 4096
ADVANCED_PARAMETER_CHARACTERS = 8192


def _service_exists(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html"""
    if call.input["ServiceNamespace"] != "ecs":
        raise ServiceError(
            "ValidationException",
            f"The local cloud scales ECS services only, not {call.input['ServiceNamespace']}.",
        )
    parts = call.input["ResourceId"].split("/")
    if len(parts) != 3 or parts[0] != "service":
        raise ServiceError(
            "ValidationException", f"Unsupported resource: {call.input['ResourceId']}"
        )
    ecs = context.client("ecs", call.region)
    try:
        found = ecs.describe_services(cluster=parts[1], services=[parts[2]])["services"]
    except ecs.exceptions.ClusterNotFoundException:
        found = []
    if not any(service["status"] == "ACTIVE" for service in found):
        raise ServiceError(
            "ValidationException", f"ECS service doesn't exist: {call.input['ResourceId']}"
        )


def _certificate_in_use(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html"""
    arn = call.input["CertificateArn"]
    for balancer in context.backend(call, "elbv2").load_balancers.values():
        for listener in balancer.listeners.values():
            if arn in listener.certificates or arn == listener.certificate:
                raise ServiceError(
                    "ResourceInUseException",
                    f"Certificate {arn} in account {call.account} is in use by {balancer.arn}.",
                )


def _web_acl_in_use(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/waf/latest/APIReference/API_DeleteWebACL.html"""
    waf = context.client("wafv2", call.region)
    for acl in waf.list_web_acls(Scope=call.input["Scope"])["WebACLs"]:
        if acl["Id"] == call.input["Id"] and call.input["Scope"] == "REGIONAL":
            used = waf.list_resources_for_web_acl(WebACLArn=acl["ARN"])["ResourceArns"]
            if used:
                raise ServiceError(
                    "WAFAssociatedItemException",
                    "AWS WAF couldn't perform the operation because your resource is being used "
                    f"by another resource or it's associated with another resource: {used[0]}",
                )


def _records_exist(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html"""
    changes = call.input["ChangeBatch"]["Changes"]
    gone = [c["ResourceRecordSet"] for c in changes if c["Action"] == "DELETE"]
    if not gone:
        return
    zone = call.input["HostedZoneId"].split("/")[-1]
    pages = context.client("route53").get_paginator("list_resource_record_sets")
    present = {
        (record["Name"], record["Type"], record.get("SetIdentifier"))
        for page in pages.paginate(HostedZoneId=zone)
        for record in page["ResourceRecordSets"]
    }
    missing = [
        record
        for record in gone
        if (_dotted(record["Name"]), record["Type"], record.get("SetIdentifier")) not in present
    ]
    if missing:
        told = "; ".join(
            f"Tried to delete resource record set [name='{_dotted(record['Name'])}', "
            f"type='{record['Type']}'] but it was not found"
            for record in missing
        )
        raise ServiceError("InvalidChangeBatch", f"[{told}]")


def _dotted(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def _key_usable(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    kms = context.backend(call)
    wanted = call.input.get("KeyId")
    if wanted is None:
        return  # decryption reads the key from the ciphertext
    name = kms.get_key_id(wanted) if not wanted.startswith(("alias/", "arn:")) else None
    key = kms.keys.get(name or kms.any_id_to_key_id(wanted))
    if key is not None and key.key_state == "PendingDeletion":
        raise ServiceError("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def _parameter_fits(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""
    del context
    tier = call.input.get("Tier", "Standard")
    size = len(call.input["Value"])
    standard = tier == "Standard"
    limit = STANDARD_PARAMETER_CHARACTERS if standard else ADVANCED_PARAMETER_CHARACTERS
    if size > limit:
        advice = " To create a larger parameter value, upgrade the parameter to use the "
        raise ServiceError(
            "ValidationException",
            f"{tier} tier parameters support a maximum parameter value of {limit} characters."
            + (f"{advice}advanced-parameter tier." if standard else ""),
        )


def _retention_allowed(context: CheckContext, call: Call) -> None:
    del context
    days = call.input["retentionInDays"]
    if days not in RETENTION_DAYS:
        raise ServiceError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: {list(RETENTION_DAYS)}",
        )


def _bucket_policy_allowed(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
    text = call.input["Policy"]
    try:
        statements = json.loads(text)["Statement"]
        well_formed = all({"Effect", "Principal", "Resource"} <= set(s) for s in listed(statements))
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceError("MalformedPolicy", f"Policies must be valid JSON: {error}") from error
    if not well_formed:
        raise ServiceError(
            "MalformedPolicy", "Missing required field Effect, Principal or Resource"
        )
    bucket = context.backend(call, region="aws").buckets.get(call.input["Bucket"])
    block = getattr(bucket, "public_access_block", None)
    if block is not None and is_true(block.block_public_policy) and bucket_policy_is_public(text):
        raise ServiceError(
            "AccessDenied",
            f"User: {call.principal} is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"arn:aws:s3:::{call.input["Bucket"]}" because public policies are blocked by the '
            "BlockPublicPolicy block public access setting.",
            403,
        )


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_true(value: Any) -> bool:
    return str(value).lower() == "true"


EVERY = "*"
_KEY_USES = ("Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "Sign", "Verify")

CHECKS: Mapping[str, Mapping[str, Check]] = {
    "acm": {"DeleteCertificate": _certificate_in_use},
    "application-autoscaling": {"RegisterScalableTarget": _service_exists},
    "ec2": {
        EVERY: dry_run,
        "CreateVpcEndpoint": endpoint_service_exists,
        "DeleteSecurityGroup": group_in_use,
        "DeleteSubnet": subnet_in_use,
        "DeleteVpc": vpc_in_use,
        "ReleaseAddress": address_in_use,
    },
    "kms": dict.fromkeys(_KEY_USES, _key_usable),
    "logs": {"PutRetentionPolicy": _retention_allowed},
    "route53": {"ChangeResourceRecordSets": _records_exist},
    "s3": {"PutBucketPolicy": _bucket_policy_allowed},
    "ssm": {"PutParameter": _parameter_fits},
    "wafv2": {"DeleteWebACL": _web_acl_in_use},
}


class Refusals(Service):
    """The checks of one emulated service."""

    emulated = True

    def __init__(self, name: str, surroundings: Surroundings) -> None:
        super().__init__()
        self.name = name
        context = CheckContext(surroundings)
        for operation, check in CHECKS[name].items():
            self.before[operation] = _bound(check, context)


def _bound(check: Check, context: CheckContext) -> Callable[[Call], None]:
    def bound(call: Call) -> None:
        check(context, call)

    return bound


def refusals(surroundings: Surroundings) -> list[Refusals]:
    """The checks of every emulated service that has some."""
    return [Refusals(name, surroundings) for name in CHECKS]

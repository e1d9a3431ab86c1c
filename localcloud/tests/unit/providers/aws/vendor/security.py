"""The vendor's provider: rights and secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.tests.unit.providers.aws.cases import World, policy
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

CERTIFICATE, RECORD = "aws:acm/certificate:Certificate", "aws:route53/record:Record"
ISSUER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"

VENDOR: Mapping[str, Vendor] = {
    CERTIFICATE: Vendor(
        "acm/certificate.go",
        reads=frozenset({"DescribeCertificate", "ListTagsForCertificate"}),
        kept=frozenset(
            {
                "domainName",
                "keyAlgorithm",
                "options",
                "subjectAlternativeNames",
                "validationMethod",
            }
        ),
        nested={"options": {"certificateTransparencyLoggingPreference": "ENABLED"}},
        waits="until its validation records are told; repeats a delete while it is in use",
    ),
    "aws:acm/certificateValidation:CertificateValidation": Vendor(
        "acm/certificate_validation.go",
        reads=frozenset({"DescribeCertificate"}),
        waits="ISSUED",
    ),
    RECORD: Vendor(
        "route53/record.go",
        reads=frozenset({"GetHostedZone", "ListResourceRecordSets"}),
        kept=frozenset({"allowOverwrite"}),
        waits="INSYNC, after a create, an update and a delete",
    ),
    "aws:iam/role:Role": Vendor(
        "iam/role.go",
        reads=frozenset(
            {"GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies"}
        ),
        kept=frozenset({"inlinePolicies", "managedPolicyArns"}),
        defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
        waits="repeats a create whose principals are not known yet",
        least=("name", "assumeRolePolicy"),
    ),
    "aws:iam/rolePolicy:RolePolicy": Vendor(
        "iam/role_policy.go",
        reads=frozenset({"GetRolePolicy"}),
        waits="repeats the first read until the policy is found",
        least=("role", "policy"),
    ),
    ISSUER: Vendor(
        "iam/openid_connect_provider.go",
        reads=frozenset({"GetOpenIDConnectProvider"}),
        kept=frozenset({"thumbprintLists"}),
        least=("url", "clientIdLists"),
    ),
    "aws:ssm/parameter:Parameter": Vendor(
        "ssm/parameter.go",
        reads=frozenset({"GetParameter", "DescribeParameters", "ListTagsForResource"}),
        kept=frozenset({"dataType", "keyId", "tier"}),
        least=("type", "value"),
    ),
}


def _allowed(world: World, held: Held) -> None:
    role, _, name = held.id.partition(":")
    world.client("iam").put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=policy("arn:aws:s3:::other")
    )


def _overwritten(world: World, held: Held) -> None:
    world.client("ssm").put_parameter(Name=held.id, Value="by hand", Type="String", Overwrite=True)


def _recorded(action: str, **changed: Any) -> Callable[[World, Held], Any]:
    def change(world: World, held: Held) -> None:
        record = {
            "Name": held.outputs["fqdn"],
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": "10.0.0.1"}],
            **changed,
        }
        world.client("route53").change_resource_record_sets(
            HostedZoneId=world.zone,
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
        )

    return change


def _other_thumbprint(world: World, held: Held) -> None:
    world.client("iam").update_open_id_connect_provider_thumbprint(
        OpenIDConnectProviderArn=held.id, ThumbprintList=["2" * 40]
    )


BY_HAND: Mapping[str, ByHand] = {
    "an issuer's thumbprints": ByHand(
        ISSUER, _other_thumbprint, "thumbprintLists", {"thumbprintLists": ["0" * 40]}
    ),
    "an issuer's thumbprints that the program leaves alone": ByHand(ISSUER, _other_thumbprint),
    "a certificate that is gone": ByHand(
        CERTIFICATE,
        lambda world, held: world.client("acm").delete_certificate(CertificateArn=held.id),
        gone=True,
    ),
    "a record's time to live": ByHand(RECORD, _recorded("UPSERT", TTL=7), "ttl"),
    "a record's values": ByHand(
        RECORD, _recorded("UPSERT", ResourceRecords=[{"Value": "10.0.0.2"}]), "records"
    ),
    "a record that is gone": ByHand(RECORD, _recorded("DELETE"), gone=True),
    "a session's length": ByHand(
        "aws:iam/role:Role",
        lambda world, held: world.client("iam").update_role(
            RoleName=held.id, MaxSessionDuration=7200
        ),
        "maxSessionDuration",
    ),
    "managed policies that the program leaves alone": ByHand(
        "aws:iam/role:Role",
        lambda world, held: world.client("iam").attach_role_policy(
            RoleName=held.id,
            PolicyArn=world.client("iam").create_policy(
                PolicyName=world.name, PolicyDocument=policy("*")
            )["Policy"]["Arn"],
        ),
    ),
    "what a role may do": ByHand("aws:iam/rolePolicy:RolePolicy", _allowed, "policy"),
    "a parameter's value": ByHand("aws:ssm/parameter:Parameter", _overwritten, "value"),
}

"""Lives of roles, certificates, names, keys, secrets and firewalls."""

# ruff: noqa: ARG005 -- every life is asked with a world, whether it needs one or not

from __future__ import annotations

from typing import Any

from localcloud.tests.unit.providers.aws.cases import RETAGGED, TAGGED, Case, World, policy, trust


def visibility(name: str) -> dict[str, Any]:
    return {
        "cloudwatchMetricsEnabled": True,
        "metricName": name,
        "sampledRequestsEnabled": True,
    }


def managed_rule(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "priority": 1,
        "overrideAction": {"none": {}},
        "statement": {"managedRuleGroupStatement": {"name": name, "vendorName": "AWS"}},
        "visibilityConfig": visibility(name),
    }


def firewall_log(world: World, *hidden: str) -> dict[str, Any]:
    return {
        "resourceArn": world.web_acl,
        "logDestinationConfigs": [
            f"arn:aws:logs:us-east-1:123456789012:log-group:aws-waf-logs-{world.name}"
        ],
        "redactedFields": [{"singleHeader": {"name": name}} for name in hidden],
    }


SECURITY = (
    Case(
        "aws:iam/role:Role",
        lambda world: {
            "assumeRolePolicy": trust("ecs-tasks.amazonaws.com"),
            "description": "one",
            **TAGGED,
        },
        lambda world: {
            "assumeRolePolicy": trust("codebuild.amazonaws.com"),
            "description": "two",
            "managedPolicyArns": [world.managed_policy],
            **RETAGGED,
        },
        outputs=("arn", "uniqueId", "name"),
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        lambda world: {"role": world.role_name, "policy": policy("arn:aws:s3:::a")},
        lambda world: {"role": world.role_name, "policy": policy("arn:aws:s3:::b")},
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda world: {"role": world.role_name, "policyArn": world.managed_policy},
        lambda world: {
            "role": world.role("codebuild.amazonaws.com").rpartition("/")[2],
            "policyArn": world.managed_policy,
        },
        replaces=True,
    ),
    Case(
        "aws:iam/policy:Policy",
        lambda world: {"policy": policy("arn:aws:s3:::a"), **TAGGED},
        lambda world: {"policy": policy("arn:aws:s3:::b"), **RETAGGED},
        outputs=("arn", "policyId"),
    ),
    Case(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        lambda world: {
            "url": f"https://{world.name}.example.com",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["0" * 40],
            **TAGGED,
        },
        lambda world: {
            "url": f"https://{world.name}.example.com",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["1" * 40],
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:kms/key:Key",
        lambda world: {"description": "one", "enableKeyRotation": True, **TAGGED},
        lambda world: {"description": "two", "enableKeyRotation": False, **RETAGGED},
        outputs=("arn", "keyId"),
    ),
    Case(
        "aws:kms/alias:Alias",
        lambda world: {"name": f"alias/{world.name}", "targetKeyId": world.key("one")},
        lambda world: {"name": f"alias/{world.name}", "targetKeyId": world.key("two")},
        outputs=("arn", "targetKeyArn"),
    ),
    Case(
        "aws:secretsmanager/secret:Secret",
        lambda world: {"description": "one", "recoveryWindowInDays": 0, **TAGGED},
        lambda world: {"description": "two", "recoveryWindowInDays": 0, **RETAGGED},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:secretsmanager/secretVersion:SecretVersion",
        lambda world: {"secretId": world.secret, "secretString": "one"},
        lambda world: {"secretId": world.secret, "secretString": "two"},
        replaces=True,
        outputs=("arn", "versionId"),
    ),
    Case(
        "aws:ssm/parameter:Parameter",
        lambda world: {"type": "String", "value": "one", **TAGGED},
        lambda world: {"type": "String", "value": "two", **RETAGGED},
        outputs=("arn", "version"),
    ),
    Case(
        "aws:acm/certificate:Certificate",
        lambda world: {
            "domainName": "app.example.com",
            "subjectAlternativeNames": ["www.example.com"],
            "validationMethod": "DNS",
            **TAGGED,
        },
        lambda world: {"domainName": "www.example.com", "validationMethod": "DNS", **TAGGED},
        replaces=True,
        outputs=("arn", "domainValidationOptions", "status"),
    ),
    Case(
        "aws:route53/zone:Zone",
        lambda world: {"name": f"{world.name}.com", **TAGGED},
        lambda world: {"name": f"{world.name}.com", **RETAGGED},
        outputs=("arn", "zoneId", "nameServers"),
    ),
    Case(
        "aws:route53/record:Record",
        lambda world: {
            "zoneId": world.zone,
            "name": "app",
            "type": "A",
            "ttl": 60,
            "records": ["10.0.0.1"],
        },
        lambda world: {
            "zoneId": world.zone,
            "name": "app",
            "type": "A",
            "aliases": [{"name": "lb.example.net", "zoneId": "Z1", "evaluateTargetHealth": False}],
        },
        outputs=("fqdn",),
    ),
    Case(
        "aws:wafv2/webAcl:WebAcl",
        lambda world: {
            "scope": "REGIONAL",
            "defaultAction": {"allow": {}},
            "visibilityConfig": visibility("one"),
            "rules": [managed_rule("AWSManagedRulesCommonRuleSet")],
            **TAGGED,
        },
        lambda world: {
            "scope": "REGIONAL",
            "defaultAction": {"block": {}},
            "visibilityConfig": visibility("two"),
            "rules": [managed_rule("AWSManagedRulesKnownBadInputsRuleSet")],
            **RETAGGED,
        },
        outputs=("arn", "capacity"),
        imports=lambda outputs: f"{outputs['id']}/{outputs['name']}/REGIONAL",
    ),
    Case(
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        lambda world: {"resourceArn": world.load_balancer, "webAclArn": world.web_acl},
    ),
    Case(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        lambda world: firewall_log(world, "authorization", "cookie"),
        lambda world: firewall_log(world, "cookie"),
        imports=lambda outputs: str(outputs["resourceArn"]),
    ),
)

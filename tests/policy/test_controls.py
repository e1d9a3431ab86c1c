"""Security controls, one by one, over every resource that the program registers.

The identifiers are those of AWS Security Hub (`ECS.5`), checkov (`C336`) and cdk-nag (`N:ECS7`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.policy.matrix import MATRIX, NOT_MADE, recorded
from tests.unit.infra.recorder import Recording, custom

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"

Inputs = dict[str, Any]
Control = Callable[[Recording], bool]


def inputs(recording: Recording, token: str) -> list[Inputs]:
    return [each.inputs for each in custom(recording.of(token))]


def every(token: str, holds: Callable[[Inputs], bool]) -> Control:
    """The control holds for each resource of a type, and there is one at least."""

    def control(recording: Recording) -> bool:
        found = inputs(recording, token)
        return bool(found) and all(holds(each) for each in found)

    return control


def where_made(token: str, holds: Callable[[Inputs], bool]) -> Control:
    """The control holds for each resource of a type, if there is any."""
    return lambda recording: all(holds(each) for each in inputs(recording, token))


def container(holds: Callable[[Inputs], bool]) -> Control:
    """The control holds for each container of every process's tasks."""
    return every(
        "TaskDefinition",
        lambda it: all(holds(each) for each in json.loads(it["containerDefinitions"])),
    )


def covered(token: str, by: str) -> Control:
    """Each resource of a type has one of another type, where there is any."""
    return lambda recording: len(inputs(recording, token)) == len(inputs(recording, by))


def forwards_to_https(recording: Recording) -> bool:
    kinds = {
        each["protocol"]: each["defaultActions"][0]["type"]
        for each in inputs(recording, "Listener")
    }
    plain = {"HTTP": "forward"}
    return kinds == ({"HTTP": "redirect", "HTTPS": "forward"} if "HTTPS" in kinds else plain)


def public_address_where_needed(recording: Recording) -> bool:
    """Tasks have public addresses in public subnets, whoever made those, and nowhere else."""
    networks = [each["networkConfiguration"] for each in inputs(recording, "Service")]
    public = all(each.startswith("subnet-public-") for each in networks[0]["subnets"])
    return all(each["assignPublicIp"] is public for each in networks) and all(
        public is (each.inputs["subnetSpecs"][-1]["type"] == "Public")
        for each in recording.of("Vpc")
    )


def tls_only(resource_policy: Inputs) -> bool:
    (deny,) = [
        each
        for each in json.loads(resource_policy["policy"])["Statement"]
        if each["Effect"] == "Deny"
    ]
    return bool(
        deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and deny["Principal"] == "*"
        and deny["Action"] in ("s3:*", "sns:Publish")
    )


def open_to_the_world_only_on_web_ports(rule: Inputs) -> bool:
    if "cidrIpv4" not in rule:
        return True
    return (
        rule["securityGroupId"] == "firewall-load-balancer-id"
        and rule["fromPort"] == rule["toPort"]
        and rule["fromPort"] in (80, 443)
    )


def one_port(rule: Inputs) -> bool:
    return bool(rule["ipProtocol"] == "tcp" and rule["fromPort"] == rule["toPort"])


def lifecycle(bucket: Inputs) -> bool:
    (rule,) = bucket["rules"]
    return bool(
        rule["status"] == "Enabled"
        and rule["expiration"]["days"] > 0
        and rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"] > 0
    )


UNTAGGED = frozenset(
    {
        "Alias",
        "BucketLifecycleConfiguration",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
        "CertificateValidation",
        "ClusterCapacityProviders",
        "Dashboard",
        "EventTarget",
        "github",
        "Image",
        "LifecyclePolicy",
        "LogResourcePolicy",
        "WebAclLoggingConfiguration",
        "ListenerCertificate",
        "Policy",
        "Record",
        "RepositoryPolicy",
        "RepositoryWebhook",
        "RolePolicy",
        "Schedule",
        "ScheduledAction",
        "TopicPolicy",
        "TopicSubscription",
        "WebAclAssociation",
    }
)
"""Types that carry no tags: they are parts of other resources."""

ALWAYS: Mapping[str, Control] = {
    "ECS.3 no process namespace of the host": every(
        "TaskDefinition", lambda task: "pidMode" not in task and "ipcMode" not in task
    ),
    "ECS.4 not privileged": container(lambda it: it["privileged"] is False),
    "ECS.4 no capabilities": container(
        lambda it: it["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    ),
    "ECS.17 a network of its own": every(
        "TaskDefinition", lambda task: task["networkMode"] == "awsvpc"
    ),
    "ECS.5 C336 read-only root": container(lambda it: it["readonlyRootFilesystem"] is True),
    "ECS.8 N:ECS2 no secret in the environment": container(
        lambda it: (
            {each["name"] for each in it["environment"]} <= {"PORT", "DRAIN_SECONDS", "COLOUR"}
        )
    ),
    "ECS.9 N:ECS7 logs": container(lambda it: it["logConfiguration"]["logDriver"] == "awslogs"),
    "ECS.10 C332 the latest platform": every(
        "Service", lambda it: it["platformVersion"] == "LATEST"
    ),
    "ECS.20 not root": container(lambda it: int(it["user"].split(":")[0]) > 0),
    "C249 two roles": every(
        "TaskDefinition", lambda task: task["taskRoleArn"] != task["executionRoleArn"]
    ),
    "C223 sessions are logged": lambda recording: (
        recording.one("Cluster", "cluster-cluster").inputs["configuration"][
            "executeCommandConfiguration"
        ]["logging"]
        == "OVERRIDE"
    ),
    "ELB.1 C2_20 ELB.18 HTTP redirects where there is a certificate": forwards_to_https,
    "ELB.17 C103 C2_74 TLS 1.2 and 1.3": where_made(
        "Listener",
        lambda it: (
            it["protocol"] != "HTTPS" or it["sslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
        ),
    ),
    "ELB.4 C131 invalid headers are dropped": every(
        "LoadBalancer", lambda it: it.get("dropInvalidHeaderFields") is True
    ),
    "ELB.12 C328 against desync": every(
        "LoadBalancer", lambda it: it.get("desyncMitigationMode") == "defensive"
    ),
    "ELB.13 two zones or more": every("LoadBalancer", lambda it: len(it["subnets"]) >= 2),
    "C261 health check": every("TargetGroup", lambda it: it["healthCheck"]["enabled"] is True),
    "ECR.1 C163 scan on push": every(
        "Repository", lambda it: it["imageScanningConfiguration"]["scanOnPush"] is True
    ),
    "ECR.2 C51 immutable tags": every(
        "Repository",
        lambda it: it["imageTagMutability"] == "IMMUTABLE" or it["name"].endswith("-cache"),
    ),
    "ECR.3 lifecycle": covered("Repository", by="LifecyclePolicy"),
    "EC2.2 C2_12 CIS 6.5 the default group is empty": every(
        "DefaultSecurityGroup", lambda it: it["ingress"] == [] and it["egress"] == []
    ),
    "EC2.18 C260 EC2.19 CIS 6.3 the world reaches the balancer's web ports": every(
        "SecurityGroupIngressRule", open_to_the_world_only_on_web_ports
    ),
    "EC2.18 no port ranges": lambda recording: all(
        one_port(each)
        for token in ("SecurityGroupIngressRule", "SecurityGroupEgressRule")
        for each in inputs(recording, token)
    ),
    "C382 no all-open egress": every(
        "SecurityGroupEgressRule",
        lambda it: it.get("cidrIpv4") != "0.0.0.0/0" or it["fromPort"] == 443,
    ),
    "C23 N:EC27 described groups": every("SecurityGroup", lambda it: len(it["description"]) > 5),
    "C23 described rules": lambda recording: all(
        len(each["description"]) > 5
        for token in ("SecurityGroupIngressRule", "SecurityGroupEgressRule")
        for each in inputs(recording, token)
    ),
    "no rules inside groups, where they would fight the separate ones": every(
        "SecurityGroup", lambda it: "ingress" not in it and "egress" not in it
    ),
    "EC2.55 CIS 6.8 ECR endpoint without the internet": lambda recording: (
        "network-vpc" in {each.name for each in recording.of("Vpc")}
        and (
            recording.one("Vpc").inputs["subnetSpecs"][-1]["type"] != "Isolated"
            or {"ecr.api", "ecr.dkr"}
            <= {each["serviceName"].split(".", 3)[3] for each in inputs(recording, "VpcEndpoint")}
        )
    ),
    "ECS.2 C333 no public address save with public egress": public_address_where_needed,
    "CodeBuild.1 CodeBuild.2 N:CB4 no credentials in plain variables": where_made(
        "Project",
        lambda it: (
            {each["name"] for each in it["environment"].get("environmentVariables", [])}
            <= {"APP_PATH", "REPOSITORY_URL", "CACHE_REPOSITORY_URL", "CONTAINER_NAME"}
            | {"CLUSTER", "SERVICE", "FAMILY", "LOG_GROUP", "COMMAND", "EVERY_UPDATE", "MARKS"}
        ),
    ),
    "CodeBuild.3 CodeBuild.4 C314 builds are logged": where_made(
        "Project", lambda it: it["logsConfig"]["cloudwatchLogs"]["status"] == "ENABLED"
    ),
    "C316 the image's build alone is privileged": where_made(
        "Project",
        lambda it: it["environment"]["privilegedMode"] is it["name"].endswith("-build"),
    ),
    "S3.5 TLS only": where_made("BucketPolicy", tls_only),
    "S3.5 each bucket has a policy": covered("Bucket", by="BucketPolicy"),
    "S3.8 each bucket is private": covered("Bucket", by="BucketPublicAccessBlock"),
    "S3.8 private means all four": where_made(
        "BucketPublicAccessBlock",
        lambda it: all(value is True for name, value in it.items() if name != "bucket"),
    ),
    "S3.12 no ACLs": covered("Bucket", by="BucketOwnershipControls"),
    "S3.12 the owner is enforced": where_made(
        "BucketOwnershipControls",
        lambda it: it["rule"]["objectOwnership"] == "BucketOwnerEnforced",
    ),
    "S3.13 lifecycle": covered("Bucket", by="BucketLifecycleConfiguration"),
    "S3.13 objects expire and uploads are aborted": where_made(
        "BucketLifecycleConfiguration", lifecycle
    ),
    "S3.14 versioning": covered("Bucket", by="BucketVersioning"),
    "S3.17 encryption": covered("Bucket", by="BucketServerSideEncryptionConfiguration"),
    "N:SNS3 topics refuse plain HTTP": where_made("TopicPolicy", tls_only),
    "KMS.4 rotation": where_made("Key", lambda it: it["enableKeyRotation"] is True),
    "KMS.5 no open principal": where_made(
        "Key",
        lambda it: all(
            each["Principal"] not in ("*", {"AWS": "*"})
            for each in json.loads(it["policy"])["Statement"]
        ),
    ),
    "C66 logs expire": every("LogGroup", lambda it: it["retentionInDays"] > 0),
    "N:IAM4 no policies of AWS's": lambda recording: (
        not recording.of("RolePolicyAttachment")
        and all("managedPolicyArns" not in each for each in inputs(recording, "Role"))
    ),
    "every resource that can carry tags does": lambda recording: all(
        {"project", "stack", "environment"} <= each.inputs["tags"].keys()
        for each in recording.resources
        if (each.options["custom"] or each.token.startswith("awsx:"))
        and each.token.rsplit(":", 1)[-1] not in UNTAGGED
    ),
}
"""Controls that hold whatever the settings say."""

OF_THE_PLACE: Mapping[str, str] = {
    "C223 sessions are logged": "Cluster",
    "ELB.1 C2_20 ELB.18 HTTP redirects where there is a certificate": "LoadBalancer",
    "ELB.4 C131 invalid headers are dropped": "LoadBalancer",
    "ELB.12 C328 against desync": "LoadBalancer",
    "ELB.13 two zones or more": "LoadBalancer",
    "C261 health check": "TargetGroup",
    "EC2.18 C260 EC2.19 CIS 6.3 the world reaches the balancer's web ports": (
        "SecurityGroupIngressRule"
    ),
    "EC2.2 C2_12 CIS 6.5 the default group is empty": "DefaultSecurityGroup",
    "EC2.55 CIS 6.8 ECR endpoint without the internet": "Vpc",
}
"""Control → the part of the place that it is about; whoever made that answers for it."""

OPTIONAL: Mapping[str, tuple[str, Control]] = {
    "ECS.2 C333 no public addresses": (
        "egress",
        lambda recording: (
            not recording.one("Service", "service-service").inputs["networkConfiguration"][
                "assignPublicIp"
            ]
        ),
    ),
    "ECS.12 C65 N:ECS4 Container Insights": (
        "container_insights",
        lambda recording: (
            recording.one("Cluster", "cluster-cluster").inputs["settings"]
            == [{"name": "containerInsights", "value": "enabled"}]
        ),
    ),
    "C224 sessions are encrypted with a key": (
        "customer_managed_key",
        lambda recording: (
            "kmsKeyId"
            in recording.one("Cluster", "cluster-cluster").inputs["configuration"][
                "executeCommandConfiguration"
            ]
        ),
    ),
    "ELB.1 HTTPS": (
        "domain",
        lambda recording: any(
            each["protocol"] == "HTTPS" for each in inputs(recording, "Listener")
        ),
    ),
    "ELB.5 C91 N:ELB2 CIS 4.10 access logs": (
        "access_logs",
        every("LoadBalancer", lambda it: it.get("accessLogs", {}).get("enabled") is True),
    ),
    "ELB.6 C150 deletion protection": (
        "protect",
        every("LoadBalancer", lambda it: it.get("enableDeletionProtection") is True),
    ),
    "ELB.16 C2_28 web application firewall": (
        "waf",
        every("WebAclAssociation", lambda it: "loadbalancer" in it["resourceArn"]),
    ),
    "WAF.11 C2_31 firewall logs": (
        "waf_logs",
        every(
            "WebAclLoggingConfiguration",
            lambda it: (
                {each["singleHeader"]["name"] for each in it["redactedFields"]}
                == {"authorization", "cookie"}
            ),
        ),
    ),
    "C136 images under a customer key": (
        "customer_managed_key",
        every(
            "Repository",
            lambda it: it.get("encryptionConfigurations", [{}])[0].get("encryptionType") == "KMS",
        ),
    ),
    "EC2.6 C2_11 N:VPC7 CIS 4.7 flow logs": (
        "flow_logs",
        every("FlowLog", lambda it: it["trafficType"] == "ALL"),
    ),
    "C338 logs are kept for a year": (
        "log_retention_days",
        every("LogGroup", lambda it: it["retentionInDays"] >= 365),
    ),
    "C26 N:SNS2 topics under a customer key": (
        "customer_managed_key",
        lambda recording: any("kmsMasterKeyId" in each for each in inputs(recording, "Topic")),
    ),
    "C158 logs under a customer key": (
        "customer_managed_key",
        every("LogGroup", lambda it: "kmsKeyId" in it),
    ),
}
"""Control → the setting that turns it on, and what then holds; off by default."""


@pytest.mark.parametrize("settings", MATRIX)
@pytest.mark.parametrize("control", ALWAYS)
def test_control_holds(control: str, settings: str) -> None:
    if OF_THE_PLACE.get(control) not in NOT_MADE.get(settings, frozenset()):
        assert ALWAYS[control](recorded(settings))


@pytest.mark.parametrize("settings", MATRIX)
def test_each_row_makes_every_part_of_its_place_but_those_that_exist(settings: str) -> None:
    missing = {each for each in OF_THE_PLACE.values() if not recorded(settings).of(each)}
    assert missing == NOT_MADE.get(settings, frozenset())


@pytest.mark.parametrize("control", OPTIONAL)
def test_optional_control_holds_when_its_setting_is_on(control: str) -> None:
    _, holds = OPTIONAL[control]
    assert holds(recorded("everything"))


@pytest.mark.parametrize("control", OPTIONAL)
def test_optional_control_stands_in_the_documents(control: str) -> None:
    setting, _ = OPTIONAL[control]
    rows = [line for line in SECURITY.read_text().splitlines() if line.startswith(f"| {control} ")]
    assert len(rows) == 1, f"docs/security.md needs one row of {control}"
    assert f"`{setting}" in rows[0]


def test_the_documents_list_no_other_control() -> None:
    table = SECURITY.read_text().partition("| control |")[2].split("\n\n")[0].splitlines()[2:]
    assert {line.split("|")[1].strip() for line in table} == set(OPTIONAL)


@pytest.mark.parametrize("control", OPTIONAL)
def test_optional_control_is_off_by_default(control: str) -> None:
    """Else it belongs among those that always hold, and out of docs/security.md."""
    _, holds = OPTIONAL[control]
    assert not holds(recorded("default"))

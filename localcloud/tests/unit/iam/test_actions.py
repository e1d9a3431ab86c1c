"""The tables against the service authorization reference and botocore's models, row by row."""

from __future__ import annotations

import re
from typing import Any

import pytest

from localcloud.gateway.constraints import service_model
from localcloud.iam.action_table import (
    ACTIONS,
    IAM_TAGGING,
    NO_PERMISSION_NEEDED,
    PASSED_ROLES,
    SESSION_EXTRAS,
    SPLIT_ACTIONS,
    TAGGING,
    VERSIONED,
)
from localcloud.iam.actions import (
    PLACEHOLDER,
    REFERENCE,
    Needed,
    UnknownResource,
    action_details,
    action_of,
    needed,
)
from localcloud.iam.dependent_actions import DEPENDENT_ACTIONS
from localcloud.iam.key_table import KEYS
from localcloud.iam.lookups import Lookups
from localcloud.iam.resolvers import RESOLVERS
from localcloud.iam.resource_table import PREFIXES, TABLES
from localcloud.shared.service import Call

ACCOUNT = "123456789012"
REGION = "us-east-1"

ROWS = [
    (service, template, operation)
    for service, rows in TABLES.items()
    for template, operations in rows.items()
    for operation in operations.split()
]


def call(service_name: str, operation: str, /, **members: Any) -> Call:
    """A call by a role."""
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
    return Call(service_name, operation, members, REGION, ACCOUNT, principal)


def model_has(service: str, operation: str, path: str) -> bool:
    """Whether a path leads to a member of an operation's input."""
    shape = service_model(service).operation_model(operation).input_shape
    for step in path.split("."):
        if shape.type_name != "structure" or step.removesuffix("[]") not in shape.members:
            return False
        shape = shape.members[step.removesuffix("[]")]
        if step.endswith("[]"):
            if shape.type_name != "list":
                return False
            shape = shape.member
    return True


def paths_of(placeholder: str) -> list[str]:
    """The paths in a placeholder."""
    text = placeholder.partition("!")[0].partition("=")[0]
    return [path for path in text.split("|") if path]


@pytest.mark.parametrize(("service", "template", "operation"), ROWS)
def test_a_row_names_members_of_its_operation(service: str, template: str, operation: str) -> None:
    assert operation in service_model(service).operation_names
    for placeholder in PLACEHOLDER.findall(template):
        paths = paths_of(placeholder)
        found = [path for path in paths if model_has(service, operation, path)]
        assert found or not paths, f"{operation} has none of {paths}"
        resolver = placeholder.partition("!")[2]
        assert not resolver or resolver in RESOLVERS


def arn_pattern(form: str) -> re.Pattern[str]:
    """The reference's ARN format as a pattern."""
    parts = re.split(r"\$\{[^}]*\}", form)
    return re.compile(".*".join(re.escape(part) for part in parts) + ".*")


def sample(service: str, template: str) -> str:
    """A template's ARN with every placeholder filled."""
    filled = re.sub(r"\{Path=/\}", "/path/", template)
    filled = re.sub(r"\{Type=application!load_balancer_kind\}", "app", filled)
    filled = re.sub(r"\{ResourceType!ec2_kind\}", "vpc", filled)
    filled = re.sub(r"\{ResourceType!ssm_kind\}", "parameter", filled)
    filled = re.sub(r"\{ResourceType\}", "hostedzone", filled)
    filled = re.sub(r"\{[^{}]*!task_definition\}", "family:1", filled)
    filled = PLACEHOLDER.sub("x", filled)
    if filled.startswith("arn:"):
        return filled
    start = PREFIXES.get(service, f"arn:aws:{service}:{{region}}:{{account}}:")
    return start.format(region=REGION, account=ACCOUNT) + filled


WHOLE_ARN = re.compile(r"^\{[^{}]*\}$")


@pytest.mark.parametrize(("service", "template", "operation"), ROWS)
def test_a_row_makes_an_arn_that_the_reference_knows(
    service: str, template: str, operation: str
) -> None:
    action = action_of(service, operation)
    details = action_details(action)
    if (service, operation) in SPLIT_ACTIONS:
        return
    assert details is not None, f"no action {action}"
    if template == "*" or (WHOLE_ARN.match(template) and service not in ("s3", "codepipeline")):
        return
    prefix = action.partition(":")[0]
    kinds = [kind["name"] for kind in details["resourceTypes"]]
    forms = [REFERENCE.resources.get_resource_type_details(prefix, kind)["arn"] for kind in kinds]
    arn = sample(service, template)
    assert any(arn_pattern(form).fullmatch(arn) for form in forms), f"{arn} fits none of {forms}"


@pytest.mark.parametrize("service", sorted(TABLES))
def test_all_required_kinds_of_a_tabled_operation_exist(service: str) -> None:
    operations = {operation for name, _, operation in ROWS if name == service}
    assert operations, "an empty table"


NAMED_ACTIONS = [
    *(f"{service}:{name}" for service, rows in ACTIONS.items() for name in rows.values()),
    *(f"{key[0]}:{name}" for key, rows in SPLIT_ACTIONS.items() for name, _ in rows),
    *VERSIONED.values(),
    *IAM_TAGGING.values(),
    *SESSION_EXTRAS.values(),
    *(row.action for row in TAGGING.values()),
    *(action for rows in DEPENDENT_ACTIONS.values() for action, _ in rows),
]


@pytest.mark.parametrize("action", sorted(set(NAMED_ACTIONS)))
def test_every_named_action_exists(action: str) -> None:
    assert action_details(action) is not None


@pytest.mark.parametrize(("service", "operation"), sorted(PASSED_ROLES))
def test_passed_roles_stand_where_the_table_says(service: str, operation: str) -> None:
    for paths, principal in PASSED_ROLES[service, operation]:
        assert principal.endswith(".amazonaws.com")
        for path in paths:
            assert model_has(service, operation, paths_of(path)[0])


@pytest.mark.parametrize(
    ("service", "operation"),
    [(service, op) for service, row in TAGGING.items() for op in sorted(row.operations)],
)
def test_creating_operations_take_tags(service: str, operation: str) -> None:
    if operation == "CreateConnection":
        assert model_has(service, operation, "Tags")
        return
    row = TAGGING[service]
    assert any(model_has(service, operation, path.removesuffix("[]")) for path in row.paths)


@pytest.mark.parametrize(("service", "operation"), sorted(NO_PERMISSION_NEEDED))
def test_operations_without_permission_exist(service: str, operation: str) -> None:
    assert operation in service_model(service).operation_names


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_in_the_reference(key: str) -> None:
    prefix = key.partition(":")[0]
    assert REFERENCE.conditions.condition_key_exists(prefix, key)


EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"
ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:"
ELB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0123"
REFERENCE_PAGE = "https://docs.aws.amazon.com/service-authorization/latest/reference/"

# a call, and everything that it needs
CALLS: list[tuple[Call, list[tuple[str, str]]]] = [
    (
        call("ecs", "UpdateService", cluster="c", service="web"),
        [("ecs:UpdateService", f"{ECS}service/c/web")],
    ),
    (
        call("ecs", "UpdateService", cluster=f"{ECS}cluster/c", service=f"{ECS}service/c/web"),
        [("ecs:UpdateService", f"{ECS}service/c/web")],
    ),
    (
        call("ecs", "DescribeServices", services=["a", "b"]),
        [
            ("ecs:DescribeServices", f"{ECS}service/default/a"),
            ("ecs:DescribeServices", f"{ECS}service/default/b"),
        ],
    ),
    (call("ecs", "ListClusters"), [("ecs:ListClusters", "*")]),
    (
        call("ecs", "StopTask", cluster=f"{ECS}cluster/c", task="0123"),
        [("ecs:StopTask", f"{ECS}task/c/0123")],
    ),
    (
        call("ecs", "DescribeServiceDeployments", serviceDeploymentArns=[
            f"{ECS}service-deployment/c/web/id"]),
        [
            ("ecs:DescribeServiceDeployments", f"{ECS}service/c/web"),
            ("ecs:DescribeServiceDeployments", f"{ECS}service-deployment/c/web/id"),
        ],
    ),
    (
        call("ecs", "CreateCluster", clusterName="c", tags=[{"key": "a", "value": "b"}]),
        [("ecs:CreateCluster", f"{ECS}cluster/c"), ("ecs:TagResource", f"{ECS}cluster/c")],
    ),
    (
        call("ecs", "RegisterTaskDefinition", family="f",
             taskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/t",
             executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/x/e"),
        [
            ("ecs:RegisterTaskDefinition", f"{ECS}task-definition/f:*"),
            ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/t"),
            ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/x/e"),
        ],
    ),
    (
        call("ecr", "BatchGetImage", repositoryName="team/app"),
        [("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app")],
    ),
    (call("ecr", "GetAuthorizationToken"), [("ecr:GetAuthorizationToken", "*")]),
    (
        call("ecr", "DescribeRepositories"),
        [("ecr:DescribeRepositories", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*")],
    ),
    (
        call("elbv2", "CreateLoadBalancer", Name="web", Type="application"),
        [
            (
                "elasticloadbalancing:CreateLoadBalancer",
                f"{ELB}loadbalancer/app/web/*",
            ),
            ("ec2:DescribeAccountAttributes", "*"),
            ("ec2:DescribeAddresses", "*"),
            ("ec2:DescribeInternetGateways", "*"),
            ("ec2:DescribeSecurityGroups", "*"),
            ("ec2:DescribeSubnets", "*"),
            ("ec2:DescribeVpcs", "*"),
        ],
    ),
    (
        call("elbv2", "CreateTargetGroup", Name="web"),
        [
            ("elasticloadbalancing:CreateTargetGroup", f"{ELB}targetgroup/web/*"),
            ("ec2:DescribeInternetGateways", "*"),
            ("ec2:DescribeVpcs", "*"),
        ],
    ),
    (
        call("elbv2", "CreateListener", LoadBalancerArn=f"{ELB}loadbalancer/app/web/01",
             Tags=[{"Key": "a", "Value": "b"}]),
        [
            ("elasticloadbalancing:CreateListener", f"{ELB}loadbalancer/app/web/01"),
            ("elasticloadbalancing:AddTags", f"{ELB}listener/app/web/01/*"),
        ],
    ),
    (
        call("elbv2", "CreateRule", ListenerArn=f"{ELB}listener/app/web/01/02",
             Tags=[{"Key": "a", "Value": "b"}]),
        [
            ("elasticloadbalancing:CreateRule", f"{ELB}listener/app/web/01/02"),
            ("elasticloadbalancing:AddTags", f"{ELB}listener-rule/app/web/01/02/*"),
        ],
    ),
    (
        call("application-autoscaling", "RegisterScalableTarget", ServiceNamespace="ecs",
             ResourceId="service/c/web"),
        [
            (
                "application-autoscaling:RegisterScalableTarget",
                f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/*",
            ),
            ("ecs:DescribeServices", f"{ECS}service/c/web"),
            ("ecs:UpdateService", f"{ECS}service/c/web"),
        ],
    ),
    (
        call("ecr", "CreateRepository", repositoryName="app",
             encryptionConfiguration={"encryptionType": "KMS", "kmsKey": KEY}),
        [
            ("ecr:CreateRepository", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app"),
            ("kms:CreateGrant", KEY),
            ("kms:DescribeKey", KEY),
        ],
    ),
    (
        call("s3", "PutObject", Bucket="b", Key="k", SSEKMSKeyId=KEY),
        [("s3:PutObject", "arn:aws:s3:::b/k"), ("kms:GenerateDataKey", KEY)],
    ),
    (
        call("elbv2", "DescribeTargetHealth", TargetGroupArn="arn:x"),
        [("elasticloadbalancing:DescribeTargetHealth", "*")],
    ),
    (
        call("logs", "PutLogEvents", logGroupName="/g", logStreamName="s"),
        [("logs:PutLogEvents", f"{LOGS}log-group:/g:log-stream:s")],
    ),
    (
        call("logs", "FilterLogEvents", logGroupIdentifier=f"{LOGS}log-group:/g:*"),
        [("logs:FilterLogEvents", f"{LOGS}log-group:/g:log-stream:")],
    ),
    (
        call("logs", "CreateLogGroup", logGroupName="/g", tags={"a": "b"}),
        [
            ("logs:CreateLogGroup", f"{LOGS}log-group:/g:log-stream:"),
            ("logs:TagResource", f"{LOGS}log-group:/g:log-stream:"),
        ],
    ),
    (
        call("iam", "CreateRole", RoleName="r", Path="/a/", Tags=[{"Key": "a", "Value": "b"}]),
        [
            ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/a/r"),
            ("iam:TagRole", f"arn:aws:iam::{ACCOUNT}:role/a/r"),
        ],
    ),
    (
        call("sts", "AssumeRole", RoleArn="arn:aws:iam::1:role/r", Tags=[{"Key": "a"}]),
        [
            ("sts:AssumeRole", "arn:aws:iam::1:role/r"),
            ("sts:TagSession", "arn:aws:iam::1:role/r"),
        ],
    ),
    (call("sts", "GetCallerIdentity"), []),
    (call("s3", "HeadObject", Bucket="b", Key="k/x"), [("s3:GetObject", "arn:aws:s3:::b/k/x")]),
    (
        call("s3", "GetObject", Bucket="b", Key="k", VersionId="v"),
        [("s3:GetObjectVersion", "arn:aws:s3:::b/k")],
    ),
    (call("s3", "ListObjectsV2", Bucket="b"), [("s3:ListBucket", "arn:aws:s3:::b")]),
    (call("s3", "ListBuckets"), [("s3:ListAllMyBuckets", "*")]),
    (
        call("s3", "DeleteObjects", Bucket="b", Delete={"Objects": [{"Key": "a"}, {"Key": "c"}]}),
        [("s3:DeleteObject", "arn:aws:s3:::b/a"), ("s3:DeleteObject", "arn:aws:s3:::b/c")],
    ),
    (
        call("s3", "CopyObject", Bucket="b", Key="k", CopySource="from/a%20b?versionId=1"),
        [("s3:GetObject", "arn:aws:s3:::from/a b"), ("s3:PutObject", "arn:aws:s3:::b/k")],
    ),
    (
        call("ec2", "CreateSubnet", VpcId="vpc-1", TagSpecifications=[
            {"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "b"}]}]),
        [
            ("ec2:CreateSubnet", f"{EC2}subnet/*"),
            ("ec2:CreateSubnet", f"{EC2}vpc/vpc-1"),
            ("ec2:CreateTags", f"{EC2}subnet/*"),
        ],
    ),
    (call("ec2", "DescribeVpcs"), [("ec2:DescribeVpcs", "*")]),
    (
        call("ec2", "CreateTags", Resources=["vpc-1", "sgr-2"]),
        [
            ("ec2:CreateTags", f"{EC2}vpc/vpc-1"),
            ("ec2:CreateTags", f"{EC2}security-group-rule/sgr-2"),
        ],
    ),
    (
        call("ssm", "GetParameters", Names=["/a/b", "c:3"]),
        [
            ("ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a/b"),
            ("ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/c"),
        ],
    ),
    (
        call("codebuild", "BatchGetBuilds", ids=["web:0-1", f"arn:aws:codebuild:{REGION}:{ACCOUNT}"
                                                 ":build/web:0-2"]),
        [("codebuild:BatchGetBuilds", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/web")],
    ),
    (
        call("codebuild", "CreateProject", name="web",
             serviceRole=f"arn:aws:iam::{ACCOUNT}:role/b"),
        [
            ("codebuild:CreateProject", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/web"),
            ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/b"),
        ],
    ),
    (
        call("codepipeline", "PutApprovalResult", pipelineName="p", stageName="s", actionName="a"),
        [("codepipeline:PutApprovalResult", f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:p/s/a")],
    ),
    (
        call("events", "PutTargets", Rule="r", Targets=[
            {"Id": "1", "Arn": "a", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/e"}]),
        [
            ("events:PutTargets", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"),
            ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/e"),
        ],
    ),
    (
        call("events", "PutRule", Name="r", EventBusName="bus"),
        [("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/bus/r")],
    ),
    (
        call("sns", "Unsubscribe", SubscriptionArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:t:0-1"),
        [("sns:Unsubscribe", f"arn:aws:sns:{REGION}:{ACCOUNT}:t")],
    ),
    (
        call("cloudwatch", "PutDashboard", DashboardName="d"),
        [("cloudwatch:PutDashboard", f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/d")],
    ),
    (
        call("resourcegroupstaggingapi", "GetResources"),
        [("tag:GetResources", "*")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "expected"),
    CALLS,
    ids=[f"{c.service}-{c.operation}-{n}" for n, (c, _) in enumerate(CALLS)],
)
def test_what_a_call_needs(made: Call, expected: list[tuple[str, str]]) -> None:
    found = [(need.action, need.resource) for need in needed(made, Lookups())]
    assert found == expected, REFERENCE_PAGE


def test_pass_role_says_to_which_service() -> None:
    made = call(
        "codepipeline",
        "CreatePipeline",
        pipeline={"name": "p", "roleArn": "arn:aws:iam::1:role/p", "stages": []},
    )
    passed = Needed(
        "iam:PassRole",
        "arn:aws:iam::1:role/p",
        {"iam:passedtoservice": ["codepipeline.amazonaws.com"]},
    )
    assert needed(made, Lookups())[-1] == passed


def test_a_call_without_a_row_is_refused_in_words() -> None:
    with pytest.raises(UnknownResource, match="no row for the resource of ecs CreateDaemon"):
        needed(call("ecs", "CreateDaemon", daemonName="d"), Lookups())


@pytest.mark.parametrize(("service", "operation"), sorted(DEPENDENT_ACTIONS))
def test_dependent_actions_name_members_of_their_operation(service: str, operation: str) -> None:
    for _, template in DEPENDENT_ACTIONS[service, operation]:
        for placeholder in PLACEHOLDER.findall(template):
            configuration = "configuration." in placeholder
            assert configuration or any(
                model_has(service, operation, path) for path in paths_of(placeholder)
            )
            resolver = placeholder.partition("!")[2]
            assert not resolver or resolver in RESOLVERS

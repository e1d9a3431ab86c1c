"""Every call evaluated: boto3 clients of roles that lack one thing, against a real gateway."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.iam import assume_service_role
from localcloud.tests.unit.iam.running import ACCOUNT, REGION, Aws, allow, policy

ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/"


def error_of(act: Callable[[], Any]) -> tuple[str, str, int]:
    """Code, message and HTTP status of a refused call."""
    with pytest.raises(ClientError) as caught:
        act()
    answer: Any = caught.value.response
    return (
        answer["Error"]["Code"],
        answer["Error"]["Message"],
        answer["ResponseMetadata"]["HTTPStatusCode"],
    )


def test_a_denied_call_has_the_words_of_aws(aws: Aws) -> None:
    aws.add("ecs", UpdateService={"service": {}})
    ecs = aws.as_role("ecs", allow("ecs:DescribeServices", "*"))
    code, message, status = error_of(lambda: ecs.update_service(cluster="c", service="web"))
    assert (code, status) == ("AccessDeniedException", 400)
    assert message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/role-0/test is not authorized to perform: "
        f"ecs:UpdateService on resource: {ECS}service/c/web because no identity-based policy "
        "allows the ecs:UpdateService action"
    )


DENIED: list[tuple[str, str, int, Callable[[Any], Any]]] = [
    ("ecs", "AccessDeniedException", 400, lambda c: c.list_clusters()),
    ("ec2", "UnauthorizedOperation", 403, lambda c: c.describe_vpcs()),
    ("s3", "AccessDenied", 403, lambda c: c.list_buckets()),
    ("sns", "AuthorizationError", 403, lambda c: c.list_topics()),
    ("iam", "AccessDenied", 403, lambda c: c.list_roles()),
    ("elbv2", "AccessDenied", 403, lambda c: c.describe_load_balancers()),
    ("logs", "AccessDeniedException", 400, lambda c: c.describe_log_groups()),
    ("kms", "AccessDeniedException", 400, lambda c: c.list_keys()),
    ("ssm", "AccessDeniedException", 400, lambda c: c.describe_parameters()),
    ("secretsmanager", "AccessDeniedException", 400, lambda c: c.list_secrets()),
    ("route53", "AccessDenied", 403, lambda c: c.list_hosted_zones()),
    ("events", "AccessDeniedException", 400, lambda c: c.list_rules()),
    ("resourcegroupstaggingapi", "AccessDeniedException", 400, lambda c: c.get_resources()),
]


@pytest.mark.parametrize(("service", "code", "status", "act"), DENIED, ids=[r[0] for r in DENIED])
def test_a_denied_call_answers_in_its_protocol(
    aws: Aws, service: str, code: str, status: int, act: Callable[[Any], Any]
) -> None:
    aws.add("ecs", ListClusters={"clusterArns": []})
    client = aws.as_role(service)
    found, message, http = error_of(lambda: act(client))
    assert (found, http) == (code, status)
    assert "is not authorized to perform" in message


def test_the_log_says_what_was_missing(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    aws.add("ecs", UpdateService={"service": {}})
    ecs = aws.as_role("ecs", allow("ecs:UpdateService", f"{ECS}service/other/*", Sid="Deploy"))
    with caplog.at_level(logging.WARNING, "localcloud.iam.authorizer"):
        error_of(lambda: ecs.update_service(cluster="c", service="web"))
    assert (
        f"may not do ecs:UpdateService on {ECS}service/c/web: p0/Deploy misses by its resource: "
        f"it names {ECS}service/other/*"
    ) in caplog.text


def test_root_is_allowed_what_no_row_describes(aws: Aws) -> None:
    aws.add("ecs", DescribeDaemon={})
    aws.client("ecs").describe_daemon(daemonArn=f"{ECS}daemon/c/d")


def test_what_no_row_describes_is_refused_to_all_others(aws: Aws) -> None:
    aws.add("ecs", DescribeDaemon={})
    ecs = aws.as_role("ecs", allow("*", "*"))
    _, message, _ = error_of(lambda: ecs.describe_daemon(daemonArn=f"{ECS}daemon/c/d"))
    assert "can't evaluate ecs DescribeDaemon" in message


@pytest.mark.parametrize(
    ("conditions", "allowed"),
    [
        ({"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}, True),
        ({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}, False),
        ({}, True),
        (None, False),
    ],
)
def test_passing_a_role_needs_pass_role(
    aws: Aws, conditions: dict[str, Any] | None, allowed: bool
) -> None:
    recorder = aws.add("ecs", RegisterTaskDefinition={"taskDefinition": {}})
    policies = [allow("ecs:RegisterTaskDefinition", "*")]
    if conditions is not None:
        policies.append(allow("iam:PassRole", f"{ROLE_ARN}task", Condition=conditions))
    ecs = aws.as_role("ecs", *policies)

    def register() -> None:
        ecs.register_task_definition(
            family="web",
            taskRoleArn=f"{ROLE_ARN}task",
            containerDefinitions=[{"name": "web", "image": "web"}],
        )

    if allowed:
        register()
    else:
        _, message, _ = error_of(register)
        assert f"iam:PassRole on resource: {ROLE_ARN}task" in message
    assert len(recorder.calls) == int(allowed)


def test_running_a_task_passes_the_roles_of_its_definition(aws: Aws) -> None:
    definition = {"taskDefinitionArn": f"{ECS}task-definition/web:3", "taskRoleArn": f"{ROLE_ARN}t"}
    aws.add("ecs", RunTask={"tasks": []}, DescribeTaskDefinition={"taskDefinition": definition})
    run = allow("ecs:RunTask", f"{ECS}task-definition/web:3")
    bare = aws.as_role("ecs", run)
    _, message, _ = error_of(lambda: bare.run_task(taskDefinition="web"))
    assert f"iam:PassRole on resource: {ROLE_ARN}t " in message
    aws.as_role("ecs", run, allow("iam:PassRole", f"{ROLE_ARN}t")).run_task(taskDefinition="web")


def test_a_boundary_limits(aws: Aws) -> None:
    document = json.dumps(allow("s3:*", "*"))
    created = aws.client("iam").create_policy(PolicyName="only-s3", PolicyDocument=document)
    role = aws.role("limited", allow("*", "*"), PermissionsBoundary=created["Policy"]["Arn"])
    keys = aws.session(role)
    aws.client("s3", credentials=keys).list_buckets()
    _, message, _ = error_of(aws.client("ec2", credentials=keys).describe_vpcs)
    assert "because no permissions boundary allows the ec2:DescribeVpcs action" in message


def test_a_session_policy_limits(aws: Aws) -> None:
    role = aws.role("wide", allow("*", "*"))
    keys = aws.session(role, Policy=json.dumps(allow("s3:*", "*")))
    aws.client("s3", credentials=keys).list_buckets()
    _, message, _ = error_of(aws.client("ec2", credentials=keys).describe_vpcs)
    assert "because no session policy allows the ec2:DescribeVpcs action" in message


def test_a_managed_session_policy_limits(aws: Aws) -> None:
    document = json.dumps(allow("s3:*", "*"))
    arn = aws.client("iam").create_policy(PolicyName="s3", PolicyDocument=document)["Policy"]["Arn"]
    keys = aws.session(aws.role("wide", allow("*", "*")), PolicyArns=[{"arn": arn}])
    assert error_of(aws.client("ec2", credentials=keys).describe_vpcs)[0] == "UnauthorizedOperation"


def test_policies_of_a_group_and_managed_ones_count(aws: Aws) -> None:
    iam = aws.client("iam")
    keys = aws.user("ann")
    s3 = aws.client("s3", credentials=keys)
    error_of(s3.list_buckets)
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    document = json.dumps(allow("s3:ListAllMyBuckets", "*"))
    arn = iam.create_policy(PolicyName="list", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    s3.list_buckets()
    iam.detach_group_policy(GroupName="readers", PolicyArn=arn)
    error_of(s3.list_buckets)


def test_a_new_default_version_is_in_force_at_once(aws: Aws) -> None:
    iam = aws.client("iam")
    document = json.dumps(allow("s3:ListAllMyBuckets", "*"))
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    keys = aws.user("ann")
    iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    s3 = aws.client("s3", credentials=keys)
    s3.list_buckets()
    nothing = json.dumps(allow("ec2:*", "*"))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=nothing, SetAsDefault=True)
    error_of(s3.list_buckets)


def test_a_tls_only_bucket_serves_sdk_calls(aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="artifacts")
    fence = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::artifacts", "arn:aws:s3:::artifacts/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="artifacts", Policy=json.dumps(policy(fence)))
    s3.put_object(Bucket="artifacts", Key="a", Body=b"x")
    assert s3.get_object(Bucket="artifacts", Key="a")["Body"].read() == b"x"


def test_a_bucket_policy_denies_even_root(aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="sealed")
    fence = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::sealed/*",
    }
    s3.put_bucket_policy(Bucket="sealed", Policy=json.dumps(policy(fence)))
    _, message, _ = error_of(lambda: s3.put_object(Bucket="sealed", Key="a", Body=b""))
    assert "with an explicit deny in a resource-based policy" in message


def test_a_bucket_policy_that_names_a_role_is_enough(aws: Aws) -> None:
    role = aws.role("reader")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="shared")
    s3.put_object(Bucket="shared", Key="a", Body=b"x")
    row = {
        "Effect": "Allow",
        "Principal": {"AWS": role},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::shared/*",
    }
    s3.put_bucket_policy(Bucket="shared", Policy=json.dumps(policy(row)))
    reader = aws.client("s3", credentials=aws.session(role))
    reader.get_object(Bucket="shared", Key="a")
    error_of(lambda: reader.put_object(Bucket="shared", Key="b", Body=b""))


def test_a_listing_is_limited_to_its_prefix(aws: Aws) -> None:
    aws.client("s3").create_bucket(Bucket="bkt")
    conditions = {"StringLike": {"s3:prefix": "team/*"}}
    s3 = aws.as_role("s3", allow("s3:ListBucket", "arn:aws:s3:::bkt", Condition=conditions))
    s3.list_objects_v2(Bucket="bkt", Prefix="team/a")
    error_of(lambda: s3.list_objects_v2(Bucket="bkt"))


def test_a_key_policy_must_take_part(aws: Aws) -> None:
    kms = aws.client("kms")
    role = aws.role("crypto", allow("kms:*", "*"))
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"},
        "Action": "kms:*",
        "Resource": "*",
    }
    closed = kms.create_key(Policy=json.dumps(policy(own)))["KeyMetadata"]["KeyId"]
    opened = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/open", TargetKeyId=opened)
    client = aws.client("kms", credentials=aws.session(role))
    cipher = client.encrypt(KeyId="alias/open", Plaintext=b"x")["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=cipher)["Plaintext"] == b"x"
    _, message, _ = error_of(lambda: client.encrypt(KeyId=closed, Plaintext=b"x"))
    assert "because no resource-based policy allows the kms:Encrypt action" in message


def test_a_secret_is_named_by_its_whole_arn(aws: Aws) -> None:
    arn = aws.client("secretsmanager").create_secret(Name="db", SecretString="x")["ARN"]
    secrets = aws.as_role("secretsmanager", allow("secretsmanager:GetSecretValue", arn))
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "x"
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "x"
    error_of(lambda: secrets.describe_secret(SecretId="db"))


def test_a_repository_policy_is_asked(aws: Aws) -> None:
    role = aws.role("puller")
    row = {
        "Effect": "Allow",
        "Principal": {"AWS": role},
        "Action": "ecr:DescribeImages",
    }
    aws.add(
        "ecr",
        GetRepositoryPolicy={"policyText": json.dumps(policy(row))},
        DescribeImages={"imageDetails": []},
        ListImages={"imageIds": []},
    )
    ecr = aws.client("ecr", credentials=aws.session(role))
    ecr.describe_images(repositoryName="app")
    error_of(lambda: ecr.list_images(repositoryName="app"))


def test_tags_of_the_resource_decide(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    tagged = ec2.create_vpc(
        CidrBlock="10.0.0.0/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "stack", "Value": "dev"}]}],
    )["Vpc"]["VpcId"]
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    conditions = {"StringEquals": {"aws:ResourceTag/stack": "dev"}}
    role = aws.as_role("ec2", allow("ec2:DeleteVpc", "*", Condition=conditions))
    error_of(lambda: role.delete_vpc(VpcId=other))
    role.delete_vpc(VpcId=tagged)


def test_tags_of_the_request_decide(aws: Aws) -> None:
    conditions = {
        "StringEquals": {"aws:RequestTag/stack": "dev"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["stack"]},
    }
    ec2 = aws.as_role(
        "ec2",
        allow("ec2:CreateVpc", "*", Condition=conditions),
        allow("ec2:CreateTags", "*", Condition={"StringEquals": {"ec2:CreateAction": "CreateVpc"}}),
    )

    def create(*tags: tuple[str, str]) -> Any:
        rows = [{"Key": key, "Value": value} for key, value in tags]
        return ec2.create_vpc(
            CidrBlock="10.0.0.0/16",
            TagSpecifications=[{"ResourceType": "vpc", "Tags": rows}],
        )

    created = create(("stack", "dev"))["Vpc"]["VpcId"]
    error_of(lambda: create(("stack", "prod")))
    error_of(lambda: create(("stack", "dev"), ("more", "x")))
    error_of(lambda: ec2.create_tags(Resources=[created], Tags=[{"Key": "a", "Value": "b"}]))


def test_the_cluster_decides(aws: Aws) -> None:
    aws.add("ecs", UpdateService={"service": {}})
    conditions = {"ArnEquals": {"ecs:cluster": f"{ECS}cluster/dev"}}
    ecs = aws.as_role("ecs", allow("ecs:UpdateService", "*", Condition=conditions))
    ecs.update_service(cluster="dev", service="web")
    ecs.update_service(cluster=f"{ECS}cluster/dev", service="web")
    error_of(lambda: ecs.update_service(cluster="prod", service="web"))


def test_the_boundary_of_a_new_role_decides(aws: Aws) -> None:
    iam = aws.client("iam")
    document = json.dumps(allow("s3:*", "*"))
    arn = iam.create_policy(PolicyName="b", PolicyDocument=document)["Policy"]["Arn"]
    conditions = {"StringEquals": {"iam:PermissionsBoundary": arn}}
    client = aws.as_role("iam", allow("iam:CreateRole", "*", Condition=conditions))
    trust = json.dumps(
        policy(
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        )
    )
    error_of(lambda: client.create_role(RoleName="a", AssumeRolePolicyDocument=trust))
    client.create_role(RoleName="a", AssumeRolePolicyDocument=trust, PermissionsBoundary=arn)


def test_principal_tags_reach_resources(aws: Aws) -> None:
    aws.client("s3").create_bucket(Bucket="bkt")
    role = aws.role(
        "tagged",
        allow("s3:PutObject", "arn:aws:s3:::bkt/${aws:PrincipalTag/team}/*"),
        Tags=[{"Key": "team", "Value": "red"}],
    )
    s3 = aws.client("s3", credentials=aws.session(role))
    s3.put_object(Bucket="bkt", Key="red/a", Body=b"")
    error_of(lambda: s3.put_object(Bucket="bkt", Key="blue/a", Body=b""))
    blue = aws.session(role, Tags=[{"Key": "team", "Value": "blue"}])
    aws.client("s3", credentials=blue).put_object(Bucket="bkt", Key="blue/a", Body=b"")


def test_a_key_that_the_local_cloud_lacks_is_said(aws: Aws) -> None:
    conditions = {"StringEquals": {"ec2:Tenancy": "default"}}
    ec2 = aws.as_role("ec2", allow("ec2:CreateSubnet", "*", Condition=conditions))
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    _, message, _ = error_of(lambda: ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24"))
    assert "doesn't supply the condition key ec2:Tenancy" in message


def test_log_groups_are_named_with_their_streams(aws: Aws) -> None:
    logs = aws.client("logs")
    for name in ("/web", "/other"):
        logs.create_log_group(logGroupName=name)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/web"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    writer = aws.as_role("logs", allow(actions, f"{arn}:*"))
    writer.create_log_stream(logGroupName="/web", logStreamName="s")
    event = {"timestamp": 1_700_000_000_000, "message": "x"}
    writer.put_log_events(logGroupName="/web", logStreamName="s", logEvents=[event])
    error_of(lambda: writer.create_log_stream(logGroupName="/other", logStreamName="s"))
    bare = aws.as_role("logs", allow(actions, arn))
    error_of(lambda: bare.create_log_stream(logGroupName="/web", logStreamName="t"))


def test_a_service_role_acts_under_its_own_policies(aws: Aws) -> None:
    trust = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"{ECS}*"},
            },
        }
    )
    role = aws.role("execution", allow("s3:ListAllMyBuckets", "*"), trust=trust)
    keys = assume_service_role(
        role,
        "ecs-tasks.amazonaws.com",
        source_arn=f"{ECS}*",
        source_account=ACCOUNT,
        session_name="task",
    )
    aws.client("s3", credentials=keys).list_buckets()
    identity = aws.client("sts", credentials=keys).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/execution/task"
    error_of(aws.client("ec2", credentials=keys).describe_vpcs)


def test_a_role_that_is_gone_allows_nothing(aws: Aws) -> None:
    role = aws.role("short", allow("s3:*", "*"))
    s3 = aws.client("s3", credentials=aws.session(role))
    s3.list_buckets()
    iam = aws.client("iam")
    iam.delete_role_policy(RoleName="short", PolicyName="p0")
    iam.delete_role(RoleName="short")
    error_of(s3.list_buckets)

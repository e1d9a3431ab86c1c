"""IAM: one row a behaviour that AWS documents, with the page's address.

Every row runs against a gateway with real signatures and sessions; no Docker.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcloud.iam import assume_service_role
from localcloud.tests.conformance.iam_stage import (
    API,
    ECS,
    ECS_GUIDE,
    ELB,
    GUIDE,
    LOGIC,
    LOGS,
    REFERENCE,
    ROLE,
    TASKS,
    Row,
    code,
    denied,
    deny,
    ecs_behind,
    register,
    trust,
)
from localcloud.tests.unit.iam.running import ACCOUNT, REGION, Aws, allow, policy, running_gateway


def nothing_is_allowed_by_default(aws: Aws) -> None:
    denied(aws.as_role("s3").list_buckets)


def an_explicit_deny_wins(aws: Aws) -> None:
    denied(aws.as_role("s3", allow("s3:*", "*"), deny("s3:List*")).list_buckets)


def a_boundary_limits(aws: Aws) -> None:
    document = json.dumps(allow("ec2:*", "*"))
    arn = aws.client("iam").create_policy(PolicyName="b", PolicyDocument=document)["Policy"]["Arn"]
    denied(aws.as_role("s3", allow("*", "*"), PermissionsBoundary=arn).list_buckets)


def a_session_policy_limits(aws: Aws) -> None:
    keys = aws.session(aws.role("r", allow("*", "*")), Policy=json.dumps(allow("ec2:*", "*")))
    denied(aws.client("s3", credentials=keys).list_buckets)


def bucket_with(aws: Aws, *statements: dict[str, Any]) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="a", Body=b"x")
    s3.put_bucket_policy(Bucket="bkt", Policy=json.dumps(policy(*statements)))


def a_resource_policy_alone_allows(aws: Aws) -> None:
    role = aws.role("r")
    row = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "s3:GetObject"}
    bucket_with(aws, {**row, "Resource": "arn:aws:s3:::bkt/*"})
    aws.client("s3", credentials=aws.session(role)).get_object(Bucket="bkt", Key="a")


def a_tls_only_policy_lets_sdks_through(aws: Aws) -> None:
    row = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/*"}
    bucket_with(aws, {**row, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    aws.client("s3").get_object(Bucket="bkt", Key="a")


def pass_role_is_needed(aws: Aws) -> None:
    ecs_behind(aws)
    may = allow("ecs:RegisterTaskDefinition", "*")
    denied(lambda: register(aws.as_role("ecs", may), taskRoleArn=f"{ROLE}t"))
    denied(lambda: register(aws.as_role("ecs", may), executionRoleArn=f"{ROLE}e"))
    register(aws.as_role("ecs", may))
    passing = aws.as_role("ecs", may, allow("iam:PassRole", f"{ROLE}t"))
    register(passing, taskRoleArn=f"{ROLE}t")
    denied(lambda: register(passing, taskRoleArn=f"{ROLE}other"))


def pass_role_heeds_an_explicit_deny(aws: Aws) -> None:
    ecs_behind(aws)
    ecs = aws.as_role("ecs", allow("*", "*"), deny("iam:PassRole", f"{ROLE}t"))
    denied(lambda: register(ecs, taskRoleArn=f"{ROLE}t"))


def passed_to_service_is_told(aws: Aws) -> None:
    ecs_behind(aws)
    may = allow("ecs:*", "*")

    def passing(service: str) -> Any:
        condition = {"StringEquals": {"iam:PassedToService": service}}
        return aws.as_role("ecs", may, allow("iam:PassRole", "*", Condition=condition))

    register(passing(TASKS), taskRoleArn=f"{ROLE}t")
    denied(lambda: register(passing("ec2.amazonaws.com"), taskRoleArn=f"{ROLE}t"))


def running_a_task_passes_its_roles(aws: Aws) -> None:
    ecs_behind(aws)
    may = allow("ecs:RunTask", f"{ECS}task-definition/web:*")
    denied(lambda: aws.as_role("ecs", may).run_task(taskDefinition="web:1"))
    aws.as_role("ecs", may, allow("iam:PassRole", f"{ROLE}t")).run_task(taskDefinition="web:1")


def a_service_is_named_with_its_cluster(aws: Aws) -> None:
    ecs_behind(aws)
    ecs = aws.as_role("ecs", allow("ecs:UpdateService", f"{ECS}service/dev/web"))
    ecs.update_service(cluster="dev", service="web")
    denied(lambda: ecs.update_service(cluster="prod", service="web"))
    denied(lambda: ecs.update_service(cluster="dev", service="other"))


def the_cluster_is_a_condition(aws: Aws) -> None:
    ecs_behind(aws)
    condition = {"ArnEquals": {"ecs:cluster": f"{ECS}cluster/dev"}}
    ecs = aws.as_role("ecs", allow("ecs:DescribeServices", "*", Condition=condition))
    ecs.describe_services(cluster="dev", services=["web"])
    denied(lambda: ecs.describe_services(cluster="prod", services=["web"]))


def tags_of_a_service_are_a_condition(aws: Aws) -> None:
    ecs_behind(aws)

    def tagged(value: str) -> Any:
        condition = {"StringEquals": {"ecs:ResourceTag/stack": value}}
        return aws.as_role("ecs", allow("ecs:UpdateService", "*", Condition=condition))

    tagged("dev").update_service(cluster="dev", service="web")
    denied(lambda: tagged("prod").update_service(cluster="dev", service="web"))


def a_target_group_needs_calls_of_ec2(aws: Aws) -> None:
    aws.add("elbv2", CreateTargetGroup={"TargetGroups": []})
    may = allow("elasticloadbalancing:CreateTargetGroup", "*")
    denied(lambda: aws.as_role("elbv2", may).create_target_group(Name="web"))
    looks = allow(["ec2:DescribeVpcs", "ec2:DescribeInternetGateways"], "*")
    aws.as_role("elbv2", may, looks).create_target_group(Name="web")


def ecs_moves_targets_without_calls_of_ec2(aws: Aws) -> None:
    aws.add("elbv2", RegisterTargets={})
    registers = {"TargetGroupArn": f"{ELB}targetgroup/web/01", "Targets": [{"Id": "10.0.0.1"}]}
    may = allow("elasticloadbalancing:RegisterTargets", "*")
    denied(lambda: aws.as_role("elbv2", may).register_targets(**registers))
    service = "ecs.amazonaws.com"
    keys = assume_service_role(
        aws.role("shift", may, trust=trust({"Service": service})),
        service,
        source_arn=None,
        source_account=None,
        session_name="ecs",
    )
    aws.client("elbv2", credentials=keys).register_targets(**registers)


def a_listener_is_tagged_by_its_own_arn(aws: Aws) -> None:
    aws.add("elbv2", CreateListener={"Listeners": []}, AddTags={})
    balancer = f"{ELB}loadbalancer/app/web/01"
    row = {"Key": "stack", "Value": "dev"}
    made = {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": []}
    may = allow("elasticloadbalancing:CreateListener", balancer)

    def tagging(resource: str) -> Any:
        condition = {"StringEquals": {"elasticloadbalancing:CreateAction": "CreateListener"}}
        tags = allow("elasticloadbalancing:AddTags", resource, Condition=condition)
        return aws.as_role("elbv2", may, tags)

    denied(lambda: tagging(balancer).create_listener(**made, Tags=[row]))
    client = tagging(f"{ELB}listener/app/web/01/*")
    client.create_listener(**made, Tags=[row])
    denied(
        lambda: client.add_tags(ResourceArns=[f"{ELB}listener/app/web/01/02"], Tags=[row]),
        "because no identity-based policy allows",
    )


def tags_of_what_exists_carry_no_create_action(aws: Aws) -> None:
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    condition = {"StringEquals": {"ec2:CreateAction": "CreateVpc"}}
    ec2 = aws.as_role("ec2", allow("ec2:CreateTags", "*", Condition=condition))
    tags = [{"Key": "a", "Value": "b"}]
    denied(
        lambda: ec2.create_tags(Resources=[vpc], Tags=tags),
        "because no identity-based policy allows",
    )


def an_encrypted_bucket_needs_its_key(aws: Aws) -> None:
    s3 = aws.client("s3")
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="bkt")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    s3.put_bucket_encryption(Bucket="bkt", ServerSideEncryptionConfiguration={"Rules": rules})
    may = allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::bkt/*")
    denied(lambda: aws.as_role("s3", may).put_object(Bucket="bkt", Key="a", Body=b"x"))
    by_s3 = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
    writes = aws.as_role("s3", may, allow("kms:GenerateDataKey", key, Condition=by_s3))
    writes.put_object(Bucket="bkt", Key="a", Body=b"x")
    denied(lambda: writes.get_object(Bucket="bkt", Key="a"))
    aws.as_role("s3", may, allow("kms:Decrypt", key)).get_object(Bucket="bkt", Key="a")


def an_encrypted_secret_needs_its_key(aws: Aws) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    aws.client("secretsmanager").create_secret(Name="s", SecretString="x", KmsKeyId=key)
    aws.client("ssm").put_parameter(Name="/p", Value="x", Type="SecureString", KeyId=key)
    may = allow(["secretsmanager:GetSecretValue", "ssm:GetParameters"], "*")

    def read_both(role: str) -> list[Callable[[], Any]]:
        keys = aws.session(role)
        secrets, parameters = (
            aws.client(each, credentials=keys) for each in ("secretsmanager", "ssm")
        )
        return [
            lambda: secrets.get_secret_value(SecretId="s"),
            lambda: parameters.get_parameters(Names=["/p"], WithDecryption=True),
        ]

    for read in read_both(aws.role("without", may)):
        denied(read)
    for read in read_both(aws.role("with", may, allow("kms:Decrypt", key))):
        read()


def log_streams_need_a_star(aws: Aws) -> None:
    aws.client("logs").create_log_group(logGroupName="/web")
    group = f"{LOGS}log-group:/web"
    stream = {"logGroupName": "/web", "logStreamName": "s"}
    aws.as_role("logs", allow("logs:CreateLogStream", f"{group}:*")).create_log_stream(**stream)
    bare = aws.as_role("logs", allow("logs:CreateLogStream", group))
    denied(lambda: bare.create_log_stream(logGroupName="/web", logStreamName="t"))


def parameters_are_checked_one_by_one(aws: Aws) -> None:
    ssm = aws.client("ssm")
    for name in ("/web/a", "/other/b"):
        ssm.put_parameter(Name=name, Value="x", Type="String")
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/web/*"
    reader = aws.as_role("ssm", allow("ssm:GetParameters", arn))
    reader.get_parameters(Names=["/web/a"])
    denied(lambda: reader.get_parameters(Names=["/web/a", "/other/b"]))


def request_tags_are_a_condition(aws: Aws) -> None:
    condition = {"StringEquals": {"aws:RequestTag/stack": "dev"}}
    ec2 = aws.as_role("ec2", allow(["ec2:CreateVpc", "ec2:CreateTags"], "*", Condition=condition))

    def create(value: str) -> None:
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "stack", "Value": value}]}]
        ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)

    create("dev")
    denied(lambda: create("prod"))


def tagging_at_creation_needs_create_tags(aws: Aws) -> None:
    ec2 = aws.as_role("ec2", allow("ec2:CreateVpc", "*"))
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]
    denied(lambda: ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tags))


def a_boundary_can_be_demanded_of_new_roles(aws: Aws) -> None:
    iam = aws.client("iam")
    document = json.dumps(allow("s3:*", "*"))
    arn = iam.create_policy(PolicyName="b", PolicyDocument=document)["Policy"]["Arn"]
    condition = {"StringEquals": {"iam:PermissionsBoundary": arn}}
    client = aws.as_role("iam", allow("iam:CreateRole", "*", Condition=condition))
    text = json.dumps(trust({"Service": TASKS}))
    denied(lambda: client.create_role(RoleName="a", AssumeRolePolicyDocument=text))
    client.create_role(RoleName="a", AssumeRolePolicyDocument=text, PermissionsBoundary=arn)


def a_key_obeys_its_own_policy(aws: Aws) -> None:
    row = {"Effect": "Allow", "Principal": {"AWS": f"{ROLE}none"}, "Action": "kms:*"}
    document = json.dumps(policy({**row, "Resource": "*"}))
    key = aws.client("kms").create_key(Policy=document)["KeyMetadata"]["KeyId"]
    denied(lambda: aws.as_role("kms", allow("kms:*", "*")).encrypt(KeyId=key, Plaintext=b"x"))


def bad_trust_is_refused(aws: Aws) -> None:
    iam = aws.client("iam")
    for text in ("{", json.dumps(trust({"Service": "ecs-tasks"}))):
        act = lambda t=text: iam.create_role(RoleName="a", AssumeRolePolicyDocument=t)  # noqa: E731
        assert code(act) == "MalformedPolicyDocument"


def a_missing_policy_is_not_attached(aws: Aws) -> None:
    aws.role("r")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/none"
    iam = aws.client("iam")
    assert code(lambda: iam.attach_role_policy(RoleName="r", PolicyArn=arn)) == "NoSuchEntity"


def a_role_with_policies_stays(aws: Aws) -> None:
    aws.role("r", allow("s3:*", "*"))
    assert code(lambda: aws.client("iam").delete_role(RoleName="r")) == "DeleteConflict"


def an_attached_policy_stays(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.role("r")
    document = json.dumps(allow("s3:*", "*"))
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert code(lambda: iam.delete_policy(PolicyArn=arn)) == "DeleteConflict"


def inline_policies_have_a_quota(aws: Aws) -> None:
    aws.role("r")
    document = json.dumps(allow("s3:*", [f"arn:aws:s3:::{'x' * 60}{n}" for n in range(200)]))
    iam = aws.client("iam")
    put = lambda: iam.put_role_policy(  # noqa: E731
        RoleName="r", PolicyName="p", PolicyDocument=document
    )
    assert code(put) == "LimitExceeded"


def a_simulation_knows_only_what_it_is_given(aws: Aws) -> None:
    without_mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    arn = aws.role("r", allow("ecs:*", "*"), deny("ecs:*", Condition=without_mfa))
    (row,) = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["ecs:UpdateService"]
    )["EvaluationResults"]
    assert row["EvalDecision"] == "explicitDeny"
    assert row["MissingContextValues"] == ["aws:MultiFactorAuthPresent"]


def a_role_with_a_path_is_simulated(aws: Aws) -> None:
    role = aws.role("r", allow("s3:*", "*"), Path="/team/")
    answer = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["s3:GetObject"]
    )
    assert answer["EvaluationResults"][0]["EvalDecision"] == "allowed"


def the_linked_role_of_ecs_is_spelled_right(aws: Aws) -> None:
    made = aws.client("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    assert made["Role"]["RoleName"] == "AWSServiceRoleForECS"


LOGS_GUIDE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html"
)

ROWS = [
    Row("what nothing allows is denied", LOGIC, nothing_is_allowed_by_default),
    Row("an explicit deny wins", LOGIC, an_explicit_deny_wins),
    Row("a boundary limits", GUIDE + "access_policies_boundaries.html", a_boundary_limits),
    Row("a session policy limits", GUIDE + "access_policies.html", a_session_policy_limits),
    Row("a resource policy alone allows", LOGIC, a_resource_policy_alone_allows),
    Row(
        "SDK calls pass a TLS-only policy",
        GUIDE + "reference_policies_condition-keys.html",
        a_tls_only_policy_lets_sdks_through,
    ),
    Row("PassRole is needed", GUIDE + "id_roles_use_passrole.html", pass_role_is_needed),
    Row("PassRole can be denied", LOGIC, pass_role_heeds_an_explicit_deny),
    Row(
        "iam:PassedToService is told",
        GUIDE + "reference_policies_iam-condition-keys.html",
        passed_to_service_is_told,
    ),
    Row(
        "RunTask passes the roles of the definition",
        ECS_GUIDE + "task-iam-roles.html",
        running_a_task_passes_its_roles,
    ),
    Row(
        "a service's ARN has its cluster",
        REFERENCE + "list_amazonelasticcontainerservice.html",
        a_service_is_named_with_its_cluster,
    ),
    Row(
        "ecs:cluster",
        REFERENCE + "list_amazonelasticcontainerservice.html",
        the_cluster_is_a_condition,
    ),
    Row(
        "ecs:ResourceTag",
        REFERENCE + "list_amazonelasticcontainerservice.html",
        tags_of_a_service_are_a_condition,
    ),
    Row(
        "CreateTargetGroup needs calls of EC2",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-permissions.html",
        a_target_group_needs_calls_of_ec2,
    ),
    Row(
        "ECS's infrastructure role needs none for RegisterTargets",
        "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/"
        "AmazonECSInfrastructureRolePolicyForLoadBalancers.html",
        ecs_moves_targets_without_calls_of_ec2,
    ),
    Row(
        "a new listener's tags are checked on the listener",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/"
        "tagging-resources-during-creation.html",
        a_listener_is_tagged_by_its_own_arn,
    ),
    Row(
        "ec2:CreateAction comes with creations only",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html",
        tags_of_what_exists_carry_no_create_action,
    ),
    Row(
        "objects under a key need the key",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
        an_encrypted_bucket_needs_its_key,
    ),
    Row(
        "secrets under a key need the key",
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
        an_encrypted_secret_needs_its_key,
    ),
    Row("a log group's streams need `:*`", LOGS_GUIDE, log_streams_need_a_star),
    Row(
        "each parameter is checked",
        REFERENCE + "list_awssystemsmanager.html",
        parameters_are_checked_one_by_one,
    ),
    Row("aws:RequestTag", GUIDE + "access_tags.html", request_tags_are_a_condition),
    Row(
        "tags at creation need ec2:CreateTags",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html",
        tagging_at_creation_needs_create_tags,
    ),
    Row(
        "iam:PermissionsBoundary",
        GUIDE + "reference_policies_iam-condition-keys.html",
        a_boundary_can_be_demanded_of_new_roles,
    ),
    Row(
        "a key's policy must take part",
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
        a_key_obeys_its_own_policy,
    ),
    Row("bad trust is refused", API + "API_CreateRole.html", bad_trust_is_refused),
    Row(
        "a missing policy is not attached",
        API + "API_AttachRolePolicy.html",
        a_missing_policy_is_not_attached,
    ),
    Row("a role with policies stays", API + "API_DeleteRole.html", a_role_with_policies_stays),
    Row("an attached policy stays", API + "API_DeletePolicy.html", an_attached_policy_stays),
    Row(
        "inline policies have a quota",
        GUIDE + "reference_iam-quotas.html",
        inline_policies_have_a_quota,
    ),
    Row(
        "a role with a path is simulated",
        API + "API_SimulatePrincipalPolicy.html",
        a_role_with_a_path_is_simulated,
    ),
    Row(
        "a simulation knows only the context that it is given",
        GUIDE + "access_policies_testing-policies.html",
        a_simulation_knows_only_what_it_is_given,
    ),
    Row(
        "AWSServiceRoleForECS",
        ECS_GUIDE + "using-service-linked-roles.html",
        the_linked_role_of_ecs_is_spelled_right,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.behaviour)
def test_conformance(row: Row, tmp_path: Path) -> None:
    with running_gateway(tmp_path) as aws:
        row.check(aws)

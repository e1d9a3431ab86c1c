"""STS: trust policies, sessions, chaining, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.iam import assume_service_role
from localcloud.iam.sessions import SessionStore
from localcloud.shared.service import Credentials, ServiceError
from localcloud.tests.unit.iam.running import ACCOUNT, REGION, Aws, allow, policy

ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"
TASKS = "ecs-tasks.amazonaws.com"


def code_of(act: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        act()
    return str(caught.value.response["Error"]["Code"])


def trust(principal: dict[str, Any], **conditions: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "sts:AssumeRole",
    }
    if conditions:
        row["Condition"] = conditions
    return policy(row)


def assume(aws: Aws, keys: Credentials | None, role: str, **more: Any) -> Any:
    return aws.client("sts", credentials=keys).assume_role(
        RoleArn=role, RoleSessionName="run", **more
    )


def test_root_may_assume_no_role(aws: Aws) -> None:
    role = aws.role("r")
    with pytest.raises(ClientError, match="Roles may not be assumed by root accounts"):
        assume(aws, None, role)


def test_a_trusted_account_leaves_it_to_the_identity(aws: Aws) -> None:
    role = aws.role("r")
    assert code_of(lambda: assume(aws, aws.user("ann"), role)) == "AccessDenied"
    assume(aws, aws.user("bob", allow("sts:AssumeRole", role)), role)


def test_a_trusted_user_needs_no_policy(aws: Aws) -> None:
    keys = aws.user("ann")
    role = aws.role("r", trust=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}))
    assume(aws, keys, role)


def test_an_untrusted_user_is_refused_whatever_its_policy(aws: Aws) -> None:
    aws.user("ann")
    role = aws.role("r", trust=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}))
    keys = aws.user("bob", allow("*", "*"))
    assert code_of(lambda: assume(aws, keys, role)) == "AccessDenied"


def test_an_external_id_is_demanded(aws: Aws) -> None:
    conditions = {"StringEquals": {"sts:ExternalId": "42"}}
    role = aws.role("r", trust=trust({"AWS": ACCOUNT}, **conditions))
    keys = aws.user("ann", allow("sts:AssumeRole", "*"))
    assert code_of(lambda: assume(aws, keys, role)) == "AccessDenied"
    assume(aws, keys, role, ExternalId="42")


def test_session_tags_need_consent(aws: Aws) -> None:
    role = aws.role("r", trust=trust({"AWS": ACCOUNT}))
    keys = aws.user("ann", allow("sts:*", "*"))
    tags = [{"Key": "a", "Value": "b"}]
    assert code_of(lambda: assume(aws, keys, role, Tags=tags)) == "AccessDenied"


def test_a_missing_role_is_no_different_from_an_untrusting_one(aws: Aws) -> None:
    keys = aws.user("ann", allow("sts:*", "*"))
    missing = f"arn:aws:iam::{ACCOUNT}:role/none"
    assert code_of(lambda: assume(aws, keys, missing)) == "AccessDenied"


def test_the_duration_is_limited(aws: Aws) -> None:
    role = aws.role("r", allow("sts:*", "*"))
    keys = aws.user("ann", allow("sts:*", "*"))

    def act() -> Any:
        return assume(aws, keys, role, DurationSeconds=7200)

    assert code_of(act) == "ValidationError"
    aws.client("iam").update_role(RoleName="r", MaxSessionDuration=7200)
    answer = act()["Credentials"]
    left = answer["Expiration"] - datetime.now(UTC)
    assert 7100 < left.total_seconds() <= 7200
    chained = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    assume(aws, chained, role)
    assert code_of(lambda: assume(aws, chained, role, DurationSeconds=7200)) == "ValidationError"


def test_tags_and_source_identity_go_along_the_chain(aws: Aws) -> None:
    aws.client("s3").create_bucket(Bucket="bkt")
    conditions = {"StringEquals": {"aws:SourceIdentity": "ann", "aws:PrincipalTag/team": "red"}}
    role = aws.role(
        "r", allow("sts:*", "*"), allow("s3:ListBucket", "arn:aws:s3:::bkt", Condition=conditions)
    )
    first = aws.session(
        role,
        SourceIdentity="ann",
        Tags=[{"Key": "team", "Value": "red"}, {"Key": "own", "Value": "x"}],
        TransitiveTagKeys=["team"],
    )
    answer = assume(aws, first, role)["Credentials"]
    second = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    aws.client("s3", credentials=second).list_objects_v2(Bucket="bkt")
    tags = [{"Key": "team", "Value": "blue"}]
    assert code_of(lambda: assume(aws, first, role, Tags=tags)) == "InvalidParameterValue"
    third = aws.session(role)
    assert (
        code_of(lambda: aws.client("s3", credentials=third).list_objects_v2(Bucket="bkt"))
        == "AccessDenied"
    )


def test_a_malformed_session_policy_is_refused(aws: Aws) -> None:
    role = aws.role("r")
    keys = aws.user("ann", allow("sts:*", "*"))
    assert code_of(lambda: assume(aws, keys, role, Policy="{")) == "MalformedPolicyDocument"


def test_who_am_i_needs_no_permission(aws: Aws) -> None:
    sts = aws.client("sts", credentials=aws.user("ann"))
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert aws.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_a_session_token_is_its_user(aws: Aws) -> None:
    keys = aws.user("ann", allow("s3:ListAllMyBuckets", "*"))
    answer = aws.client("sts", credentials=keys).get_session_token()["Credentials"]
    token = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    aws.client("s3", credentials=token).list_buckets()
    assert code_of(aws.client("ec2", credentials=token).describe_vpcs) == "UnauthorizedOperation"


SOURCE = {"ArnLike": {"aws:SourceArn": f"{ECS}*"}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}


@pytest.mark.parametrize(
    ("service", "source_arn", "source_account", "trusted"),
    [
        (TASKS, f"{ECS}*", ACCOUNT, True),
        (TASKS, f"{ECS}task/c/t", ACCOUNT, True),
        (TASKS, f"arn:aws:ecs:eu-west-1:{ACCOUNT}:*", ACCOUNT, False),
        (TASKS, f"{ECS}*", "999999999999", False),
        (TASKS, None, ACCOUNT, False),
        ("codebuild.amazonaws.com", f"{ECS}*", ACCOUNT, False),
    ],
)
def test_a_service_is_trusted_on_conditions(
    aws: Aws, service: str, source_arn: str | None, source_account: str, trusted: bool
) -> None:
    role = aws.role("r", trust=trust({"Service": TASKS}, **SOURCE))

    def act() -> Any:
        return assume_service_role(
            role,
            service,
            source_arn=source_arn,
            source_account=source_account,
            session_name="t",
        )

    if trusted:
        assert act().principal_arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/t"
    else:
        with pytest.raises(ServiceError, match="not authorized to perform: sts:AssumeRole"):
            act()


def test_sessions_outlive_the_process(tmp_path: Path) -> None:
    store = SessionStore()
    file = tmp_path / "sessions.json"
    store.keep_in(file)
    issued = store.issue(
        principal_arn="arn:aws:sts::1:assumed-role/r/s",
        duration_seconds=60,
        role_arn="arn:aws:iam::1:role/r",
        session_name="s",
        session_policies=(json.dumps(allow("s3:*", "*")),),
        tags={"a": "b"},
    )
    assert file.stat().st_mode & 0o777 == 0o600
    again = SessionStore()
    again.keep_in(file)
    assert again.find(issued.access_key_id) == issued


def test_ended_sessions_are_dropped(tmp_path: Path) -> None:
    store = SessionStore()
    store.keep_in(tmp_path / "sessions.json")
    ended = store.issue(principal_arn="a:b:c:d:e:f/r/s", duration_seconds=-1)
    store.issue(principal_arn="a:b:c:d:e:f/r/s", duration_seconds=60)
    assert store.find(ended.access_key_id) is None

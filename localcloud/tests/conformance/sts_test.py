"""STS: one row a behaviour that AWS documents, with the page's address.

Every row runs against a gateway with real signatures and sessions; no Docker.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcloud.iam import assume_service_role
from localcloud.iam.web_identity import Issuer
from localcloud.shared.service import Credentials, ServiceError
from localcloud.tests.conformance.iam_stage import ECS, GUIDE, ROLE, TASKS, Row, code, denied, trust
from localcloud.tests.unit.iam.running import ACCOUNT, Aws, allow, policy, running_gateway


def assume(aws: Aws, keys: Credentials, role: str, **more: Any) -> Any:
    sts = aws.client("sts", credentials=keys)
    return sts.assume_role(RoleArn=role, RoleSessionName="run", **more)


def an_external_id_is_demanded(aws: Aws) -> None:
    role = aws.role("r", trust=trust({"AWS": ACCOUNT}, StringEquals={"sts:ExternalId": "42"}))
    keys = aws.user("ann", allow("sts:AssumeRole", "*"))
    denied(lambda: assume(aws, keys, role))
    assume(aws, keys, role, ExternalId="42")


def a_missing_role_cannot_be_assumed(aws: Aws) -> None:
    denied(lambda: assume(aws, aws.user("ann", allow("sts:*", "*")), f"{ROLE}none"))


def root_assumes_no_role(aws: Aws) -> None:
    role = aws.role("r")
    denied(lambda: aws.client("sts").assume_role(RoleArn=role, RoleSessionName="run"))


def a_service_meets_its_conditions(aws: Aws) -> None:
    conditions = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"{ECS}*"},
    }
    role = aws.role("r", trust=trust({"Service": TASKS}, **conditions))

    def act(service: str, arn: str, account: str) -> None:
        assume_service_role(role, service, source_arn=arn, source_account=account, session_name="t")

    act(TASKS, f"{ECS}task/c/t", ACCOUNT)
    for service, arn, account in (
        ("ec2.amazonaws.com", f"{ECS}task/c/t", ACCOUNT),
        (TASKS, f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task/c/t", ACCOUNT),
        (TASKS, f"{ECS}task/c/t", "999999999999"),
    ):
        with pytest.raises(ServiceError, match="sts:AssumeRole"):
            act(service, arn, account)


def the_name_of_the_session_is_in_its_arn(aws: Aws) -> None:
    keys = aws.session(aws.role("r"))
    arn = aws.client("sts", credentials=keys).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/test"


def a_foreign_session_token_is_refused(aws: Aws) -> None:
    keys = aws.session(aws.role("r"))
    forged = Credentials(keys.access_key_id, keys.secret_access_key, "forged")
    act = aws.client("sts", credentials=forged).get_caller_identity
    assert code(act) == "InvalidClientTokenId"


ISSUER = "token.actions.githubusercontent.com"


def as_workflow(aws: Aws, role: str, subject: str, audience: str = "sts.amazonaws.com") -> Any:
    """What a workflow gets for its token; the call is not signed."""
    token = Issuer(aws.state_dir).token(f"https://{ISSUER}", audience, subject)
    return aws.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="run", WebIdentityToken=token
    )


def trusting_github(aws: Aws, *subjects: str) -> str:
    """A role that trusts GitHub's tokens with these subjects, beside GitHub's provider."""
    provider = aws.client("iam").create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"]
    )["OpenIDConnectProviderArn"]
    conditions = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": list(subjects)}
    row = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": conditions},
    }
    return aws.role("r", allow("s3:ListAllMyBuckets", "*"), trust=policy(row))


def a_trusted_subject_gets_the_role(aws: Aws) -> None:
    role = trusting_github(aws, "repo:octo/shop:ref:refs/heads/main")
    keys = as_workflow(aws, role, "repo:octo/shop:ref:refs/heads/main")["Credentials"]
    session = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    aws.client("s3", credentials=session).list_buckets()
    denied(lambda: as_workflow(aws, role, "repo:octo/shopping:ref:refs/heads/main"))
    denied(lambda: as_workflow(aws, role, "repo:octo/shop:pull_request"))


def a_token_is_for_a_client_of_the_provider(aws: Aws) -> None:
    role = trusting_github(aws, "s")
    assert code(lambda: as_workflow(aws, role, "s", "elsewhere")) == "InvalidIdentityToken"


def a_token_of_an_unknown_issuer_is_refused(aws: Aws) -> None:
    assert code(lambda: as_workflow(aws, aws.role("r"), "s")) == "InvalidIdentityToken"


def a_token_must_be_signed_and_fresh(aws: Aws) -> None:
    role = trusting_github(aws, "s")

    def send(token: str) -> str:
        return code(
            lambda: aws.client("sts").assume_role_with_web_identity(
                RoleArn=role, RoleSessionName="run", WebIdentityToken=token
            )
        )

    issuer, elsewhere = Issuer(aws.state_dir), Issuer(aws.state_dir / "elsewhere")
    address = f"https://{ISSUER}"
    assert send("no token") == "InvalidIdentityToken"
    forged = elsewhere.token(address, "sts.amazonaws.com", "s")
    assert send(forged) == "InvalidIdentityToken"
    old = issuer.token(address, "sts.amazonaws.com", "s", seconds=-1)
    assert send(old) == "ExpiredTokenException"


ROWS = [
    Row(
        "sts:ExternalId",
        GUIDE + "id_roles_common-scenarios_third-party.html",
        an_external_id_is_demanded,
    ),
    Row(
        "a missing role cannot be assumed",
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
        a_missing_role_cannot_be_assumed,
    ),
    Row(
        "a role trusts the subjects of an OpenID provider, exactly",
        GUIDE + "id_roles_providers_create_oidc.html",
        a_trusted_subject_gets_the_role,
    ),
    Row(
        "a token is for a client of its provider",
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html",
        a_token_is_for_a_client_of_the_provider,
    ),
    Row(
        "a token of an issuer that the account does not know is refused",
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html",
        a_token_of_an_unknown_issuer_is_refused,
    ),
    Row(
        "a token must be signed by its issuer, and fresh",
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html",
        a_token_must_be_signed_and_fresh,
    ),
    Row("root assumes no role", GUIDE + "troubleshoot_roles.html", root_assumes_no_role),
    Row(
        "a service's trust has conditions",
        GUIDE + "confused-deputy.html",
        a_service_meets_its_conditions,
    ),
    Row(
        "the session's name is in its ARN",
        GUIDE + "reference_identifiers.html",
        the_name_of_the_session_is_in_its_arn,
    ),
    Row(
        "a session token must fit its keys",
        GUIDE + "id_credentials_temp_use-resources.html",
        a_foreign_session_token_is_refused,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.behaviour)
def test_conformance(row: Row, tmp_path: Path) -> None:
    with running_gateway(tmp_path) as aws:
        row.check(aws)

"""The roles of workflows trust tokens of this repository, and no neighbour's, as STS judges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.iam.web_identity import Issuer
from localcloud.tests.unit.iam.running import Aws, running_gateway
from tests.unit.infra.recorder import record

SETTINGS = {
    "github_owner": "octo",
    "github_repository": "shop",
    "github_owner_id": "11",
    "github_repository_id": "22",
    "github_actions": "true",
    "github_provider_arn": (
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    ),
}
ISSUER = "https://token.actions.githubusercontent.com"
MAIN = "ref:refs/heads/main"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The program's two roles, and GitHub's provider, in an account of the local cloud."""
    recording = record(SETTINGS)
    folder: Path = tmp_path_factory.mktemp("state")
    with running_gateway(folder) as running:
        iam = running.client("iam")
        iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
        for purpose in ("deploy", "preview"):
            trust = recording.one("Role", f"github-{purpose}").inputs["assumeRolePolicy"]
            iam.create_role(RoleName=purpose, AssumeRolePolicyDocument=trust)
        yield running


def assume(aws: Aws, purpose: str, subject: str) -> Any:
    token = Issuer(aws.state_dir).token(ISSUER, "sts.amazonaws.com", subject)
    role = f"arn:aws:iam::123456789012:role/{purpose}"
    return aws.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="run", WebIdentityToken=token
    )


@pytest.mark.parametrize("repository", ["repo:octo/shop", "repo:octo@11/shop@22"])
def test_both_forms_of_the_repositorys_subject_are_trusted(aws: Aws, repository: str) -> None:
    for purpose, circumstance in (("deploy", MAIN), ("preview", "pull_request"), ("preview", MAIN)):
        subject = f"{repository}:{circumstance}"
        assert assume(aws, purpose, subject)["SubjectFromWebIdentityToken"] == subject


@pytest.mark.parametrize(
    "subject",
    [
        f"repo:octo/shop2:{MAIN}",
        f"repo:octo2/shop:{MAIN}",
        f"repo:octo@12/shop@22:{MAIN}",
        f"repo:octo@11/shop@23:{MAIN}",
        f"repo:octo@11/shop:{MAIN}",
        f"repo:octo/shop@22:{MAIN}",
        f"repo:Octo/shop:{MAIN}",
        "repo:octo/shop:ref:refs/heads/main2",
        "repo:octo/shop:ref:refs/tags/main",
        "repo:octo/shop:pull_request",
        "repo:octo@11/shop@22:pull_request",
    ],
)
def test_no_other_subject_releases(aws: Aws, subject: str) -> None:
    with pytest.raises(ClientError, match="Not authorized to perform"):
        assume(aws, "deploy", subject)

"""The trust policies of the GitHub workflows' roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.account import Account
from infra.policies import statements

ISSUER = "token.actions.githubusercontent.com"
"""https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws"""


def audience(account: Account) -> str:
    """The audience (`aud`) of the tokens that GitHub issues to workflows.

    https://github.com/aws-actions/configure-aws-credentials#configuring-iam-to-trust-github
    """
    return f"sts.{account.domain}"


@dataclass(frozen=True)
class Repository:
    """A repository of GitHub, as its workflows' tokens name it.

    Attributes:
        owner: a user or an organization.
        name: its name.
        owner_id: the owner's number; 0 where it is not known.
        number: the repository's number; 0 where it is not known.
    """

    owner: str
    name: str
    owner_id: int = 0
    number: int = 0

    @property
    def subjects(self) -> list[str]:
        """How the subjects of its tokens begin, in each form that GitHub sends.

        Repositories that were created, renamed or transferred since July 2026, and those that
        opted in, send the form with numbers, which no other repository ever gets:
        https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
        """
        names = [f"repo:{self.owner}/{self.name}"]
        if not (self.owner_id and self.number):
            return names
        return [*names, f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.number}"]


def trust(
    account: Account, provider_arn: str, repository: Repository, circumstances: Sequence[str]
) -> statements.Document:
    """Who may take on a role: workflows of one repository, in the named circumstances.

    https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws

    Args:
        account: where the role is.
        provider_arn: GitHub's OIDC provider in this account.
        repository: whose workflows.
        circumstances: what follows the repository in the token's subject: `pull_request`.
    """
    subjects = [f"{form}:{each}" for form in repository.subjects for each in circumstances]
    return statements.document(
        {
            "Sid": "WorkflowsOfTheRepository",
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{ISSUER}:aud": audience(account),
                    f"{ISSUER}:sub": subjects,
                }
            },
        }
    )

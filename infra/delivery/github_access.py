"""Access of GitHub's workflows to this account, without a stored key: roles for one repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.account import Account
from infra.names import Names
from infra.policies import github, statements
from infra.policies.github import ISSUER, Repository, WorkflowScope


@dataclass(frozen=True)
class GithubAccessArgs:
    """Which workflows may do what.

    Attributes:
        names: the environment's names.
        account: where the roles are.
        repository: the repository.
        branch: whose pushes are released, and whose nightly workflow prunes.
        environment: GitHub's environment without which nothing is released; empty for the branch.
        provider_arn: GitHub's OIDC provider; empty to make the account's.
        release: what the workflow of releases works on.
        previews: what the workflows of previews work on.
        tags: of every resource.
    """

    names: Names
    account: Account
    repository: Repository
    branch: str
    environment: str
    provider_arn: str
    release: pulumi.Output[WorkflowScope]
    previews: pulumi.Output[WorkflowScope]
    tags: Mapping[str, str]


class GithubAccess(pulumi.ComponentResource):
    """A role that releases, one that makes previews, and GitHub's OIDC provider if none is named.

    Attributes:
        deploy_role_arn: for `deploy.yml`.
        preview_role_arn: for `preview.yml` and `prune.yml`.
    """

    deploy_role_arn: pulumi.Output[str]
    preview_role_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: GithubAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:GithubAccess", name, None, opts)
        self._name, self._args = name, args
        self._issuer_arn = args.provider_arn or self._issuer().arn
        branch = f"ref:refs/heads/{args.branch}"
        reviewed = f"environment:{args.environment}" if args.environment else branch
        self.deploy_role_arn = self._role("deploy", [reviewed], args.release.apply(github.release))
        previews = ["pull_request", branch]
        self.preview_role_arn = self._role("preview", previews, args.previews.apply(github.preview))
        self.register_outputs({"deploy_role_arn": self.deploy_role_arn})

    def _issuer(self) -> aws.iam.OpenIdConnectProvider:
        return aws.iam.OpenIdConnectProvider(
            f"{self._name}-provider",
            url=f"https://{ISSUER}",
            client_id_lists=[github.audience(self._args.account)],
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(
        self,
        purpose: str,
        subjects: Sequence[str],
        document: pulumi.Output[statements.Document],
    ) -> pulumi.Output[str]:
        args = self._args
        trust = pulumi.Output.from_input(self._issuer_arn).apply(
            lambda arn: github.trust(args.account, arn, args.repository, subjects)
        )
        role = aws.iam.Role(
            f"{self._name}-{purpose}",
            name=args.names.role(f"github-{purpose}"),
            description=f"Workflows of {args.repository.owner}/{args.repository.name}: {purpose}",
            assume_role_policy=pulumi.Output.json_dumps(trust),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.iam.RolePolicy(
            f"{self._name}-{purpose}-policy",
            name=purpose,
            role=role.name,
            policy=pulumi.Output.json_dumps(document),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role.arn

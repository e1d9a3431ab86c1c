"""Access of GitHub's workflows to this account, without a stored key: roles for one repository."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.policies import github, github_trust, statements
from infra.policies.github import WorkflowScope
from infra.policies.github_trust import ISSUER, Repository


class GithubAccess(pulumi.ComponentResource):
    """A role that releases, one that makes previews, and GitHub's OIDC provider if none is named.

    `release` and `previews` say what the workflows work on that use the one role or the other;
    None where there are no previews.

    Attributes:
        role_arns: of `deploy` for `deploy.yml`, and of `preview` for `preview.yml` and `prune.yml`.
    """

    role_arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        context: Context,
        release: pulumi.Output[WorkflowScope],
        previews: pulumi.Output[WorkflowScope] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:GithubAccess", name, None, opts)
        self._name, self._context = name, context
        settings = context.settings
        self._repository = Repository(
            settings.github_owner,
            settings.github_repository,
            settings.github_owner_id,
            settings.github_repository_id,
        )
        self._issuer_arn = settings.github_provider_arn or self._issuer().arn
        branch = f"ref:refs/heads/{settings.github_branch}"
        environment = settings.github_environment
        reviewed = f"environment:{environment}" if environment else branch
        self.role_arns = {"deploy": self._role("deploy", [reviewed], release.apply(github.release))}
        if previews is not None:
            subjects = ["pull_request", branch]
            allowed = previews.apply(github.preview)
            self.role_arns["preview"] = self._role("preview", subjects, allowed)
        self.register_outputs({"deploy_role_arn": self.role_arns["deploy"]})

    def _issuer(self) -> aws.iam.OpenIdConnectProvider:
        return aws.iam.OpenIdConnectProvider(
            f"{self._name}-provider",
            url=f"https://{ISSUER}",
            client_id_lists=[github_trust.audience(self._context.account)],
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(
        self,
        purpose: str,
        subjects: Sequence[str],
        document: pulumi.Output[statements.Document],
    ) -> pulumi.Output[str]:
        context, repository = self._context, self._repository
        trust = pulumi.Output.from_input(self._issuer_arn).apply(
            lambda arn: github_trust.trust(context.account, arn, repository, subjects)
        )
        role = aws.iam.Role(
            f"{self._name}-{purpose}",
            name=context.names.role(f"github-{purpose}"),
            description=f"Workflows of {repository.owner}/{repository.name}: {purpose}",
            assume_role_policy=pulumi.Output.json_dumps(trust),
            tags=dict(context.tags),
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

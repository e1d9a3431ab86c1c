"""How a push reaches the pipeline: by a signed webhook, or by a connection's trigger."""

from __future__ import annotations

import hashlib
import hmac

import pulumi
import pulumi_aws as aws
import pulumi_github as github

from infra.context import Context
from infra.settings.model import Settings

SOURCE_ACTION = "Source"
SOURCE_ARTIFACT = "Source"
WEBHOOK_FILTERS = {"$.ref": "refs/heads/{Branch}", "$.deleted": "false"}
"""Members of GitHub's push event that start the pipeline: pushes of the branch, not its deletion.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#push and
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_WebhookFilterRule.html
"""


def webhook_secret(token: str, pipeline: str, rotation: int) -> str:
    """Return what signs the deliveries: an HMAC derived from the GitHub token, in hexadecimal.

    HMAC-SHA256 under the token is as good as random to whoever does not hold it, the same at
    every `up`, and different for each pipeline and each rotation. See docs/security.md.
    """
    message = f"fargate-cd webhook\n{pipeline}\n{rotation}"
    return hmac.new(token.encode(), message.encode(), hashlib.sha256).hexdigest()


def source_action(settings: Settings) -> aws.codepipeline.PipelineStageActionArgs:
    """The pipeline's first action: fetch the commit that was pushed."""
    if settings.connection_arn:
        owner, provider = "AWS", "CodeStarSourceConnection"
        configuration: dict[str, pulumi.Input[str]] = {
            "ConnectionArn": settings.connection_arn,
            "FullRepositoryId": f"{settings.github_owner}/{settings.github_repository}",
            "BranchName": settings.github_branch,
            "DetectChanges": "false",
        }
    else:
        owner, provider = "ThirdParty", "GitHub"
        configuration = {
            "Owner": settings.github_owner,
            "Repo": settings.github_repository,
            "Branch": settings.github_branch,
            "OAuthToken": pulumi.Output.secret(settings.github_token),
            "PollForSourceChanges": "false",
        }
    return aws.codepipeline.PipelineStageActionArgs(
        name=SOURCE_ACTION,
        category="Source",
        owner=owner,
        provider=provider,
        version="1",
        configuration=configuration,
        output_artifacts=[SOURCE_ARTIFACT],
        namespace="Source",
    )


def triggers(settings: Settings) -> list[aws.codepipeline.PipelineTriggerArgs] | None:
    """With a connection: pushes of the branch that touch the paths. A webhook has its filter."""
    if not settings.connection_arn:
        return None
    paths = aws.codepipeline.PipelineTriggerGitConfigurationPushFilePathsArgs(
        includes=list(settings.trigger_paths)
    )
    push = aws.codepipeline.PipelineTriggerGitConfigurationPushArgs(
        branches=aws.codepipeline.PipelineTriggerGitConfigurationPushBranchesArgs(
            includes=[settings.github_branch]
        ),
        file_paths=paths if settings.trigger_paths else None,
    )
    return [
        aws.codepipeline.PipelineTriggerArgs(
            provider_type="CodeStarSourceConnection",
            git_configuration=aws.codepipeline.PipelineTriggerGitConfigurationArgs(
                source_action_name=SOURCE_ACTION, pushes=[push]
            ),
        )
    ]


class Webhook(pulumi.ComponentResource):
    """A webhook of CodePipeline, registered in the repository.

    Attributes:
        url: where GitHub delivers.
    """

    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        pipeline_name: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Webhook", name, None, opts)
        settings = context.settings
        token = pulumi.Output.secret(settings.github_token)
        pipeline, rotation = context.names.pipeline, settings.webhook_rotation
        secret = token.apply(lambda it: webhook_secret(it, pipeline, rotation))
        definition = (*WEBHOOK_FILTERS, *WEBHOOK_FILTERS.values())
        physical = secret.apply(lambda it: context.names.webhook(it, *definition))
        webhook = aws.codepipeline.Webhook(
            f"{name}-webhook",
            name=pulumi.Output.unsecret(physical),
            authentication="GITHUB_HMAC",
            authentication_configuration=aws.codepipeline.WebhookAuthenticationConfigurationArgs(
                secret_token=secret
            ),
            filters=[
                aws.codepipeline.WebhookFilterArgs(json_path=path, match_equals=value)
                for path, value in WEBHOOK_FILTERS.items()
            ],
            target_action=SOURCE_ACTION,
            target_pipeline=pipeline_name,
            tags=dict(context.tags),
            # The secret can't be read back, so its changes are told by the name.
            opts=pulumi.ResourceOptions(
                parent=self, ignore_changes=["authenticationConfiguration"]
            ),
        )
        provider = github.Provider(
            f"{name}-github",
            owner=settings.github_owner,
            token=token,
            opts=pulumi.ResourceOptions(parent=self),
        )
        github.RepositoryWebhook(
            f"{name}-registration",
            repository=settings.github_repository,
            events=["push"],
            configuration=github.RepositoryWebhookConfigurationArgs(
                url=webhook.url, content_type="json", insecure_ssl=False, secret=secret
            ),
            opts=pulumi.ResourceOptions(parent=self, provider=provider),
        )
        self.url = webhook.url
        self.register_outputs({"url": self.url})

"""The pipeline: from a push to a healthy release."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.account import Account
from infra.context import Context
from infra.delivery.github_source import SOURCE_ARTIFACT, source_action, triggers
from infra.names import DEPLOY_STAGE, RELEASE_COMMAND, deploy_actions
from infra.policies import pipeline as pipeline_policies

IMAGE_ARTIFACT = "Image"
DEPLOYMENT_MINUTES = 30
LONGEST_DEPLOYMENT_MINUTES = 60
"""https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html"""

Stage = aws.codepipeline.PipelineStageArgs
Action = aws.codepipeline.PipelineStageActionArgs


def page_url(name: str, account: Account) -> str:
    """The pipeline's page in the console; `FARGATE_CD_CONSOLE_URL` names another console."""
    console = os.environ.get("FARGATE_CD_CONSOLE_URL") or account.console
    return f"{console}/codesuite/codepipeline/pipelines/{name}/view?region={account.region}"


@dataclass(frozen=True)
class PipelineArgs:
    """What the pipeline passes on, builds and deploys.

    Attributes:
        bucket_name: its artifacts' bucket.
        bucket_arn: the same, for its policy.
        test_project: the test's CodeBuild project.
        build_project: the build's.
        project_arns: all of them, for its policy.
        task_role_arns: the roles that it hands to tasks.
        needs: what its first run needs.
        release_project: the release command's; None where there is no command.
        key_arn: encrypts the artifacts; None for S3's own key.
    """

    bucket_name: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    test_project: pulumi.Input[str]
    build_project: pulumi.Input[str]
    project_arns: Sequence[pulumi.Input[str]]
    task_role_arns: Sequence[pulumi.Input[str]]
    needs: Sequence[pulumi.Resource]
    release_project: pulumi.Input[str] | None = None
    key_arn: pulumi.Input[str] | None = None


class Pipeline(pulumi.ComponentResource):
    """A V2 pipeline in which a newer run overtakes older ones.

    Attributes:
        pipeline_name: its name.
    """

    pipeline_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        args: PipelineArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Pipeline", name, None, opts)
        self._name, self._context, self._args = name, context, args
        role = aws.iam.Role(
            f"{name}-role",
            name=context.names.role("pipeline"),
            description="Passes artifacts on, starts the builds, deploys to the one service",
            assume_role_policy=json.dumps(
                pipeline_policies.pipeline_trust(context.account, context.names.pipeline)
            ),
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        granted = self._policy(role)
        pipeline = aws.codepipeline.Pipeline(
            f"{name}-pipeline",
            name=context.names.pipeline,
            pipeline_type="V2",
            execution_mode="SUPERSEDED",
            role_arn=role.arn,
            artifact_stores=[self._store()],
            stages=self._stages(),
            triggers=triggers(context.settings),
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[granted, *args.needs]),
        )
        self.pipeline_name = pipeline.name
        self.register_outputs({"pipeline_name": self.pipeline_name})

    def _policy(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        args, context = self._args, self._context
        arns = pulumi.Output.all(
            args.bucket_arn,
            pulumi.Output.all(*args.project_arns),
            pulumi.Output.all(*args.task_role_arns),
            args.key_arn or "",
        )
        return aws.iam.RolePolicy(
            f"{self._name}-policy",
            name="release",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                arns.apply(
                    lambda known: pipeline_policies.pipeline(
                        context.account,
                        known[0],
                        known[1],
                        (context.names.cluster, list(context.services.values())),
                        known[2],
                        context.settings.connection_arn,
                        known[3],
                    )
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _store(self) -> aws.codepipeline.PipelineArtifactStoreArgs:
        key_arn = self._args.key_arn
        key = aws.codepipeline.PipelineArtifactStoreEncryptionKeyArgs
        return aws.codepipeline.PipelineArtifactStoreArgs(
            type="S3",
            location=self._args.bucket_name,
            encryption_key=None if key_arn is None else key(id=key_arn, type="KMS"),
        )

    def _stages(self) -> list[Stage]:
        args, settings = self._args, self._context.settings
        approval = Action(
            name="Approval", category="Approval", owner="AWS", provider="Manual", version="1"
        )
        return [
            Stage(name="Source", actions=[source_action(settings)]),
            Stage(name="Test", actions=[_build("Test", args.test_project, None)]),
            Stage(name="Build", actions=[_build("Build", args.build_project, IMAGE_ARTIFACT)]),
            *([Stage(name="Approval", actions=[approval])] if settings.approval else []),
            self._deployment(),
        ]

    def _deployment(self) -> Stage:
        """Run the release command, then deploy every process at the same time, or none.

        In one stage, so that `up` keeps all of it out, and no two releases are between the two.

        The service that failed goes back by its own circuit breaker, the others by the stage:
        https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback-auto.html
        """
        services = self._context.services
        actions = [
            self._deploy(name, service)
            for name, service in zip(deploy_actions(services), services.values(), strict=True)
        ]
        back = aws.codepipeline.PipelineStageOnFailureArgs(result="ROLLBACK")
        return Stage(
            name=DEPLOY_STAGE,
            actions=[*self._release_command(), *actions],
            on_failure=back if len(services) > 1 else None,
        )

    def _deploy(self, name: str, service: str) -> Action:
        minutes = DEPLOYMENT_MINUTES + self._context.settings.shift_minutes
        return Action(
            name=name,
            category="Deploy",
            owner="AWS",
            provider="ECS",
            version="1",
            run_order=2 if self._args.release_project else 1,
            input_artifacts=[IMAGE_ARTIFACT],
            configuration={
                "ClusterName": self._context.names.cluster,
                "ServiceName": service,
                "FileName": "imagedefinitions.json",
                "DeploymentTimeout": str(min(minutes, LONGEST_DEPLOYMENT_MINUTES)),
            },
        )

    def _release_command(self) -> list[Action]:
        project = self._args.release_project
        return [_build(RELEASE_COMMAND, project, None, IMAGE_ARTIFACT)] if project else []


def _build(
    name: str, project: pulumi.Input[str], output: str | None, source: str = SOURCE_ARTIFACT
) -> Action:
    return Action(
        name=name,
        category="Test" if name == "Test" else "Build",
        owner="AWS",
        provider="CodeBuild",
        version="1",
        configuration={"ProjectName": project},
        input_artifacts=[source],
        output_artifacts=[output] if output else None,
        namespace=name if output else None,
    )

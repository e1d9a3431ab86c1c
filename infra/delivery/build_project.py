"""A CodeBuild project with a log group and a role of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.image.build_secrets import in_codebuild
from infra.policies import pipeline, statements

BUILDSPECS = Path(__file__).parent / "buildspecs"
TEST_COMMANDS = '      - "{{ test_commands }}"\n'
NO_TESTS = "echo 'The setting test_commands is empty: nothing is tested.'"
MINUTES = 60

ENVIRONMENTS: Mapping[str, tuple[str, str]] = {
    "X86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
    "ARM64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
}
"""https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html"""


def test_buildspec(commands: Sequence[str]) -> str:
    """The buildspec of the test stage with the team's commands, each a quoted line."""
    template = (BUILDSPECS / "test.yml").read_text()
    if template.count(TEST_COMMANDS) != 1:
        raise ValueError("infra/delivery/buildspecs/test.yml must name {{ test_commands }} once")
    lines = "".join(f"      - {json.dumps(each)}\n" for each in commands or [NO_TESTS])
    return template.replace(TEST_COMMANDS, lines)


def image_buildspec() -> str:
    """The buildspec that makes and pushes the image."""
    return (BUILDSPECS / "build.yml").read_text()


def release_buildspec() -> str:
    """The buildspec that runs the release command."""
    return (BUILDSPECS / "release.yml").read_text()


@dataclass(frozen=True)
class BuildProjectArgs:
    """What is built, and under which rights.

    Attributes:
        purpose: `test`, `build` or `release`.
        description: what for.
        buildspec: its commands.
        variables: its environment; nothing secret.
        secrets: further variables → ARN of the secret that CodeBuild reads and keeps out of logs.
        privileged: whether it may run a Docker daemon.
        key_arn: encrypts the log; None for CloudWatch's own key. Results are encrypted with the
            key that the pipeline names for each build.
    """

    purpose: str
    description: str
    buildspec: str
    variables: Mapping[str, pulumi.Input[str]]
    privileged: bool
    key_arn: pulumi.Input[str] | None
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> list[aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs]:
        """The variables, as the project has them."""
        plain = ((name, "PLAINTEXT", value) for name, value in self.variables.items())
        secret = ((name, *in_codebuild(arn)) for name, arn in self.secrets.items())
        return [
            aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs(name=name, type=kind, value=it)
            for name, kind, it in (*plain, *secret)
        ]


class BuildProject(pulumi.ComponentResource):
    """A project that CodePipeline starts.

    Attributes:
        project_name: its name.
        arn: its ARN.
        log_group_arn: its log group.
    """

    project_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        args: BuildProjectArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:BuildProject", name, None, opts)
        self._name, self._context, self._args = name, context, args
        physical = context.names.named(args.purpose)
        child = pulumi.ResourceOptions(parent=self)
        self._group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"{context.names.log_group_prefix}/{args.purpose}",
            retention_in_days=context.settings.log_retention_days,
            kms_key_id=args.key_arn,
            tags=dict(context.tags),
            opts=child,
        )
        self._role = aws.iam.Role(
            f"{name}-role",
            name=context.names.role(args.purpose),
            description=args.description,
            assume_role_policy=json.dumps(pipeline.build_trust(context.account, physical)),
            tags=dict(context.tags),
            opts=child,
        )
        project = self._project(physical)
        self.project_name = project.name
        self.arn = project.arn
        self.log_group_arn = self._group.arn
        self.register_outputs({"project_name": self.project_name, "arn": self.arn})

    def grant(self, document: pulumi.Output[statements.Document]) -> aws.iam.RolePolicy:
        """Say what the build may do; it needs that before it starts."""
        return aws.iam.RolePolicy(
            f"{self._name}-policy",
            name=self._args.purpose,
            role=self._role.name,
            policy=pulumi.Output.json_dumps(document),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _project(self, physical: str) -> aws.codebuild.Project:
        kind, image = ENVIRONMENTS[self._context.settings.architecture]
        return aws.codebuild.Project(
            f"{self._name}-project",
            name=physical,
            description=self._args.description,
            service_role=self._role.arn,
            build_timeout=MINUTES,
            artifacts=aws.codebuild.ProjectArtifactsArgs(type="CODEPIPELINE"),
            source=aws.codebuild.ProjectSourceArgs(
                type="CODEPIPELINE", buildspec=self._args.buildspec
            ),
            environment=aws.codebuild.ProjectEnvironmentArgs(
                type=kind,
                image=image,
                compute_type=f"BUILD_GENERAL1_{self._context.settings.build_compute.upper()}",
                privileged_mode=self._args.privileged,
                environment_variables=self._args.environment,
            ),
            logs_config=aws.codebuild.ProjectLogsConfigArgs(
                cloudwatch_logs=aws.codebuild.ProjectLogsConfigCloudwatchLogsArgs(
                    status="ENABLED", group_name=self._group.name
                )
            ),
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

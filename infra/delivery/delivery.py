"""The pipeline and its components: source, builds, notifications."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi

from infra.context import Context
from infra.delivery.build_project import (
    BuildProject,
    BuildProjectArgs,
    image_buildspec,
    release_buildspec,
    test_buildspec,
)
from infra.delivery.git_remote import git_remote_url
from infra.delivery.github_source import SOURCE_ARTIFACT, Webhook
from infra.delivery.notifications import Notifications
from infra.delivery.pipeline import IMAGE_ARTIFACT, Pipeline, PipelineArgs, page_url
from infra.image.docker_build import SECRET_PREFIX
from infra.image.image import build_options
from infra.image.registry import Registry
from infra.names import CONTAINER_NAME, RELEASE_MARKS
from infra.policies import pipeline as pipeline_policies
from infra.service.roles import Roles
from infra.settings.pipeline_files import pipeline_files
from infra.storage.bucket import BucketArgs, PrivateBucket

ARTIFACT_DAYS = 30


class Delivery:
    """The pipeline of an environment, with its outputs."""

    def __init__(
        self,
        context: Context,
        key_arn: pulumi.Input[str] | None,
        registry: Registry,
        roles: Roles,
        services: Sequence[pulumi.Resource],
        topic_arn: pulumi.Input[str] | None,
    ) -> None:
        self._context, self._key_arn = context, key_arn
        names, settings = context.names, context.settings
        bucket = self._bucket()
        test = self._test(bucket)
        build = self._build(bucket, registry)
        task_role_arns = [roles.own.execution_role_arn, roles.own.task_role_arn]
        release = self._release(bucket, task_role_arns) if settings.release_command else None
        projects = [test, build, *([release] if release else [])]
        args = PipelineArgs(
            bucket_name=bucket.bucket_name,
            bucket_arn=bucket.arn,
            test_project=test.project_name,
            build_project=build.project_name,
            project_arns=[project.arn for project in projects],
            task_role_arns=task_role_arns,
            needs=[*services, *projects],
            release_project=release.project_name if release else None,
            key_arn=key_arn,
        )
        pipeline = Pipeline("pipeline", context, args)
        if topic_arn is not None:
            Notifications("reports", context, topic_arn)
        pulumi.export("pipeline_url", page_url(names.pipeline, context.account))
        remote = git_remote_url(settings.github_owner, settings.github_repository)
        pulumi.export("git_remote_url", remote)
        if not settings.connection_arn:
            pulumi.export("webhook_url", Webhook("webhook", context, pipeline.pipeline_name).url)

    def _bucket(self) -> PrivateBucket:
        context = self._context
        args = BucketArgs(
            physical_name=context.names.bucket("artifacts", context.account.account_id),
            keep_days=ARTIFACT_DAYS,
            protect=False,
            key_arn=self._key_arn,
        )
        return PrivateBucket("artifacts", context, args)

    def _project(
        self,
        purpose: str,
        description: str,
        buildspec: str,
        variables: dict[str, pulumi.Input[str]],
        privileged: bool,
        secrets: Mapping[str, str] | None = None,
    ) -> BuildProject:
        args = BuildProjectArgs(
            purpose=purpose,
            description=description,
            buildspec=buildspec,
            variables=variables,
            privileged=privileged,
            key_arn=self._key_arn,
            secrets=secrets or {},
        )
        return BuildProject(purpose, self._context, args)

    def _test(self, bucket: PrivateBucket) -> BuildProject:
        spec = test_buildspec(self._context.settings.test_commands)
        project = self._project("test", "Tests each commit", spec, {}, privileged=False)
        arns = pulumi.Output.all(project.log_group_arn, bucket.arn, self._key_arn or "")
        project.grant(
            arns.apply(
                lambda known: pipeline_policies.test_build(
                    known[0], f"{known[1]}/*/{SOURCE_ARTIFACT}/*", known[2]
                )
            )
        )
        return project

    def _build(self, bucket: PrivateBucket, registry: Registry) -> BuildProject:
        settings = self._context.settings
        cache = Registry("cache", self._context, self._key_arn, kind="cache")
        folder, dockerfile = pipeline_files(
            settings.app_path, settings.dockerfile, settings.pipeline_app_path
        )
        variables: dict[str, pulumi.Input[str]] = {
            "APP_PATH": folder,
            "REPOSITORY_URL": registry.repository_url,
            "CACHE_REPOSITORY_URL": cache.repository_url,
            "CONTAINER_NAME": CONTAINER_NAME,
        }
        if dockerfile:
            variables["DOCKERFILE"] = dockerfile
        options = build_options(settings)
        if options.command():
            variables["BUILD_OPTIONS"] = json.dumps(options.command())
        secrets = {f"{SECRET_PREFIX}{name}": arn for name, arn in settings.build_secrets.items()}
        # Privileged, since an image is built by a Docker daemon inside the build's container.
        project = self._project(
            "build", "Builds the image of each commit", image_buildspec(), variables, True, secrets
        )
        arns = pulumi.Output.all(
            project.log_group_arn,
            bucket.arn,
            registry.repository_arn,
            cache.repository_arn,
            self._key_arn or "",
        )
        project.grant(
            arns.apply(
                lambda known: pipeline_policies.image_build(
                    known[0],
                    f"{known[1]}/*/{SOURCE_ARTIFACT}/*",
                    f"{known[1]}/*/{IMAGE_ARTIFACT}/*",
                    known[2],
                    known[3],
                    [*settings.build_secrets.values()],
                    known[4],
                )
            )
        )
        return project

    def _release(
        self, bucket: PrivateBucket, task_role_arns: list[pulumi.Input[str]]
    ) -> BuildProject:
        context, names, settings = self._context, self._context.names, self._context.settings
        variables: dict[str, pulumi.Input[str]] = {
            "CLUSTER": names.cluster,
            "SERVICE": names.service,
            "CONTAINER_NAME": CONTAINER_NAME,
            "FAMILY": names.release_family,
            "LOG_GROUP": names.log_group,
            "COMMAND": json.dumps(settings.release_command),
            "EVERY_UPDATE": json.dumps(settings.release_command_on == "every_update"),
            "MARKS": RELEASE_MARKS,
        }
        project = self._project(
            "release", "Runs the release command", release_buildspec(), variables, False
        )
        key_arn = self._key_arn or ""
        arns = pulumi.Output.all(project.log_group_arn, bucket.arn, key_arn, *task_role_arns)
        project.grant(
            arns.apply(
                lambda known: pipeline_policies.release_command(
                    context.account,
                    known[0],
                    f"{known[1]}/*/{IMAGE_ARTIFACT}/*",
                    names,
                    known[3:],
                    known[2],
                )
            )
        )
        return project

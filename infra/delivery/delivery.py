"""From a push to a release: the components around the pipeline, and how they hang together."""

from __future__ import annotations

import pulumi

from infra.bucket import BucketArgs, PrivateBucket
from infra.context import Context
from infra.delivery.build_project import (
    BuildProject,
    BuildProjectArgs,
    image_buildspec,
    test_buildspec,
)
from infra.delivery.git_remote import git_remote_url
from infra.delivery.github_source import SOURCE_ARTIFACT, Webhook, WebhookArgs
from infra.delivery.notifications import Notifications, NotificationsArgs
from infra.delivery.pipeline import IMAGE_ARTIFACT, Pipeline, PipelineArgs, page_url
from infra.image.registry import Registry
from infra.policies import pipeline as pipeline_policies
from infra.service.roles import Roles
from infra.service.task import CONTAINER_NAME
from infra.settings.pipeline_files import pipeline_files

ARTIFACT_DAYS = 30


class Delivery:
    """The pipeline of an environment, with its outputs."""

    def __init__(
        self,
        context: Context,
        key_arn: pulumi.Input[str] | None,
        registry: Registry,
        roles: Roles,
        service: pulumi.Resource,
        topic_arn: pulumi.Input[str] | None,
    ) -> None:
        self._context, self._key_arn = context, key_arn
        names, settings = context.names, context.settings
        bucket = self._bucket()
        test = self._test(bucket)
        build = self._build(bucket, registry)
        args = PipelineArgs(
            settings=settings,
            names=names,
            account=context.account,
            bucket_name=bucket.bucket_name,
            bucket_arn=bucket.arn,
            test_project=test.project_name,
            build_project=build.project_name,
            project_arns=[test.arn, build.arn],
            task_role_arns=[roles.own.execution_role_arn, roles.own.task_role_arn],
            tags=context.tags,
            needs=[service, test, build],
        )
        pipeline = Pipeline("pipeline", args)
        if topic_arn is not None:
            self._notifications(topic_arn)
        pulumi.export("pipeline_url", page_url(names.pipeline, context.account))
        remote = git_remote_url(settings.github_owner, settings.github_repository)
        pulumi.export("git_remote_url", remote)
        if not settings.connection_arn:
            pulumi.export("webhook_url", self._webhook(pipeline).url)

    def _bucket(self) -> PrivateBucket:
        context = self._context
        args = BucketArgs(
            physical_name=context.names.bucket("artifacts", context.account.account_id),
            account=context.account,
            keep_days=ARTIFACT_DAYS,
            protect=False,
            tags=context.tags,
        )
        return PrivateBucket("artifacts", args)

    def _project(
        self,
        purpose: str,
        description: str,
        buildspec: str,
        variables: dict[str, pulumi.Input[str]],
        privileged: bool,
    ) -> BuildProject:
        context = self._context
        args = BuildProjectArgs(
            purpose=purpose,
            description=description,
            names=context.names,
            account=context.account,
            architecture=context.settings.architecture,
            buildspec=buildspec,
            variables=variables,
            privileged=privileged,
            retention_days=context.settings.log_retention_days,
            key_arn=self._key_arn,
            tags=context.tags,
        )
        return BuildProject(purpose, args)

    def _test(self, bucket: PrivateBucket) -> BuildProject:
        spec = test_buildspec(self._context.settings.test_commands)
        project = self._project("test", "Tests each commit", spec, {}, privileged=False)
        arns = pulumi.Output.all(project.log_group_arn, bucket.arn)
        project.grant(
            arns.apply(
                lambda known: pipeline_policies.test_build(
                    known[0], f"{known[1]}/*/{SOURCE_ARTIFACT}/*"
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
        # Privileged, since an image is built by a Docker daemon inside the build's container.
        project = self._project(
            "build", "Builds the image of each commit", image_buildspec(), variables, True
        )
        arns = pulumi.Output.all(
            project.log_group_arn, bucket.arn, registry.repository_arn, cache.repository_arn
        )
        project.grant(
            arns.apply(
                lambda known: pipeline_policies.image_build(
                    known[0],
                    f"{known[1]}/*/{SOURCE_ARTIFACT}/*",
                    f"{known[1]}/*/{IMAGE_ARTIFACT}/*",
                    known[2],
                    known[3],
                )
            )
        )
        return project

    def _notifications(self, topic_arn: pulumi.Input[str]) -> Notifications:
        context = self._context
        args = NotificationsArgs(
            physical_name=context.names.notifications,
            pipeline_name=context.names.pipeline,
            topic_arn=topic_arn,
            tags=context.tags,
        )
        return Notifications("reports", args)

    def _webhook(self, pipeline: Pipeline) -> Webhook:
        context, settings = self._context, self._context.settings
        args = WebhookArgs(
            physical_name=context.names.pipeline,
            pipeline_name=pipeline.pipeline_name,
            owner=settings.github_owner,
            repository=settings.github_repository,
            token=settings.github_token,
            rotation=settings.webhook_rotation,
            tags=context.tags,
        )
        return Webhook("webhook", args)

"""What the pipeline's roles are for."""

from __future__ import annotations

from collections.abc import Mapping

from tests.policy.duties.parts import (
    BUCKET,
    HERE,
    KEY,
    NAME,
    OTHER,
    OTHER_PEOPLES,
    PREVIEW,
    Duties,
    on_object,
    pull,
    push,
    role,
    write_log,
)
from tests.policy.judge import act, call

REGISTER = {
    "family": NAME,
    "taskRoleArn": role("task"),
    "executionRoleArn": role("execution"),
    "tags": [{"key": "stack", "value": "dev"}],
}

RELEASE = {
    "family": f"{NAME}__release",
    "taskRoleArn": role("task"),
    "executionRoleArn": role("execution"),
}

APPLICATION_LOG = f"/ecs/{NAME}/app"

SERVICE = {"cluster": NAME, "service": NAME}

SERVICES = (NAME, f"{NAME}_mailer", f"{NAME}_worker")

ARTIFACT_KEY = [
    call("kms", "Decrypt", KeyId=KEY),
    call("kms", "GenerateDataKey", KeyId=KEY),
]
"""What S3 asks of whoever reads, and writes, an artifact:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"""

DELIVERING: Mapping[str, Duties] = {
    "test": Duties(
        [
            *write_log(f"/ecs/{NAME}/test"),
            *on_object("run/Source/1.zip", "GetObject"),
            *ARTIFACT_KEY[:1],
        ],
        [
            *ARTIFACT_KEY[1:],
            *OTHER_PEOPLES,
            *pull(NAME),
            *on_object("run/Image/1.zip", "GetObject", "PutObject"),
            *on_object("run/Source/1.zip", "PutObject"),
        ],
    ),
    "build": Duties(
        [
            *write_log(f"/ecs/{NAME}/build"),
            *on_object("run/Source/1.zip", "GetObject"),
            *on_object("run/Image/1.zip", "PutObject"),
            *ARTIFACT_KEY,
            *(each for one in (NAME, f"{NAME}-cache") for each in (*pull(one), *push(one))),
            call("ecr", "DescribeImages", repositoryName=NAME),
        ],
        [
            *OTHER_PEOPLES,
            call("ecr", "BatchDeleteImage", repositoryName=NAME, imageIds=[]),
            call("ecs", "RegisterTaskDefinition", **REGISTER),
            act("iam:PassRole", role("task")),
        ],
    ),
    "release": Duties(
        [
            *write_log(f"/ecs/{NAME}/release"),
            *on_object("run/Image/1.zip", "GetObject"),
            *ARTIFACT_KEY[:1],
            call("ecs", "DescribeServices", cluster=NAME, services=[NAME]),
            call("ecs", "DescribeTaskDefinition", taskDefinition=f"{NAME}:1"),
            call("ecs", "RegisterTaskDefinition", **RELEASE),
            call("ecs", "RunTask", cluster=NAME, taskDefinition=f"{NAME}__release:1"),
            call("ecs", "ListTasks", cluster=NAME),
            call("ecs", "DescribeTasks", cluster=NAME, tasks=["1"]),
            call("logs", "DescribeLogStreams", logGroupName=APPLICATION_LOG),
            call("logs", "GetLogEvents", logGroupName=APPLICATION_LOG, logStreamName="app/app/1"),
            call(
                "logs",
                "CreateLogStream",
                logGroupName=APPLICATION_LOG,
                logStreamName="release-command/1",
            ),
        ],
        [
            *OTHER_PEOPLES,
            *ARTIFACT_KEY[1:],
            *pull(NAME),
            *on_object("run/Image/1.zip", "PutObject"),
            *on_object("run/Source/1.zip", "GetObject", "PutObject"),
            *write_log(APPLICATION_LOG),
            call("ecs", "RunTask", cluster=NAME, taskDefinition=f"{NAME}:1"),
            call("ecs", "RunTask", cluster="other", taskDefinition=f"{NAME}__release:1"),
            call("ecs", "RegisterTaskDefinition", **REGISTER),
            call("ecs", "RegisterTaskDefinition", **{**RELEASE, "taskRoleArn": role("build")}),
            call("ecs", "StopTask", cluster=NAME, task="1"),
            act("ecs:ExecuteCommand", f"arn:aws:ecs:{HERE}:task/{NAME}/1"),
        ],
    ),
    "pipeline": Duties(
        [
            *on_object("run/Source/1.zip", "GetObject", "PutObject"),
            call("s3", "GetBucketVersioning", Bucket=BUCKET),
            *ARTIFACT_KEY,
            *(
                each
                for project in ("test", "build", "release")
                for each in (
                    call("codebuild", "StartBuild", projectName=f"{NAME}-{project}"),
                    call("codebuild", "BatchGetBuilds", ids=[f"{NAME}-{project}:1"]),
                )
            ),
            call("ecs", "DescribeTaskDefinition", taskDefinition=NAME),
            *(
                each
                for name in SERVICES
                for each in (
                    call("ecs", "DescribeServices", cluster=NAME, services=[name]),
                    call("ecs", "RegisterTaskDefinition", **{**REGISTER, "family": name}),
                    call("ecs", "UpdateService", cluster=NAME, service=name),
                )
            ),
        ],
        [
            *push(NAME),
            call("ecs", "UpdateService", cluster=NAME, service=PREVIEW),
            call("ecs", "RegisterTaskDefinition", **{**REGISTER, "taskRoleArn": role("build")}),
            call("ecs", "RegisterTaskDefinition", **{**REGISTER, "family": OTHER}),
            call("ecs", "DeleteService", **SERVICE),
            call("codebuild", "StartBuild", projectName=f"{OTHER}-build"),
            call("s3", "DeleteObject", Bucket=BUCKET, Key="run/Source/1.zip"),
        ],
    ),
}

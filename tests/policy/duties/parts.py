"""Names, ARNs and calls of which the duties of roles are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.names import Names
from tests.policy.judge import Asked, act, call
from tests.unit.infra.recorder import ACCOUNT, REGION

NAME = "fargate-cd-dev"

NAMES = Names("fargate-cd", "dev", REGION)

PREVIEW = f"{NAME}-preview-login"

OTHER = "fargate-cd-prod"

HERE = f"{REGION}:{ACCOUNT}"

BUCKET = f"{NAME}-artifacts-{REGION}-{ACCOUNT}"

SECRET = f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf"

SIDECAR = "team/collector"
"""The repository of the sidecar's image."""

OTHER_SECRET = f"arn:aws:secretsmanager:{HERE}:secret:other-AbCdEf"

KEY = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"

LAYER = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Duties:
    """What a role is for.

    Attributes:
        must: calls that it makes.
        never: calls that it must be refused.
    """

    must: Sequence[Asked]
    never: Sequence[Asked]


def role(purpose: str) -> str:
    """The ARN of a role of the stack."""
    return f"arn:aws:iam::{ACCOUNT}:role/{NAME}-{purpose}-{REGION}"


def write_log(group: str) -> list[Asked]:
    """Make a stream in a log group, and write to it."""
    stream = {"logGroupName": group, "logStreamName": "app/app/1"}
    return [
        call("logs", "CreateLogStream", **stream),
        call("logs", "PutLogEvents", **stream, logEvents=[]),
    ]


def pull(repository: str) -> list[Asked]:
    """What the container agent and Docker call to pull an image."""
    named = {"repositoryName": repository}
    return [
        call("ecr", "GetAuthorizationToken"),
        call("ecr", "BatchCheckLayerAvailability", **named, layerDigests=[LAYER]),
        call("ecr", "BatchGetImage", **named, imageIds=[]),
        call("ecr", "GetDownloadUrlForLayer", **named, layerDigest=LAYER),
    ]


def push(repository: str) -> list[Asked]:
    """What Docker calls to push an image."""
    named = {"repositoryName": repository}
    return [
        call("ecr", "InitiateLayerUpload", **named),
        call("ecr", "UploadLayerPart", **named),
        call("ecr", "CompleteLayerUpload", **named),
        call("ecr", "PutImage", **named, imageManifest="{}"),
    ]


def on_object(key: str, *operations: str, bucket: str = BUCKET) -> list[Asked]:
    """Calls on an object; `GetObject` with and without a version."""
    named = {"Bucket": bucket, "Key": key}
    found = [call("s3", operation, **named) for operation in operations]
    if "GetObject" in operations:
        found.append(call("s3", "GetObject", **named, VersionId="1"))
    return found


def read_secrets() -> list[Asked]:
    """What ECS calls to inject secrets."""
    return [
        call("secretsmanager", "GetSecretValue", SecretId=SECRET),
        call("ssm", "GetParameters", Names=["/team/flag", "/team/collector"]),
    ]


OTHER_PEOPLES = [
    call("secretsmanager", "GetSecretValue", SecretId=OTHER_SECRET),
    call("ssm", "GetParameters", Names=["/team/other"]),
    call("ecs", "UpdateService", cluster=NAME, service=NAME),
    call("iam", "CreateRole", RoleName="mine"),
    *write_log("/ecs/fargate-cd-prod/app"),
    *push(OTHER),
]
"""What no role of a task or a build may do."""

CHANNELS = [
    act(f"ssmmessages:{verb}{kind}Channel")
    for verb in ("Create", "Open")
    for kind in ("Control", "Data")
]
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html"""

"""IAM documents of the delivery: the builds, the pipeline, and the topic that reports it."""

from __future__ import annotations

from collections.abc import Sequence

from infra.account import Account
from infra.names import RELEASE_MARKS, Names
from infra.policies import statements, tasks

PUSH_ACTIONS = (
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
USE_CONNECTION = ("codeconnections:UseConnection", "codestar-connections:UseConnection")
"""The service has two names, and which one it asks for depends on the action and the region:
https://docs.aws.amazon.com/dtconsole/latest/userguide/rename.html"""

READ_OBJECT = ("s3:GetObject", "s3:GetObjectVersion")
READ_KEY = ("kms:Decrypt",)
WRITE_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
"""What S3 asks of whoever reads and writes objects under a customer's key; a large object is
written in parts, which S3 decrypts to put them together.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"""


def artifact_key(key_arn: str, uses: Sequence[str]) -> list[statements.Statement]:
    """The use of the artifacts' key; none where S3 encrypts them with a key of its own."""
    return [statements.allow("ArtifactKey", uses, [key_arn])] if key_arn else []


def both_names(connection_arn: str) -> list[str]:
    """A connection's ARN under both names of its service."""
    arn, partition, _, rest = connection_arn.split(":", 3)
    return [":".join((arn, partition, action.partition(":")[0], rest)) for action in USE_CONNECTION]


def build_trust(account: Account, project: str) -> statements.Document:
    """Who may take on a build's role: CodeBuild, for that project.

    https://docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
    """
    source = account.arn("codebuild", f"project/{project}")
    return statements.trust("codebuild", account, source)


def pipeline_trust(account: Account, pipeline: str) -> statements.Document:
    """Who may take on the pipeline's role: CodePipeline, for that pipeline."""
    source = account.arn("codepipeline", pipeline)
    return statements.trust("codepipeline", account, source)


def test_build(log_group_arn: str, source_objects: str, key_arn: str) -> statements.Document:
    """What the tests do: write their log, read the source."""
    return statements.document(
        *tasks.log([log_group_arn]),
        statements.allow("Source", READ_OBJECT, [source_objects]),
        *artifact_key(key_arn, READ_KEY),
    )


def image_build(
    log_group_arn: str,
    source_objects: str,
    image_objects: str,
    repository_arn: str,
    cache_arn: str,
    secret_arns: Sequence[str] = (),
    key_arn: str = "",
) -> statements.Document:
    """What the build does: write its log, read source and secrets, push the image and its cache.

    Args:
        log_group_arn: without the trailing `:*`.
        source_objects: the source artifacts in the bucket.
        image_objects: where the image definitions are put.
        repository_arn: the repository of the images.
        cache_arn: the repository of the build cache.
        secret_arns: the secrets of the build.
        key_arn: the key of the artifacts; empty for S3's own.
    """
    both = [repository_arn, cache_arn]
    secrets = tasks.read_secrets(secret_arns)
    return statements.document(
        *tasks.log([log_group_arn]),
        statements.allow("Source", READ_OBJECT, [source_objects]),
        statements.allow("Result", ["s3:PutObject"], [image_objects]),
        *artifact_key(key_arn, WRITE_KEY),
        statements.allow("Login", ["ecr:GetAuthorizationToken"], ["*"]),
        statements.allow("PullAndPush", [*tasks.PULL_ACTIONS, *PUSH_ACTIONS], both),
        statements.allow("Digest", ["ecr:DescribeImages"], [repository_arn]),
        *(statement for service in sorted(secrets) for statement in secrets[service]),
    )


def release_command(
    account: Account,
    log_group_arn: str,
    image_objects: str,
    names: Names,
    task_role_arns: Sequence[str],
    key_arn: str = "",
) -> statements.Document:
    """What the release command's build does: run one task of the new image, and read its log.

    Args:
        account: where the service is.
        log_group_arn: the build's log group, without the trailing `:*`.
        image_objects: the image definitions in the bucket.
        names: the stack's names.
        task_role_arns: the roles of a task.
        key_arn: the key of the artifacts; empty for S3's own.
    """
    cluster, group = names.cluster, f"log-group:{names.log_group}"
    containers = account.arn("ecs", f"container-instance/{cluster}/*")
    streams = account.arn("logs", f"{group}:log-stream")
    return statements.document(
        *tasks.log([log_group_arn]),
        statements.allow("Image", READ_OBJECT, [image_objects]),
        *artifact_key(key_arn, READ_KEY),
        statements.allow(
            "Service",
            ["ecs:DescribeServices"],
            [account.arn("ecs", f"service/{cluster}/{names.service}")],
        ),
        statements.allow("ReadRevision", ["ecs:DescribeTaskDefinition"], ["*"]),
        statements.allow(
            "Register",
            ["ecs:RegisterTaskDefinition"],
            [account.arn("ecs", f"task-definition/{names.release_family}:*")],
        ),
        tasks.run_tasks(account, cluster, names.release_family),
        statements.pass_roles("PassTaskRoles", account, task_role_arns, "ecs-tasks"),
        # AWS asks for container instances also where there are none.
        statements.allow("ListTasks", ["ecs:ListTasks"], [containers]),
        statements.allow("Tasks", ["ecs:DescribeTasks"], [account.arn("ecs", f"task/{cluster}/*")]),
        statements.allow("Marks", ["logs:DescribeLogStreams"], [account.arn("logs", f"{group}:*")]),
        statements.allow("MarkRelease", ["logs:CreateLogStream"], [f"{streams}:{RELEASE_MARKS}*"]),
        statements.allow("TaskLog", ["logs:GetLogEvents"], [f"{streams}:app/*"]),
    )


def pipeline(
    account: Account,
    bucket_arn: str,
    project_arns: Sequence[str],
    deployment: tuple[str, Sequence[str]],
    task_role_arns: Sequence[str],
    connection_arn: str,
    key_arn: str = "",
) -> statements.Document:
    """What the pipeline does: pass artifacts on, start the builds, deploy to the services.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECS.html

    Args:
        account: where the service is.
        bucket_arn: the artifacts' bucket.
        project_arns: the test and the build.
        deployment: the cluster's and the services' names; these name the tasks' families, too.
        task_role_arns: the roles of a task.
        connection_arn: the connection to GitHub; empty where a webhook starts the pipeline.
        key_arn: the key of the artifacts; empty for S3's own.
    """
    cluster, services = deployment
    revisions = [account.arn("ecs", f"task-definition/{service}:*") for service in services]
    rows = [
        statements.allow("Artifacts", [*READ_OBJECT, "s3:PutObject"], [f"{bucket_arn}/*"]),
        statements.allow("ArtifactBucket", ["s3:GetBucketVersioning"], [bucket_arn]),
        *artifact_key(key_arn, WRITE_KEY),
        statements.allow(
            "Builds", ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], project_arns
        ),
        statements.allow(
            "Service",
            ["ecs:DescribeServices", "ecs:UpdateService"],
            [account.arn("ecs", f"service/{cluster}/{service}") for service in services],
        ),
        statements.allow("ReadRevision", ["ecs:DescribeTaskDefinition"], ["*"]),
        statements.allow("Register", ["ecs:RegisterTaskDefinition"], revisions),
        {
            **statements.allow("TagRevision", ["ecs:TagResource"], revisions),
            "Condition": {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}},
        },
        statements.pass_roles("PassTaskRoles", account, task_role_arns, "ecs-tasks"),
    ]
    if connection_arn:
        rows.append(statements.allow("Connection", USE_CONNECTION, both_names(connection_arn)))
    return statements.document(*rows)


def topic(account: Account, topic_arn: str, publishers: str) -> statements.Document:
    """A topic's policy: the stack's own alarms may publish, and EventBridge; nobody without TLS.

    EventBridge tells no source, so that a condition would refuse its messages:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html

    Args:
        account: whose alarms.
        topic_arn: the topic.
        publishers: how their names begin.
    """
    alarms = account.arn("cloudwatch", f"alarm:{publishers}*")
    publish = ["sns:Publish"]
    return statements.document(
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            **statements.allow("Events", publish, [topic_arn]),
            "Principal": {"Service": account.principal("events")},
        },
        {
            **statements.allow("Cloudwatch", publish, [topic_arn]),
            "Principal": {"Service": account.principal("cloudwatch")},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account.account_id},
                "ArnLike": {"aws:SourceArn": alarms},
            },
        },
    )

"""IAM documents of the delivery: the builds, the pipeline, and the topic that reports it."""

from __future__ import annotations

from collections.abc import Sequence

from infra.account import Account
from infra.policies import statements as policies

PUSH_ACTIONS = (
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
READ_OBJECT = ("s3:GetObject", "s3:GetObjectVersion")


def build_trust(account: Account, project: str) -> policies.Document:
    """Who may take on a build's role: CodeBuild, for that project.

    https://docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
    """
    source = account.arn("codebuild", f"project/{project}")
    return policies.trust("codebuild.amazonaws.com", account, source)


def pipeline_trust(account: Account, pipeline: str) -> policies.Document:
    """Who may take on the pipeline's role: CodePipeline, for that pipeline."""
    source = account.arn("codepipeline", pipeline)
    return policies.trust("codepipeline.amazonaws.com", account, source)


def test_build(log_group_arn: str, source_objects: str) -> policies.Document:
    """What the tests do: write their log, read the source."""
    return policies.document(
        *policies.log([log_group_arn]),
        policies.allow("Source", READ_OBJECT, [source_objects]),
    )


def image_build(
    log_group_arn: str,
    source_objects: str,
    image_objects: str,
    repository_arn: str,
    cache_arn: str,
) -> policies.Document:
    """What the build does: write its log, read the source, push the image and its cache.

    Args:
        log_group_arn: without the trailing `:*`.
        source_objects: the source artifacts in the bucket.
        image_objects: where the image definitions are put.
        repository_arn: the repository of the images.
        cache_arn: the repository of the build cache.
    """
    both = [repository_arn, cache_arn]
    return policies.document(
        *policies.log([log_group_arn]),
        policies.allow("Source", READ_OBJECT, [source_objects]),
        policies.allow("Result", ["s3:PutObject"], [image_objects]),
        policies.allow("Login", ["ecr:GetAuthorizationToken"], ["*"]),
        policies.allow("PullAndPush", [*policies.PULL_ACTIONS, *PUSH_ACTIONS], both),
        policies.allow("Digest", ["ecr:DescribeImages"], [repository_arn]),
    )


def pipeline(
    account: Account,
    bucket_arn: str,
    project_arns: Sequence[str],
    deployment: tuple[str, str],
    task_role_arns: Sequence[str],
    connection_arn: str,
) -> policies.Document:
    """What the pipeline does: pass artifacts on, start the builds, deploy to the one service.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECS.html

    Args:
        account: where the service is.
        bucket_arn: the artifacts' bucket.
        project_arns: the test and the build.
        deployment: the cluster's and the service's name; the latter names the tasks' family, too.
        task_role_arns: the roles of a task.
        connection_arn: the connection to GitHub; empty where a webhook starts the pipeline.
    """
    cluster, service = deployment
    revisions = account.arn("ecs", f"task-definition/{service}:*")
    statements = [
        policies.allow("Artifacts", [*READ_OBJECT, "s3:PutObject"], [f"{bucket_arn}/*"]),
        policies.allow("ArtifactBucket", ["s3:GetBucketVersioning"], [bucket_arn]),
        policies.allow(
            "Builds", ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], project_arns
        ),
        policies.allow(
            "Service",
            ["ecs:DescribeServices", "ecs:UpdateService"],
            [account.arn("ecs", f"service/{cluster}/{service}")],
        ),
        policies.allow("ReadRevision", ["ecs:DescribeTaskDefinition"], ["*"]),
        policies.allow("Register", ["ecs:RegisterTaskDefinition"], [revisions]),
        {
            **policies.allow("TagRevision", ["ecs:TagResource"], [revisions]),
            "Condition": {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}},
        },
        {
            **policies.allow("PassTaskRoles", ["iam:PassRole"], sorted(task_role_arns)),
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        },
    ]
    if connection_arn:
        use = f"{connection_arn.split(':')[2]}:UseConnection"
        statements.append(policies.allow("Connection", [use], [connection_arn]))
    return policies.document(*statements)


def topic(account: Account, topic_arn: str, publishers: str) -> policies.Document:
    """A topic's policy: the stack's own rules and alarms may publish, and nobody without TLS.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html

    Args:
        account: whose rules and alarms.
        topic_arn: the topic.
        publishers: how their names begin.
    """
    sources = {
        "events": account.arn("events", f"rule/{publishers}*"),
        "cloudwatch": account.arn("cloudwatch", f"alarm:{publishers}*"),
    }
    return policies.document(
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        *(
            {
                **policies.allow(service.capitalize(), ["sns:Publish"], [topic_arn]),
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account.account_id},
                    "ArnLike": {"aws:SourceArn": source},
                },
            }
            for service, source in sources.items()
        ),
    )

"""What each role of the program must be able to do, and must not, in one table; no Docker.

Each call is judged as the local cloud judges it: with tags, passed roles, and the further actions
that AWS demands for it. Every action and every resource that a policy grants is needed by a row, so
one that is dropped fails, and so does one that nobody needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pytest

from infra.names import Names
from tests.policy.judge import Asked, Judge, act, call, tagged
from tests.policy.matrix import EVERYTHING, MATRIX, REPOSITORY, SAID, recorded
from tests.policy.test_previews import preview
from tests.unit.infra.recorder import ACCOUNT, REGION, record

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

SESSION_LOG = f"/ecs/{NAME}/exec"

SESSIONS = Duties(
    [
        *CHANNELS,
        call("logs", "DescribeLogGroups"),
        call("logs", "DescribeLogStreams", logGroupName=SESSION_LOG),
        *write_log(SESSION_LOG),
        call("kms", "Decrypt", KeyId=KEY),
    ],
    [*OTHER_PEOPLES, *read_secrets(), *pull(NAME), *write_log(f"/ecs/{NAME}/app")],
)

QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"
MESSAGE = {"QueueUrl": QUEUE_URL, "ReceiptHandle": "1"}

RUNNING = Duties(
    [
        *SESSIONS.must,
        call("sqs", "ReceiveMessage", QueueUrl=QUEUE_URL),
        call("sqs", "DeleteMessage", **MESSAGE),
        call("sqs", "ChangeMessageVisibility", **MESSAGE, VisibilityTimeout=1),
        call("sqs", "GetQueueAttributes", QueueUrl=QUEUE_URL),
    ],
    [
        *SESSIONS.never,
        call("sqs", "ReceiveMessage", QueueUrl=QUEUE_URL.replace("orders", "others")),
        call("sqs", "SendMessage", QueueUrl=QUEUE_URL, MessageBody="x"),
        call("sqs", "PurgeQueue", QueueUrl=QUEUE_URL),
    ],
)

STARTING: Mapping[str, Duties] = {
    "execution": Duties(
        [*pull(NAME), *pull(SIDECAR)[1:], *write_log(f"/ecs/{NAME}/app"), *read_secrets()],
        [*OTHER_PEOPLES, *push(NAME), *pull(OTHER)[1:], *write_log(SESSION_LOG), *CHANNELS],
    ),
    "previews": Duties(
        [
            *pull(NAME),
            *pull(f"{NAME}-previews"),
            *pull(SIDECAR)[1:],
            *write_log(f"/ecs/{NAME}/preview/login/app"),
            *read_secrets(),
        ],
        [*OTHER_PEOPLES, *push(NAME), *write_log(f"/ecs/{NAME}/app")],
    ),
    "previews-task": RUNNING,
    "task": RUNNING,
    "flow-logs": Duties(
        [
            call("logs", "DescribeLogGroups"),
            call("logs", "DescribeLogStreams", logGroupName=f"/ecs/{NAME}/network"),
            *write_log(f"/ecs/{NAME}/network"),
        ],
        write_log(f"/ecs/{NAME}/app"),
    ),
}


def targets(suffix: str) -> str:
    """The ARN of a target group."""
    return f"arn:aws:elasticloadbalancing:{HERE}:targetgroup/{suffix}/73e2d6bc24d8a067"


RULE = f"arn:aws:elasticloadbalancing:{HERE}:listener-rule/app/lb/50dc6c495c0c9188/f2f7/9683"
CIDR = "10.0.0.0/16"
GROUPS = [NAMES.target_group(CIDR), NAMES.alternate_target_group(CIDR)]

SHIFTING = Duties(
    [
        *(
            call("elbv2", f"Describe{what}")
            for what in ("Listeners", "Rules", "TargetGroups", "TargetHealth")
        ),
        *(
            call("elbv2", verb, TargetGroupArn=targets(group), Targets=[])
            for group in GROUPS
            for verb in ("DeregisterTargets", "RegisterTargets")
        ),
        call("elbv2", "ModifyRule", RuleArn=RULE),
    ],
    [
        call("elbv2", "ModifyRule", RuleArn=RULE.replace("9683", "1")),
        call("elbv2", "DeregisterTargets", TargetGroupArn=targets("other"), Targets=[]),
        call("elbv2", "DeleteTargetGroup", TargetGroupArn=targets(GROUPS[0])),
    ],
)

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

ELB = f"arn:aws:elasticloadbalancing:{HERE}"
BALANCER_NAME = NAMES.load_balancer(CIDR)
BALANCER = f"{ELB}:loadbalancer/app/{BALANCER_NAME}/50dc"
LISTENER = f"{ELB}:listener/app/{BALANCER_NAME}/50dc/f2f7"
PREVIEW_RULE = f"{ELB}:listener-rule/app/{BALANCER_NAME}/50dc/f2f7/96"
PREVIEW_TARGETS = targets("preview-group")
STATE = "team-state"

LOOKING = [
    call("application-autoscaling", "DescribeScalableTargets", ServiceNamespace="ecs"),
    call("cloudwatch", "GetMetricStatistics", Namespace="AWS/ECS", MetricName="CPUUtilization"),
    call("ec2", "DescribeSecurityGroupRules"),
    call("ec2", "DescribeSecurityGroups"),
    call("ecs", "DeregisterTaskDefinition", taskDefinition="f:1"),
    call("ecs", "DescribeTaskDefinition", taskDefinition="f:1"),
    call("ecs", "ListServices", cluster=NAME),
    call("ecs", "ListTaskDefinitions"),
    call("elbv2", "DescribeListenerAttributes", ListenerArn=LISTENER),
    call("elbv2", "DescribeListeners"),
    call("elbv2", "DescribeLoadBalancers"),
    call("elbv2", "DescribeRules"),
    call("elbv2", "DescribeTags", ResourceArns=[LISTENER]),
    call("elbv2", "DescribeTargetGroupAttributes", TargetGroupArn=PREVIEW_TARGETS),
    call("elbv2", "DescribeTargetGroups"),
    call("elbv2", "DescribeTargetHealth", TargetGroupArn=PREVIEW_TARGETS),
    call("logs", "DescribeLogGroups"),
    call("resourcegroupstaggingapi", "GetResources"),
    call("ecs", "ListTasks", cluster=NAME),
    call("ecs", "DescribeTasks", cluster=NAME, tasks=["1"]),
    call("secretsmanager", "ListSecretVersionIds", SecretId=SECRET),
    call("ssm", "GetParameter", Name="/team/flag"),
    call("ssm", "GetParameter", Name="/team/collector"),
]
"""What the program and the driver ask in every workflow."""


def deployments(service: str) -> list[Asked]:
    """What the driver asks of a deployment."""
    start = f"arn:aws:ecs:{HERE}:service"
    return [
        call(
            "ecs",
            "DescribeServiceDeployments",
            serviceDeploymentArns=[f"{start}-deployment/{NAME}/{service}/1"],
        ),
        call(
            "ecs",
            "DescribeServiceRevisions",
            serviceRevisionArns=[f"{start}-revision/{NAME}/{service}/1"],
        ),
        call("ecs", "ListServiceDeployments", cluster=NAME, service=service),
        call("ecs", "DescribeServices", cluster=NAME, services=[service]),
        call("ecs", "UpdateService", cluster=NAME, service=service, taskDefinition=f"{service}:2"),
    ]


def read_log(group: str) -> list[Asked]:
    """What the driver reads for a diagnosis."""
    return [
        call("logs", "DescribeLogStreams", logGroupName=group),
        call("logs", "GetLogEvents", logGroupName=group, logStreamName="app/app/1"),
    ]


def push_by_docker(repository: str) -> list[Asked]:
    """What Docker and the program call to push an image and to tell its digest."""
    named = {"repositoryName": repository}
    return [
        *pull(repository),
        *push(repository),
        call("ecr", "DescribeImages", **named),
        call("ecr", "ListImages", **named),
        call("ecr", "DescribeRepositories", repositoryNames=[repository]),
    ]


def keep_state(folder: str) -> list[Asked]:
    """What Pulumi does to a state in a bucket."""
    file = f"{folder}.pulumi/stacks/a.json"
    return [
        call("s3", "ListObjectsV2", Bucket=STATE, Prefix=f"{folder}.pulumi/stacks/"),
        *(
            call("s3", operation, Bucket=STATE, Key=file)
            for operation in ("GetObject", "PutObject", "DeleteObject")
        ),
    ]


def run_command(service: str, group: str) -> list[Asked]:
    """What `up` calls for the release command, and to remember that it has run."""
    return [
        call("ecs", "RunTask", cluster=NAME, taskDefinition=f"{service}:2"),
        call("logs", "CreateLogStream", logGroupName=group, logStreamName="release-command/1"),
    ]


STRANGERS = [
    call("iam", "CreateRole", RoleName="mine"),
    call("iam", "PutRolePolicy", RoleName=f"{NAME}-task", PolicyName="more"),
    call("secretsmanager", "GetSecretValue", SecretId=SECRET),
    call("ssm", "GetParameters", Names=["/team/flag"]),
    call("secretsmanager", "ListSecretVersionIds", SecretId=OTHER_SECRET),
    call("ecs", "RegisterTaskDefinition", **{**REGISTER, "executionRoleArn": role("build")}),
    call("ecs", "UpdateService", cluster="other", service=NAME),
    *push(OTHER),
    *read_log("/ecs/fargate-cd-prod/app"),
]
"""What no workflow may do."""

PROMOTED_FROM = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/fargate-cd-staging"
PROMOTE = pull("fargate-cd-staging")[2:]
"""What `up` calls to read the image that it copies into the own repository."""

RELEASING = Duties(
    [
        *LOOKING,
        *PROMOTE,
        *push_by_docker(NAME),
        *(
            each
            for name in SERVICES
            for each in (
                call("ecs", "RegisterTaskDefinition", **{**REGISTER, "family": name}),
                *deployments(name),
            )
        ),
        *read_log(f"/ecs/{NAME}/app"),
        *run_command(NAME, f"/ecs/{NAME}/app"),
        *keep_state(""),
        call("ec2", "DescribeAvailabilityZones"),
        call("route53", "ListHostedZones"),
        call("route53", "ListHostedZonesByName"),
        call("route53", "GetHostedZone", Id="Z1"),
        call("route53", "ListResourceRecordSets", HostedZoneId="Z1"),
        call("route53", "ListTagsForResource", ResourceType="hostedzone", ResourceId="Z1"),
    ],
    [
        *STRANGERS,
        *push("fargate-cd-staging"),
        call("ecs", "DeleteService", **SERVICE),
        call("ecr", "BatchDeleteImage", repositoryName=NAME, imageIds=[]),
        call("route53", "ChangeResourceRecordSets", HostedZoneId="Z1"),
        call("elbv2", "DeleteListener", ListenerArn=LISTENER),
        call("s3", "GetObject", Bucket="other-state", Key=".pulumi/stacks/a.json"),
    ],
)

PREVIEW_TAGS = {"project": "fargate-cd", "stack": "dev-preview-login", "environment": "dev"}
ELB_TAGS = [{"Key": key, "Value": value} for key, value in PREVIEW_TAGS.items()]
OTHER_PROJECTS_TAGS = {**PREVIEW_TAGS, "project": "shop"}
OTHER_PROJECTS_ELB_TAGS = [
    {"Key": key, "Value": value} for key, value in OTHER_PROJECTS_TAGS.items()
]
PREVIEW_LOG = f"/ecs/{NAME}/preview/login/app"
PREVIEW_DEFINITION = {
    "family": PREVIEW,
    "taskRoleArn": role("previews-task"),
    "executionRoleArn": role("previews"),
    "tags": [{"key": key, "value": value} for key, value in PREVIEW_TAGS.items()],
}
PREVIEW_REPOSITORY = f"{NAME}-previews"


def of_previews(*asked: Asked) -> list[Asked]:
    """The same calls on resources that carry a preview's tags."""
    return [tagged(each, **PREVIEW_TAGS) for each in asked]


def of_the_environment(*asked: Asked) -> list[Asked]:
    """The same calls on resources that carry the environment's tags."""
    return [tagged(each, stack="dev", environment="dev") for each in asked]


THE_ENVIRONMENTS = [
    *push(NAME),
    *pull(NAME)[1:],
    call("ecr", "BatchDeleteImage", repositoryName=NAME, imageIds=[]),
    call("ecs", "RegisterTaskDefinition", **{**PREVIEW_DEFINITION, "family": NAME}),
    *(
        call("ecs", "RegisterTaskDefinition", **{**PREVIEW_DEFINITION, member: role(purpose)})
        for member in ("taskRoleArn", "executionRoleArn")
        for purpose in ("execution", "task", "pipeline", "build", "github-deploy")
    ),
    *deployments(NAME),
    call("ecs", "StopTask", cluster=NAME, task="1"),
    call("ecs", "ExecuteCommand", cluster=NAME, task="1", command="sh", interactive=True),
    *run_command(NAME, f"/ecs/{NAME}/app"),
    *read_log(f"/ecs/{NAME}/app"),
    *read_log(SESSION_LOG),
    *read_log(f"/ecs/{NAME}/build"),
    call("logs", "DeleteLogGroup", logGroupName=f"/ecs/{NAME}/app"),
    call("logs", "PutRetentionPolicy", logGroupName=f"/ecs/{NAME}/app", retentionInDays=1),
    *keep_state(""),
    *keep_state("previews/prod/"),
    call("s3", "ListObjectsV2", Bucket=STATE),
    *on_object("run/Source/1.zip", "GetObject", "PutObject"),
    call("kms", "Decrypt", KeyId=KEY),
    call("ssm", "GetParametersByPath", Path="/"),
    call("ec2", "AuthorizeSecurityGroupIngress", GroupId="firewall-load-balancer-id"),
    call("ec2", "RevokeSecurityGroupIngress", GroupId="firewall-load-balancer-id"),
    call("ec2", "RevokeSecurityGroupIngress", GroupId="firewall-tasks-id"),
    call("elbv2", "CreateListener", LoadBalancerArn=BALANCER, Tags=ELB_TAGS),
    call("elbv2", "CreateRule", ListenerArn=LISTENER, Tags=[{"Key": "stack", "Value": "dev"}]),
    call("elbv2", "CreateRule", ListenerArn=LISTENER),
    call("elbv2", "CreateRule", ListenerArn=LISTENER, Tags=OTHER_PROJECTS_ELB_TAGS),
    call("elbv2", "CreateTargetGroup", Name="preview-group", Tags=OTHER_PROJECTS_ELB_TAGS),
    tagged(call("elbv2", "DeleteRule", RuleArn=PREVIEW_RULE), **OTHER_PROJECTS_TAGS),
    tagged(
        call("elbv2", "DeleteTargetGroup", TargetGroupArn=PREVIEW_TARGETS), **OTHER_PROJECTS_TAGS
    ),
    call("codepipeline", "StartPipelineExecution", name=NAME),
    call("codebuild", "StartBuild", projectName=f"{NAME}-build"),
]
"""What is the environment's, and so no preview's workflow may touch."""

PREVIEWING = Duties(
    [
        *LOOKING,
        *push_by_docker(PREVIEW_REPOSITORY),
        call("ecr", "BatchDeleteImage", repositoryName=PREVIEW_REPOSITORY, imageIds=[]),
        call("ecs", "RegisterTaskDefinition", **PREVIEW_DEFINITION),
        call("ecs", "DeleteTaskDefinitions", taskDefinitions=[f"{PREVIEW}:1"]),
        call(
            "ecs",
            "CreateService",
            cluster=NAME,
            serviceName=PREVIEW,
            taskDefinition=f"{PREVIEW}:1",
            tags=PREVIEW_DEFINITION["tags"],
        ),
        call("ecs", "DeleteService", cluster=NAME, service=PREVIEW),
        *deployments(PREVIEW),
        *read_log(PREVIEW_LOG),
        *run_command(PREVIEW, PREVIEW_LOG),
        call("logs", "CreateLogGroup", logGroupName=PREVIEW_LOG, tags=PREVIEW_TAGS),
        call("logs", "PutRetentionPolicy", logGroupName=PREVIEW_LOG, retentionInDays=3),
        call(
            "logs",
            "ListTagsForResource",
            resourceArn=f"arn:aws:logs:{HERE}:log-group:{PREVIEW_LOG}",
        ),
        call("logs", "DeleteLogGroup", logGroupName=PREVIEW_LOG),
        *keep_state("previews/dev/"),
        call("ssm", "GetParametersByPath", Path=f"/{NAME}-previews"),
        call("elbv2", "CreateTargetGroup", Name="preview-group", Tags=ELB_TAGS),
        call("elbv2", "CreateRule", ListenerArn=LISTENER, Tags=ELB_TAGS),
        *of_previews(
            *(
                call("elbv2", operation, TargetGroupArn=PREVIEW_TARGETS)
                for operation in (
                    "DeleteTargetGroup",
                    "ModifyTargetGroup",
                    "ModifyTargetGroupAttributes",
                )
            ),
            call("elbv2", "AddTags", ResourceArns=[PREVIEW_TARGETS], Tags=ELB_TAGS),
            call("elbv2", "DeleteRule", RuleArn=PREVIEW_RULE),
            call("elbv2", "ModifyRule", RuleArn=PREVIEW_RULE),
        ),
    ],
    [
        *STRANGERS,
        *PROMOTE,
        *THE_ENVIRONMENTS,
        call("ecs", "UpdateService", **SERVICE),
        call("ecs", "DeleteService", **SERVICE),
        call("ecs", "CreateService", cluster=NAME, serviceName=NAME, taskDefinition=f"{PREVIEW}:1"),
        *of_the_environment(
            call("elbv2", "DeleteListener", ListenerArn=LISTENER),
            call("elbv2", "ModifyListener", ListenerArn=LISTENER),
            call("elbv2", "DeleteTargetGroup", TargetGroupArn=targets(GROUPS[0])),
            call("elbv2", "AddTags", ResourceArns=[LISTENER], Tags=ELB_TAGS),
        ),
    ],
)

MACHINE = f"arn:aws:states:{HERE}:stateMachine:{NAME}-nightly"
RULE = "StepFunctionsGetEventsForECSTaskRule"

JOBS = {
    "jobs": Duties(
        [
            call("ecs", "DescribeServices", cluster=NAME, services=[NAME]),
            call("ecs", "RunTask", cluster=NAME, taskDefinition=f"{NAME}:2"),
            call("ecs", "DescribeTasks", cluster=NAME, tasks=["1"]),
            call("ecs", "StopTask", cluster=NAME, task="1"),
            *(
                act(f"events:{verb}", f"arn:aws:events:{HERE}:rule/{RULE}")
                for verb in ("DescribeRule", "PutRule", "PutTargets")
            ),
        ],
        [
            *OTHER_PEOPLES,
            call("ecs", "RunTask", cluster="other", taskDefinition=f"{NAME}:2"),
            call("ecs", "RegisterTaskDefinition", **REGISTER),
            call("events", "PutRule", Name="other"),
        ],
    ),
    "schedules": Duties(
        [call("stepfunctions", "StartExecution", stateMachineArn=MACHINE)],
        [
            *OTHER_PEOPLES,
            call("stepfunctions", "StartExecution", stateMachineArn=f"{MACHINE}-other"),
            call("ecs", "RunTask", cluster=NAME, taskDefinition=f"{NAME}:2"),
        ],
    ),
}

DUTIES: Mapping[str, Duties] = {
    **STARTING,
    "shift": SHIFTING,
    **DELIVERING,
    **JOBS,
    "github-deploy": RELEASING,
    "github-preview": PREVIEWING,
}

NOT_NEEDED: Mapping[tuple[str, str], str] = dict.fromkeys(
    [
        *(
            (purpose, f"SessionLog: arn:aws:logs:{HERE}:log-group:{SESSION_LOG}")
            for purpose in ("task", "previews-task")
        ),
        ("flow-logs", f"WriteLog: arn:aws:logs:{HERE}:log-group:/ecs/{NAME}/network"),
    ],
    "AWS's list names the group itself for DescribeLogStreams, its refusals name the streams",
)
"""Role and grant -> why it stays although the local cloud asks for none such."""


@cache
def judge() -> Judge:
    """The roles with everything on."""
    workflows = {"github_actions": "true", "state_bucket": STATE, "promotes_from": PROMOTED_FROM}
    settings = {**EVERYTHING, **REPOSITORY, **workflows, "github_token": "word"}
    environment = record(settings, further=SAID)
    return Judge.of(environment, preview("everything"))


def cases(kind: str) -> list[tuple[str, Asked]]:
    return [(purpose, each) for purpose, it in DUTIES.items() for each in getattr(it, kind)]


@pytest.mark.parametrize(("purpose", "asked"), cases("must"), ids=str)
def test_a_role_may_do_what_it_is_for(purpose: str, asked: Asked) -> None:
    assert judge().refusal(f"{NAME}-{purpose}-{REGION}", asked) == ""


@pytest.mark.parametrize(("purpose", "asked"), cases("never"), ids=str)
def test_a_role_may_not_do_what_others_are_for(purpose: str, asked: Asked) -> None:
    assert judge().refusal(f"{NAME}-{purpose}-{REGION}", asked) != ""


@pytest.mark.parametrize("purpose", DUTIES)
def test_without_any_one_grant_a_role_fails_at_its_duties(purpose: str) -> None:
    """So no grant is missing from the table, and none is more than the role needs."""
    name = f"{NAME}-{purpose}-{REGION}"
    idle = {
        what
        for what, reduced in judge().reduced(name)
        if not any(reduced.refusal(name, asked) for asked in DUTIES[purpose].must)
    }
    assert idle == {what for role_, what in NOT_NEEDED if role_ == purpose}


def test_every_role_of_the_program_has_its_row() -> None:
    made = {each.inputs["name"] for row in MATRIX for each in recorded(row).of("Role")}
    assert made == {f"{NAME}-{purpose}-{REGION}" for purpose in DUTIES}

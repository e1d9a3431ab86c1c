"""What the roles of GitHub's workflows are for."""

from __future__ import annotations

from tests.policy.duties.delivery import REGISTER, SERVICE, SERVICES
from tests.policy.duties.parts import (
    HERE,
    KEY,
    NAME,
    NAMES,
    OTHER,
    OTHER_SECRET,
    PREVIEW,
    SECRET,
    Duties,
    on_object,
    pull,
    push,
    role,
)
from tests.policy.duties.tasks import CIDR, GROUPS, SESSION_LOG, targets
from tests.policy.judge import Asked, call, tagged
from tests.unit.infra.recorder import ACCOUNT, REGION

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

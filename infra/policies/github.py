"""What workflows of GitHub may do: release into one environment, or make its previews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.account import Account
from infra.names import RELEASE_MARKS
from infra.policies import statements, tasks
from infra.policies.tasks import secret_resource

PUSH_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:ListImages",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
TARGET_GROUP_ACTIONS = ("ec2:DescribeInternetGateways", "ec2:DescribeVpcs")
"""Load balancing asks them of whoever makes a target group:
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-permissions.html"""

DEFINITION_ACTIONS = ("ecs:RegisterTaskDefinition", "ecs:TagResource")
SERVICE_ACTIONS = (
    "ecs:DescribeServices",
    "ecs:ListServiceDeployments",
    "ecs:UpdateService",
)


@dataclass(frozen=True)
class WorkflowScope:
    """What a workflow works on.

    Attributes:
        account: where.
        project: the Pulumi project; another one may have a stack of the same name here.
        stack: the environment's stack.
        name: the beginning of the environment's names.
        repository_arn: where it pushes to.
        cluster_name: where its services run.
        log_groups: the log groups that it reads for a diagnosis, a pattern.
        task_roles: the roles of the tasks, of the environment or of its previews.
        secret_arns: the secrets of the tasks, whose versions are looked up.
        build_secret_arns: the secrets of the build, which are read.
        balancer_name: the load balancer's physical name.
        by_host_name: whether previews are told apart by host names, and not by ports.
        shared_path: the path of the parameter that tells previews what they share.
        state_bucket: the bucket of Pulumi's state; empty where it is kept elsewhere.
        hosted_zone: the zone of the domain; empty where there is none.
        release_command: whether its releases run a command first.
        processes: the environment's services beside that of its own name.
        host_path: the path of the parameter that tells what the environment itself shares with
            another one; empty where it has its own place.
        place_actions: what is asked about a place that exists already.
        promotion_arns: the repository from which images are copied into its own.
    """

    account: Account
    project: str
    stack: str
    name: str
    repository_arn: str
    cluster_name: str
    log_groups: str
    task_roles: Sequence[str]
    secret_arns: Sequence[str]
    build_secret_arns: Sequence[str]
    balancer_name: str
    by_host_name: bool
    shared_path: str
    state_bucket: str
    hosted_zone: str
    release_command: bool
    processes: Sequence[str] = ()
    host_path: str = ""
    place_actions: Sequence[str] = ()
    promotion_arns: Sequence[str] = ()


VERSION_ACTIONS = {
    "secretsmanager": "secretsmanager:ListSecretVersionIds",
    "ssm": "ssm:GetParameter",
}
"""What the program asks so that a rotated secret starts the tasks anew; never for a secret's value.
A parameter that is no SecureString is read with its value."""


VALUE_ACTIONS = {
    "secretsmanager": "secretsmanager:GetSecretValue",
    "ssm": "ssm:GetParameter",
}
"""What the program asks for the value of a build's secret."""


def _secrets(scope: WorkflowScope) -> list[statements.Statement]:
    """Ask for the versions of the tasks' secrets, and for the values of the build's."""
    kinds = (
        ("Versions", VERSION_ACTIONS, scope.secret_arns),
        ("Values", VALUE_ACTIONS, scope.build_secret_arns),
    )
    found = []
    for asked, actions, arns in kinds:
        for service, action in actions.items():
            named = sorted({secret_resource(arn) for arn in arns if f":{service}:" in arn})
            if named:
                sid = f"{asked}Of{service.capitalize()}"
                found.append(statements.allow(sid, [action], named))
    return found


def release(scope: WorkflowScope) -> statements.Document:
    """Build and release into the environment, and look how it went; change nothing else."""
    return statements.document(
        *_work(scope, [scope.name, *scope.processes]),
        *_look(scope, [scope.name, *scope.processes]),
        *_plan(scope),
        *_promotion(scope),
        *_secrets(scope),
        *_state(scope, ""),
    )


def preview(scope: WorkflowScope) -> statements.Document:
    """Make, update and destroy previews of the environment; the environment stays out of reach."""
    name = f"{scope.name}-preview-*"
    parameter = scope.account.arn("ssm", f"parameter{scope.shared_path}")
    return statements.document(
        *_work(scope, [name]),
        *_look(scope, [name]),
        *_secrets(scope),
        *_state(scope, preview_state(scope.stack)),
        statements.allow("Shared", ["ssm:GetParametersByPath"], [parameter]),
        statements.allow(
            "Services",
            ["ecs:CreateService", "ecs:DeleteService", "ecs:TagResource"],
            [scope.account.arn("ecs", f"service/{scope.cluster_name}/{name}")],
        ),
        statements.allow(
            "ForgetDefinitions",
            ["ecs:DeleteTaskDefinitions"],
            [scope.account.arn("ecs", f"task-definition/{name}:*")],
        ),
        statements.allow("Images", ["ecr:BatchDeleteImage"], [scope.repository_arn]),
        statements.allow(
            "Logs",
            [
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:ListTagsForResource",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
            ],
            [scope.account.arn("logs", f"log-group:{scope.log_groups}")],
        ),
        statements.allow("NewTargetGroup", TARGET_GROUP_ACTIONS, ["*"]),
        *_routes(scope),
    )


def _work(scope: WorkflowScope, names: Sequence[str]) -> list[statements.Statement]:
    return [
        statements.allow("Login", ["ecr:GetAuthorizationToken"], ["*"]),
        statements.allow("Push", PUSH_ACTIONS, [scope.repository_arn]),
        statements.allow(
            "Definitions",
            DEFINITION_ACTIONS,
            [scope.account.arn("ecs", f"task-definition/{name}:*") for name in names],
        ),
        statements.allow(
            "Release",
            SERVICE_ACTIONS,
            [scope.account.arn("ecs", f"service/{scope.cluster_name}/{name}") for name in names],
        ),
        statements.pass_roles("RolesOfTasks", scope.account, scope.task_roles, "ecs-tasks"),
        *(_release_command(scope, names[0]) if scope.release_command else []),
    ]


def _release_command(scope: WorkflowScope, name: str) -> list[statements.Statement]:
    """Run the release command as a task, and leave word that it has run."""
    account = scope.account
    group = account.arn("logs", f"log-group:{scope.log_groups}:log-stream:{RELEASE_MARKS}*")
    return [
        tasks.run_tasks(account, scope.cluster_name, name),
        statements.allow("MarkRelease", ["logs:CreateLogStream"], [group]),
    ]


LOOK_ACTIONS = (
    "application-autoscaling:DescribeScalableTargets",
    "cloudwatch:GetMetricStatistics",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListServices",
    "ecs:ListTaskDefinitions",
    "elasticloadbalancing:DescribeListenerAttributes",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "logs:DescribeLogGroups",
    "tag:GetResources",
)
"""Calls that know no resources; all but one only look. A deregistered revision can still run."""


def _look(scope: WorkflowScope, names: Sequence[str]) -> list[statements.Statement]:
    cluster = scope.cluster_name
    instances = [scope.account.arn("ecs", f"container-instance/{cluster}/*")]
    deployments = ["ecs:DescribeServiceDeployments", "ecs:DescribeServiceRevisions"]
    return [
        statements.allow("Look", LOOK_ACTIONS, ["*"]),
        # AWS asks for container instances also where there are none.
        statements.allow("ListTasks", ["ecs:ListTasks"], instances),
        statements.allow(
            "Tasks", ["ecs:DescribeTasks"], [scope.account.arn("ecs", f"task/{cluster}/*")]
        ),
        statements.allow(
            "Deployments",
            deployments,
            [
                scope.account.arn("ecs", f"{kind}/{cluster}/{rest}")
                for name in names
                for kind, rest in (
                    ("service", name),
                    ("service-deployment", f"{name}/*"),
                    ("service-revision", f"{name}/*"),
                )
            ],
        ),
        statements.allow(
            "ReadLogs",
            ["logs:DescribeLogStreams", "logs:GetLogEvents"],
            [scope.account.arn("logs", f"log-group:{scope.log_groups}")],
        ),
    ]


ZONE_ACTIONS = ("ec2:DescribeAvailabilityZones",)
HOSTED_ZONE_ACTIONS = ("route53:ListHostedZones", "route53:ListHostedZonesByName")
"""Questions of the program that know no resources."""


PLACE_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "vpc_id": (
        "ec2:DescribeRouteTables",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
    ),
    "cluster_arn": ("ecs:DescribeClusters",),
}
"""The setting that names what exists → what is asked about it before an update."""


def _plan(scope: WorkflowScope) -> list[statements.Statement]:
    """What the program asks of AWS before it describes an environment."""
    asked = [statements.allow("Zones", ZONE_ACTIONS, ["*"])]
    of_network = [each for each in scope.place_actions if each.startswith("ec2:")]
    of_cluster = [each for each in scope.place_actions if each.startswith("ecs:")]
    if of_network:
        asked.append(statements.allow("Place", of_network, ["*"]))
    if of_cluster:
        cluster = scope.account.arn("ecs", f"cluster/{scope.cluster_name}")
        asked.append(statements.allow("Cluster", of_cluster, [cluster]))
    if scope.host_path:
        parameter = scope.account.arn("ssm", f"parameter{scope.host_path}")
        asked.append(statements.allow("SharedPlace", ["ssm:GetParametersByPath"], [parameter]))
    if not scope.hosted_zone:
        return asked
    read = [
        f"route53:{each}"
        for each in ("GetHostedZone", "ListResourceRecordSets", "ListTagsForResource")
    ]
    hosted_zones = scope.account.arn("route53", "hostedzone/*", region="", account_id="")
    return [
        *asked,
        statements.allow("FindHostedZone", HOSTED_ZONE_ACTIONS, ["*"]),
        statements.allow("ReadHostedZone", read, [hosted_zones]),
    ]


def _promotion(scope: WorkflowScope) -> list[statements.Statement]:
    """Read the images that are copied into the environment's own repository."""
    if not scope.promotion_arns:
        return []
    read = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    return [statements.allow("Promotion", read, scope.promotion_arns)]


def preview_state(stack: str) -> str:
    """The folder in the bucket where the state of an environment's previews is kept."""
    return f"previews/{stack}/"


def _state(scope: WorkflowScope, folder: str) -> list[statements.Statement]:
    """Keep the state in one folder of the bucket; the environments' lie at the top."""
    if not scope.state_bucket:
        return []
    bucket = scope.account.arn("s3", scope.state_bucket, region="", account_id="")
    objects = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    return [
        {
            **statements.allow("FindState", ["s3:ListBucket"], [bucket]),
            "Condition": {"StringLike": {"s3:prefix": f"{folder}.pulumi/*"}},
        },
        statements.allow("State", objects, [f"{bucket}/{folder}.pulumi/*"]),
    ]


ROUTES = {
    True: ("Rule", "listener", "listener-rule"),
    False: ("Listener", "loadbalancer", "listener"),
}
"""Whether previews are told apart by host name → what leads to one: its name in the operations, the
kind of what it is made in, and its own kind."""


def _routes(scope: WorkflowScope) -> list[statements.Statement]:
    """Target groups, and listeners or rules, that carry a preview's tag, on one load balancer."""
    route, whole, part = ROUTES[scope.by_host_name]
    depth = {"loadbalancer": "*", "listener": "*/*", "listener-rule": "*/*/*"}

    def arn(kind: str) -> str:
        path = f"{kind}/app/{scope.balancer_name}/{depth[kind]}"
        return scope.account.arn("elasticloadbalancing", path)

    targets = scope.account.arn("elasticloadbalancing", "targetgroup/*/*")
    pattern = f"{scope.stack}-preview-*"
    new, own = (
        {
            "StringEquals": {f"aws:{key}Tag/project": scope.project},
            "StringLike": {f"aws:{key}Tag/stack": pattern},
        }
        for key in ("Request", "Resource")
    )
    creations = [f"Create{route}", "CreateTargetGroup"]
    changes = ["DeleteTargetGroup", "ModifyTargetGroup", "ModifyTargetGroupAttributes"]
    changes += ["AddTags", f"Delete{route}", f"Modify{route}"]
    make = statements.allow("MakeRoutes", _of_elb(creations), [targets, arn(whole)])
    # What is being made has no tags yet to tell it by.
    tag = statements.allow("TagRoutes", _of_elb(["AddTags"]), [targets, arn(part)])
    change = statements.allow("ChangeRoutes", _of_elb(changes), [targets, arn(part)])
    made = {"StringEquals": {"elasticloadbalancing:CreateAction": creations}}
    return [
        {**make, "Condition": new},
        {**tag, "Condition": made},
        {**change, "Condition": own},
    ]


def _of_elb(operations: Sequence[str]) -> list[str]:
    return [f"elasticloadbalancing:{each}" for each in operations]

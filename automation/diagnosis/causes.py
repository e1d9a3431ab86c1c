"""The table of causes of failed deployments, each with what identifies it.

The texts are those of ECS and Elastic Load Balancing, see
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from __future__ import annotations

from dataclasses import dataclass

from automation.diagnosis import matchers
from automation.diagnosis.matchers import Finder


@dataclass(frozen=True)
class Cause:
    """A row of the table of causes.

    Attributes:
        name: short, the same at each run; several rows may tell the same cause from other signs.
        find: whether the facts show it.
        sentence: what to say; `{name}` stands for a value of the match or of the settings.
        setting: the setting or file to change, and how.
    """

    name: str
    find: Finder
    sentence: str
    setting: str


CAUSES: tuple[Cause, ...] = (
    Cause(
        "sidecar's image not pulled",
        matchers.sidecar_image,
        "The image of the sidecar {name} can't be pulled: {image}.",
        "fargate-cd:sidecars: {name}: image: one that exists, for the tasks' architecture; one in "
        "ECR of another account needs that repository's policy",
    ),
    Cause(
        "dependency not met",
        matchers.not_started,
        "The container {name} was not started: its dependency {on} {why}.",
        "fargate-cd:sidecars: {on}: its last log lines tell why (`logs --container {on}`); it must "
        "come to its condition within 120 s",
    ),
    Cause(
        "image for another architecture",
        matchers.says(
            r"CannotPullContainerError.*(no matching manifest|descriptor matching platform"
            r"|descriptor for platform|does not match the (detected|specified))"
        ),
        "The image is not built for the architecture {architecture}.",
        "fargate-cd:architecture: set it to the image's own, or build the image for {architecture}",
    ),
    Cause(
        "image for another architecture",
        matchers.wrong_format,
        "The image is not built for the architecture {architecture}: its program can't be "
        "executed.",
        "fargate-cd:architecture: set it to the image's own, or build the image for {architecture}",
    ),
    Cause(
        "pull denied",
        matchers.says(r"CannotPullContainerError.*(toomanyrequests|429 Too Many|pull rate limit)"),
        "The registry hands out no more images for now: its pull rate limit is reached.",
        "fargate-cd:image: push the image into the stack's own repository and name it there; or "
        "wait",
    ),
    Cause(
        "pull denied",
        matchers.says(
            r"unable to get registry auth.*(AccessDenied|not authorized to perform: "
            r"(?P<action>\S+))"
        ),
        "The registry refuses to hand out the image: the execution role may not log in to it.",
        "infra/policies/tasks.py: allow the execution role ecr:GetAuthorizationToken, "
        "ecr:BatchCheckLayerAvailability, ecr:GetDownloadUrlForLayer and ecr:BatchGetImage",
    ),
    Cause(
        "pull denied",
        matchers.says(
            r"CannotPullContainerError.*(403|forbidden|denied|unauthorized|not authorized"
            r"|no basic auth)"
        ),
        "The registry refuses to hand out the image.",
        "fargate-cd:image: name one in the stack's own repository, or let the execution role pull "
        "it (infra/policies/tasks.py)",
    ),
    Cause(
        "no route to an endpoint",
        matchers.says(
            r"(ResourceInitializationError|CannotPullContainerError).*(i/o timeout"
            r"|deadline exceeded|context deadli|connection issue|dial tcp|no such host"
            r"|network is unreachable|Check your task network configuration)"
        ),
        "A task has no way to an AWS endpoint or a registry that it needs to start.",
        "fargate-cd:egress: public, nat or nat_per_zone; endpoints reach AWS only, so that "
        "fargate-cd:image must be in the stack's own repository",
    ),
    Cause(
        "image not found",
        matchers.says(
            r"CannotPullContainerError.*(not found|manifest unknown|does not exist|resolve ref)"
        ),
        "The image does not exist.",
        "fargate-cd:image (or --image): an image that exists; leave it out to build the app",
    ),
    Cause(
        "secret not readable",
        matchers.unreadable_secret,
        "The secret{secret} that the task needs can't be read{why}.",
        "fargate-cd:secrets: ARNs of secrets that exist, with the value or key that is named",
    ),
    Cause(
        "quota",
        matchers.says(
            r"(reached the limit on|vCPU limit|LimitExceeded|quota (was |is )?exceeded"
            r"|QuotaExceeded|maximum number of [\w ]+ has been reached|TooManyLoadBalancers"
            r"|TooManyTargetGroups|exceeds? the (maximum|limit|quota))"
        ),
        "A quota of the account is used up.",
        "Ask for more in Service Quotas, or lower fargate-cd:max_count or fargate-cd:cpu",
    ),
    Cause(
        "no capacity",
        matchers.interrupted,
        "AWS took a Spot task back.",
        "fargate-cd:spot: false, or fargate-cd:availability_zones: more of them",
    ),
    Cause(
        "no capacity",
        matchers.says(r"(InsufficientFreeAddressesInSubnet|not have enough free (IP )?addresses)"),
        "The tasks' subnets have no free address.",
        "fargate-cd:vpc_cidr: a larger range (it makes a new network), or a lower "
        "fargate-cd:max_count",
    ),
    Cause(
        "no capacity",
        matchers.says(
            r"(capacity is unavailable|no capacity|insufficient capacity|RESOURCE:(CPU|MEMORY))"
        ),
        "AWS has no capacity for the tasks just now.",
        "fargate-cd:spot: false, or fargate-cd:availability_zones: more of them",
    ),
    Cause(
        "out of memory",
        matchers.out_of_memory,
        "The container {name} used more than the {limit} MiB of memory that it may, and was "
        "killed.",
        "fargate-cd:{setting}: {more}",
    ),
    Cause(
        "permission missing",
        matchers.says(r"not authorized to perform:? (?P<action>[a-z0-9-]+:[A-Za-z]+)"),
        "The permission for {action} is missing.",
        "infra/policies/tasks.py: allow {action} on that resource; if your own user was "
        "refused, ask for that permission",
    ),
    Cause(
        "permission missing",
        matchers.says(r"unable to assume the role(?P<action>)"),
        "The permission for sts:AssumeRole is missing: ECS can't take on the task's role.",
        "infra/service/roles.py: the role must exist and trust ecs-tasks.amazonaws.com",
    ),
    Cause(
        "permission missing",
        matchers.denied_in_log,
        "The permission for {action} is missing, as the application's log says.",
        "infra/policies/tasks.py: allow the task role {action} on that resource",
    ),
    Cause(
        "container unhealthy",
        matchers.unhealthy_container,
        "The health check of the container {name} failed.",
        "fargate-cd:{where}health_check_command: one that ends with 0, or a longer startup_seconds",
    ),
    Cause(
        "process exited",
        matchers.exited,
        "The container {name} exited with code {code}.",
        "{what}: its last log lines tell why; {name} must go on running",
    ),
    Cause(
        "health path answered",
        matchers.says(r"Health checks failed with these codes: \[(?P<status>400)\]"),
        "The health path {path} answered {status}: the application may refuse the Host header, "
        "which is the task's own address and port in a health check.",
        "The application: allow every Host on {path} (such as Django's ALLOWED_HOSTS), or "
        "fargate-cd:health_check_path: a path that takes every Host",
    ),
    Cause(
        "health path answered",
        matchers.says(r"Health checks failed with these codes: \[(?P<status>[\d, ]+)\]"),
        "The health path {path} answered {status} instead of 200.",
        "fargate-cd:health_check_path: a path that answers 200, or mend what it answers",
    ),
    Cause(
        "never listened on the port",
        matchers.loopback,
        "Nothing outside the container can reach port {port}: it listens on {host} only.",
        "The application: listen on 0.0.0.0",
    ),
    Cause(
        "healthy too late",
        matchers.too_late,
        "The container listened on port {port}, but too late for the grace period of "
        "{grace} s{after}.",
        matchers.SLOWER,
    ),
    Cause(
        "never listened on the port",
        matchers.other_port,
        "Nothing answered on port {port} of the container{where}.",
        "fargate-cd:container_port: {right}",
    ),
)
"""Every cause that can be told, from what names itself to what must be inferred."""

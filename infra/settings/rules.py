"""Validators of settings: each returns the value or raises what is allowed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from infra.settings.variables import environment as environment
from infra.settings.variables import secrets as secrets

FARGATE_MEMORY: Mapping[int, range | tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
"""CPU units → MiB of memory that Fargate offers with them, see
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
"""


def fargate_cpu(cpu: int) -> str | None:
    """What is wrong with a number of CPU units; None where Fargate offers it."""
    if cpu in FARGATE_MEMORY:
        return None
    return f"must be one of {', '.join(map(str, FARGATE_MEMORY))} (units; 1024 are one vCPU)"


def fargate_memory(cpu: int, memory: int) -> str | None:
    """What is wrong with MiB of memory beside CPU units; None where Fargate offers them."""
    offered = FARGATE_MEMORY.get(cpu)
    if offered is None or memory in offered:
        return None
    if isinstance(offered, tuple):
        allowed = ", ".join(map(str, offered))
    else:
        allowed = f"{offered[0]} to {offered[-1]} in steps of {offered.step}"
    return f"with cpu {cpu} Fargate offers {allowed} MiB"


LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
    1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

RESERVED_TAGS = (
    "project", "stack", "environment", "branch", "creator", "expires", "port", "process",
    "priority",
)  # fmt: skip
MAXIMUM_TAGS = 40
"""AWS allows 50 tags on a resource; the program's own and some spare are kept back."""

_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})")
_SCHEDULE = re.compile(r"(cron|rate|at)\(.+\)")


def health_check_path(value: str) -> str:
    """An absolute path of at most 1024 characters."""
    if not re.fullmatch(r"/[\x21-\x7e]{0,1023}", value):
        raise ValueError("must begin with / and have at most 1024 printable characters, no spaces")
    return value


def image(value: str) -> str:
    """A container image with a tag or a digest, or nothing."""
    if value and not _IMAGE.fullmatch(value):
        raise ValueError("must be an image with a tag or a digest: HOST/NAME:TAG or NAME@sha256:…")
    return value


def repository(value: str) -> str:
    """A repository of ECR as images are named by it, or nothing."""
    if value and not re.fullmatch(r"[a-z0-9.-]+(:\d+)?/[a-z0-9]+([._/-][a-z0-9]+)*", value):
        raise ValueError("must be a repository, HOST/NAME, as `outputs repository_url` names it")
    return value


def words(value: list[str]) -> list[str]:
    """A command and its arguments."""
    if value and not value[0]:
        raise ValueError("must begin with the program to run")
    if any("\0" in word for word in value):
        raise ValueError("must not hold a NUL character")
    return value


def host_name(value: str) -> str:
    """A name in DNS, or nothing."""
    label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if value and (len(value) > 253 or not re.fullmatch(rf"({label}\.)+{label}", value)):
        raise ValueError("must be a host name in lower case, such as app.example.com")
    return value


def certificate_arn(value: str) -> str:
    """The ARN of a certificate of ACM, or nothing."""
    pattern = r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[\w-]+"
    if value and not re.fullmatch(pattern, value):
        raise ValueError("must be the ARN of a certificate of ACM in the stack's region")
    return value


def schedule(value: str) -> str:
    """An expression of Application Auto Scaling."""
    if not _SCHEDULE.fullmatch(value):
        raise ValueError("must be cron(…), rate(…) or at(…)")
    return value


def vpc_cidr(value: str) -> str:
    """A private IPv4 range from /16 to /22, so that every subnet holds a load balancer."""
    network = _network(value)
    if not 16 <= network.prefixlen <= 22 or not network.is_private:
        raise ValueError("must be a private IPv4 range from /16 to /22, such as 10.0.0.0/16")
    return value


def zones(value: list[str]) -> list[str]:
    """Availability zones of a region, or nothing."""
    for zone in value:
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z]+)+-\d[a-z]", zone):
            raise ValueError(f"{zone!r} must be the name of a zone, such as eu-west-1a")
    if value and not 2 <= len(set(value)) == len(value) <= 6:
        raise ValueError("must name 2 to 6 zones, each once: a load balancer needs two")
    return value


def subnet_ids(value: list[str]) -> list[str]:
    """Subnets of EC2, each once."""
    for subnet in value:
        if not re.fullmatch(r"subnet-[0-9a-f]{8,17}", subnet):
            raise ValueError(f"{subnet!r} must be a subnet, such as subnet-0123456789abcdef0")
    if len(set(value)) < len(value):
        raise ValueError("must name each subnet once")
    return value


def route_paths(value: list[str]) -> list[str]:
    """Path patterns of rules of a load balancer.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
    """
    for path in value:
        if not re.fullmatch(r"/[\w.$/~\"'@:+&*?-]{0,127}", path):
            raise ValueError(
                f"{path!r} must begin with / and have at most 128 characters: letters, digits, "
                "_-.$/~\"'@:+& and the wildcards * and ?"
            )
    return value


def route_priority(value: int) -> int:
    """A priority of a rule whose predecessor is free too, or 0."""
    if value and not 2 <= value <= 49_998:
        raise ValueError("must be 2 to 49998, or 0 for one that is allotted")
    return value


def route_hosts(value: list[str]) -> list[str]:
    """Host names of rules of a load balancer, with or without wildcards."""
    for host in value:
        if len(host) > 128 or not re.fullmatch(r"[a-z0-9*?-]+(\.[a-z0-9*?-]+)+", host):
            raise ValueError(
                f"{host!r} must be a host name in lower case, such as api.example.com or "
                "*.example.com"
            )
    return value


def port_range(value: str) -> str:
    """A TCP port, or the first and last one of several."""
    low, _, high = value.partition("-")
    ports = [int(port) if re.fullmatch(r"\d{1,5}", port) else 0 for port in (low, high or low)]
    if not 1 <= ports[0] <= ports[1] <= 65535:
        raise ValueError("must be a port from 1 to 65535, or two of them such as 6379-6380")
    return value


def port_bounds(value: str) -> tuple[int, int]:
    """The first and the last port of a range."""
    low, _, high = value.partition("-")
    return int(low), int(high or low)


def destination(value: str) -> str:
    """An IPv4 range, a prefix list or a security group."""
    if not re.fullmatch(r"(pl|sg)-[0-9a-f]{8,17}", value):
        try:
            _network(value)
        except ValueError:
            raise ValueError(
                f"{value!r} must be an IPv4 range such as 10.1.0.0/16, a prefix list (pl-…) or a "
                "security group (sg-…)"
            ) from None
    return value


def allowed_cidrs(value: list[str]) -> list[str]:
    """IPv4 ranges that may open connections to the load balancer."""
    if not value:
        raise ValueError("must name at least one range; 0.0.0.0/0 is everyone")
    if len(value) > 20:
        raise ValueError("must name at most 20 ranges")
    for cidr in value:
        _network(cidr)
    return value


def _network(value: str) -> ipaddress.IPv4Network:
    try:
        if "/" not in value:
            raise ValueError
        return ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError(
            f"{value!r} is not an IPv4 range in CIDR form, such as 10.0.0.0/16"
        ) from None


def log_retention_days(value: int) -> int:
    """A number of days that CloudWatch Logs offers."""
    if value not in LOG_RETENTION_DAYS:
        raise ValueError(f"must be one of {', '.join(map(str, LOG_RETENTION_DAYS))}")
    return value


def repository_folder(value: str) -> str:
    """A folder of a repository, from its top, or nothing."""
    if value.startswith(("/", "-")) or ".." in value.split("/"):
        raise ValueError(
            "must be a folder from the top of the pipeline's repository, such as `.` or "
            "`services/shop`: no absolute path, and no `..`"
        )
    return value


def _matching(pattern: str, said: str) -> Callable[[str], str]:
    def rule(value: str) -> str:
        if value and not re.fullmatch(pattern, value):
            raise ValueError(said)
        return value

    return rule


github_owner = _matching(
    r"[A-Za-z0-9](-?[A-Za-z0-9_]){0,38}", "must be the name of a user or organization of GitHub"
)
github_repository = _matching(
    r"[\w.-]{1,100}", "must be a repository's name alone: letters, digits and _.-"
)
branch = _matching(
    r"(?![-/.])[^\s~^:?*\[\\]{1,255}", "must be a branch's name, without spaces and ~^:?*[\\"
)
connection_arn = _matching(
    r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[\w-]+",
    "must be the ARN of a connection of CodeConnections",
)


vpc_id = _matching(r"vpc-[0-9a-f]{8,17}", "must be a VPC, such as vpc-0123456789abcdef0")
cluster_arn = _matching(
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/[\w-]{1,255}",
    "must be the ARN of a cluster of ECS",
)
listener_arn = _matching(
    r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:listener/app(/[\w-]+){3}",
    "must be the ARN of a listener of an application load balancer",
)
environment_name = _matching(
    r"([\w.-]{1,100}/)?[A-Za-z0-9][\w.-]{0,99}",
    "must be a stack such as dev, or that of another project such as shop/dev",
)
github_environment = _matching(
    r"[\w.-]{1,255}", "must be the name of an environment of GitHub: letters, digits and _.-"
)
provider_arn = _matching(
    r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/token\.actions\.githubusercontent\.com",
    "must be the ARN of GitHub's OIDC provider in the account",
)
boundary = _matching(
    r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]{1,512}",
    "must be the ARN of a managed policy of IAM",
)
role_path = _matching(
    r"/([\w+=,.@-]{1,128}/){1,8}", "must begin and end with a slash, such as /team/shop/"
)
queue_arn = _matching(
    r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}(\.fifo)?",
    "must be the ARN of a queue of SQS",
)
bucket = _matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "must be the name of a bucket of S3")


def emails(value: list[str]) -> list[str]:
    """Addresses of e-mail."""
    for address in value:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
            raise ValueError(f"{address!r} is not an e-mail address")
    return value


def accounts(value: list[str]) -> list[str]:
    """Accounts of AWS."""
    for account in value:
        if not re.fullmatch(r"\d{12}", account):
            raise ValueError(f"{account!r} is not an account: twelve digits, as text in quotes")
    return value


def preview_port(value: int) -> int:
    """A port of the range from which previews have theirs, or 0."""
    if value and not 20_000 <= value <= 29_999:
        raise ValueError("must be a port from 20000 to 29999, or 0 for one that is allotted")
    return value


def moment(value: str) -> str:
    """A moment with its offset from UTC, or nothing."""
    if value:
        try:
            aware = datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            raise ValueError("must be a moment such as 2026-12-31T18:00:00+00:00")
    return value


def tags(value: dict[str, str]) -> dict[str, str]:
    """Further tags for every resource."""
    if len(value) > MAXIMUM_TAGS:
        raise ValueError(f"must be at most {MAXIMUM_TAGS} tags")
    for key, text in value.items():
        if key in RESERVED_TAGS or key == "Name" or key.lower().startswith("aws:"):
            raise ValueError(f"the tag {key!r} belongs to the program")
        if not re.fullmatch(r"[\w .:/=+@-]{1,128}", key) or not re.fullmatch(
            r"[\w .:/=+@-]{0,256}", text
        ):
            raise ValueError(
                f"the tag {key!r} must have 1 to 128 characters, its value at most 256: letters, "
                "digits, spaces and _.:/=+-@"
            )
    return value


def shown(name: str, value: object) -> str:
    """How a message shows a setting's value; never a secret."""
    return "(secret)" if name == "github_token" else repr(value)

"""Names and identifiers in ECS's own forms.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
"""

from __future__ import annotations

import secrets
import string
import uuid

from localcloud.shared.service import Call

_LETTERS = string.ascii_letters + string.digits


def prefix(call: Call) -> str:
    """`arn:aws:ecs:REGION:ACCOUNT:` of a call."""
    return f"arn:aws:ecs:{call.region}:{call.account}:"


def cluster(call: Call, name_or_arn: str | None) -> str:
    """The ARN of the cluster that a call names; none means `default`."""
    wanted = name_or_arn or "default"
    return wanted if wanted.startswith("arn:") else f"{prefix(call)}cluster/{wanted}"


def name_of(arn: str) -> str:
    """What follows the last slash of an ARN."""
    return arn.rpartition("/")[2]


def child(cluster_arn: str, kind: str, *names: str) -> str:
    """The ARN of something inside a cluster, such as `service/CLUSTER/NAME`."""
    base, _, cluster_name = cluster_arn.partition(":cluster/")
    return f"{base}:{kind}/" + "/".join((cluster_name, *names))


def task_id() -> str:
    """A task's identifier: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def deployment_id() -> str:
    """A deployment's identifier: `ecs-svc/` and 19 digits."""
    return f"ecs-svc/{_digits(19)}"


def service_deployment_id() -> str:
    """A service deployment's identifier: 21 letters, digits, hyphens or underscores."""
    return "".join(secrets.choice(_LETTERS) for _ in range(21))


def _digits(count: int) -> str:
    first = secrets.choice("123456789")
    return first + "".join(secrets.choice(string.digits) for _ in range(count - 1))

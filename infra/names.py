"""Every physical name: readable, the same at each run, within AWS's limits, distinct."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

LOAD_BALANCER_LIMIT = 32
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html"""

ROLE_LIMIT = 64
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

BUCKET_LIMIT = 63
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

RULE_LIMIT = 50
"""EventBridge allows 64, of which the kind of event takes some."""

GENERAL_LIMIT = 100
"""Below the limits of clusters, services, families, security groups and repositories."""

_DIGEST_LENGTH = 8


def limited(text: str, limit: int) -> str:
    """A name of lower-case letters, digits and single hyphens.

    Args:
        text: any text.
        limit: the most characters.

    Returns:
        The text itself where it is such a name already; else its readable beginning, and a
        digest of the whole that keeps different texts apart.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if plain == text and len(plain) <= limit:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
    beginning = plain[: limit - _DIGEST_LENGTH - 1].rstrip("-")
    return f"{beginning}-{digest}" if beginning else digest


@dataclass(frozen=True)
class Names:
    """The names of one stack's resources.

    Attributes:
        project: the Pulumi project.
        stack: the Pulumi stack.
    """

    project: str
    stack: str

    def named(self, *parts: str, limit: int = GENERAL_LIMIT) -> str:
        """`project-stack-part…` within `limit` characters."""
        return limited("-".join((self.project, self.stack, *parts)), limit)

    def load_balancer(self, vpc_cidr: str) -> str:
        """A load balancer can't move to another network, so a new network is a new name."""
        return self.named(_digest(vpc_cidr), limit=LOAD_BALANCER_LIMIT)

    def target_group(self, port: int, vpc_cidr: str) -> str:
        """What replaces a target group is part of its name, as old and new exist side by side."""
        return self.named(_digest(vpc_cidr, str(port)), limit=LOAD_BALANCER_LIMIT)

    def role(self, purpose: str) -> str:
        """The name of an IAM role."""
        return self.named(purpose, limit=ROLE_LIMIT)

    @property
    def pipeline(self) -> str:
        """The name of the pipeline and of its webhook."""
        return self.named()

    @property
    def notifications(self) -> str:
        """The name of the topic, and how its rules' names begin; rules have 64 characters."""
        return self.named(limit=RULE_LIMIT)

    @property
    def repository(self) -> str:
        """The name of the ECR repository."""
        return self.named()

    @property
    def cluster(self) -> str:
        """The name of the ECS cluster."""
        return self.named()

    @property
    def service(self) -> str:
        """The name of the ECS service, and the family of its task definitions."""
        return self.named()

    @property
    def log_group(self) -> str:
        """The name of the application's log group."""
        return f"{self.log_group_prefix}/app"

    @property
    def session_log_group(self) -> str:
        """The name of the log group of `exec` sessions."""
        return f"{self.log_group_prefix}/exec"

    @property
    def flow_log_group(self) -> str:
        """The name of the log group of the network's connections."""
        return f"{self.log_group_prefix}/network"

    def bucket(self, purpose: str, account_id: str) -> str:
        """A bucket's name; its account makes it distinct in the whole partition."""
        return f"{self.named(purpose, limit=BUCKET_LIMIT - len(account_id) - 1)}-{account_id}"

    @property
    def log_group_prefix(self) -> str:
        """How the names of the stack's log groups begin."""
        return f"/ecs/{self.named()}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:6]

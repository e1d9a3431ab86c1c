"""Every physical name: readable, the same at each run, within AWS's limits, distinct."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

LOAD_BALANCER_LIMIT = 32
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html"""

ROLE_LIMIT = 64
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

BUCKET_LIMIT = 63
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

RULE_LIMIT = 50
"""EventBridge allows 64, of which the kind of event takes some."""

STATE_MACHINE_LIMIT = 80
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"""

SCHEDULE_GROUP_LIMIT = 64
"""https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html"""

GENERAL_LIMIT = 100
"""Below the limits of clusters, services, families, security groups and repositories."""

CONTAINER_NAME = "app"
"""The container of the application in every task definition."""

PREVIEW_TAG = "preview-"
"""How the tags of every preview's images begin."""

PREVIEW_MARK = "-preview-"
"""Between the environment and the branch in the name of a preview stack."""

BRANCH_LIMIT = 40
"""Of a branch in names; a label of a host name may have 63 characters (RFC 1035)."""

WEB = "web"
"""How the process behind the load balancer is called where processes are told apart."""

TRAFFIC, ENDPOINTS = "traffic", "endpoints"
"""The outputs that hold notes of an update to the next one."""

BUILT_TAG = "built_tag"
"""The output that tells of which tag the state has an image.

What runs after a rollback, a promotion or a release of the pipeline has none there. It would be
built again, and a tag is pushed only once.
"""

ROUTE_PRIORITY = "route_priority"
"""The output that keeps the priority of the stack's rule on a listener that it shares."""

PREVIEW_PORT = "preview_port"
"""The output that keeps the port of a preview's listener."""

INTERNAL_OUTPUTS = frozenset({TRAFFIC, ENDPOINTS, BUILT_TAG, ROUTE_PRIORITY, PREVIEW_PORT})
"""Outputs that only the next update reads."""

DEPLOY_STAGE = "Deploy"
"""The pipeline's stage that releases."""

RELEASE_COMMAND = "ReleaseCommand"
"""The action in that stage that runs the release command first."""

RELEASE_MARKS = "release-command/"
"""How the names of the marks of releases begin whose release command has run."""

_DIGEST_LENGTH = 8
_BRANCH_DIGEST_LENGTH = 16
"""64 bits: long enough that nobody finds a branch whose label is another branch's."""
_BRANCH_DIGEST_END = re.compile(rf"(^|-)[0-9a-f]{{{_BRANCH_DIGEST_LENGTH}}}$")


def deploy_actions(processes: Iterable[str]) -> list[str]:
    """The names of the pipeline's actions that deploy the processes, the first one's first."""
    return [f"Deploy-{name}" if number else "Deploy" for number, name in enumerate(processes)]


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def limited(text: str, limit: int) -> str:
    """A name of lower-case letters, digits and single hyphens.

    Args:
        text: any text.
        limit: the most characters.

    Returns:
        The text itself where it is such a name already; else its readable beginning, and a
        digest of the whole that keeps different texts apart.
    """
    return text if _is_plain(text, limit) else _with_digest(text, limit, _DIGEST_LENGTH)


def _is_plain(text: str, limit: int) -> bool:
    return _plain(text) == text and 0 < len(text) <= limit


def _with_digest(text: str, limit: int, length: int) -> str:
    # An argument of the command line may hold bytes that are no UTF-8.
    whole = text.encode(errors="surrogateescape")
    digest = hashlib.sha256(whole).hexdigest()[:length]
    beginning = _plain(text)[: limit - length - 1].rstrip("-")
    return f"{beginning}-{digest}" if beginning else digest


def branch_label(branch: str) -> str:
    """Return a branch as part of names and as a label of a host name; no two branches share one.

    Args:
        branch: any text.

    Returns:
        At most `BRANCH_LIMIT` lower-case letters, digits and single hyphens. A plain short branch
        is its own label, unless it ends like a digest. Any other branch is its readable beginning
        and a digest of the whole.
    """
    if _is_plain(branch, BRANCH_LIMIT) and not _BRANCH_DIGEST_END.search(branch):
        return branch
    return _with_digest(branch, BRANCH_LIMIT, _BRANCH_DIGEST_LENGTH)


def preview_stack(environment: str, branch: str) -> str:
    """The name of the stack that previews a branch of an environment."""
    return f"{environment}{PREVIEW_MARK}{branch_label(branch)}"


def environment_of(stack: str) -> str | None:
    """The environment that a stack previews; None for an environment."""
    environment, mark, label = stack.partition(PREVIEW_MARK)
    return environment if mark and environment and label else None


def unfit_for_environment(stack: str) -> bool:
    """Whether the name of a stack would read as that of another environment's preview."""
    return PREVIEW_MARK in f"{stack}-"


@dataclass(frozen=True)
class Names:
    """The names of one stack's resources, and of those that a preview uses of its environment.

    Attributes:
        project: the Pulumi project.
        stack: the Pulumi stack.
        region: part of the names that an account has once for all regions.
        other_cluster: the name of the cluster where it is not the environment's own.
        lead: the process that stands for the application where it has no web process; empty where
            it has one.
        processes: the processes beside the web process.
    """

    project: str
    stack: str
    region: str = ""
    other_cluster: str = ""
    lead: str = ""
    processes: tuple[str, ...] = ()

    @property
    def is_preview(self) -> bool:
        """Whether the stack is a preview, which shares what its environment has."""
        return environment_of(self.stack) is not None

    @property
    def label(self) -> str:
        """The part of a preview's name that stands for its branch; empty for an environment."""
        return self.stack.partition(PREVIEW_MARK)[2]

    @property
    def environment(self) -> Names:
        """The names of the environment: of that which a preview belongs to, else the same."""
        return replace(self, stack=environment_of(self.stack) or self.stack)

    def named(self, *parts: str, limit: int = GENERAL_LIMIT) -> str:
        """`project-stack-part…` within `limit` characters."""
        return limited("-".join((self._stem, *parts)), limit)

    @property
    def _stem(self) -> str:
        """`project-stack`, for an environment with a hyphen followed by a digest.

        Else the stack `dev-cache` would have the name of the build cache of the stack `dev`.
        """
        stem = f"{self.project}-{self.stack}"
        if "-" not in self.stack or self.is_preview:
            return stem
        return f"{stem}-{digest(self.project, self.stack)}"

    def load_balancer(self, network: str) -> str:
        """The load balancer's name, another one for another network, to which it can't move."""
        return self.named(digest(network), limit=LOAD_BALANCER_LIMIT)

    def target_group(self, network: str) -> str:
        """The target group's name, another one for what replaces it: old and new exist together."""
        return self.named(digest(network, "targets"), limit=LOAD_BALANCER_LIMIT)

    def alternate_target_group(self, network: str) -> str:
        """The group to which traffic is shifted, and back at the next release."""
        return self.named(digest(network, "alternate"), limit=LOAD_BALANCER_LIMIT)

    def role(self, purpose: str) -> str:
        """The name of an IAM role; roles are those of all regions."""
        return self._global(purpose, limit=ROLE_LIMIT)

    @property
    def dashboard(self) -> str:
        """The name of the dashboard; dashboards are those of all regions."""
        return self._global()

    def _global(self, *parts: str, limit: int = GENERAL_LIMIT) -> str:
        return self.named(*parts, *filter(None, [self.region]), limit=limit)

    @property
    def pipeline(self) -> str:
        """The name of the pipeline."""
        return self.named()

    def webhook(self, *definition: str) -> str:
        """The pipeline's webhook: a changed secret, which AWS never tells, needs a new one."""
        return self.named(digest(*definition))

    @property
    def notifications(self) -> str:
        """The name of the topic, and how its rules' names begin; rules have 64 characters."""
        return self.named(limit=RULE_LIMIT)

    @property
    def releases(self) -> str:
        """The name of the rule that marks the beginning of each deployment."""
        return f"{self.notifications}-releases"

    @property
    def publishers(self) -> str:
        """How the names of the stack's rules and alarms begin, however long they are."""
        return _plain(self._stem)[: RULE_LIMIT - _DIGEST_LENGTH - 1].rstrip("-")

    @property
    def repository(self) -> str:
        """The name of the ECR repository; an environment's previews have one of their own."""
        return self.preview_repository if self.is_preview else self.named()

    @property
    def preview_repository(self) -> str:
        """The name of the repository of an environment's previews."""
        return self.environment.named("previews")

    @property
    def preview_suffix(self) -> str:
        """What ends the labels of host names of a service's previews, beside those of others.

        With the branch's label it stays within the 63 characters of a label.
        """
        return f"-{limited(f'{self.project}-{self.stack}', 62 - BRANCH_LIMIT)}"

    @property
    def shared_path(self) -> str:
        """The path of the parameter that tells previews what they share, and of nothing else."""
        return f"/{self.preview_repository}"

    @property
    def cache_repository(self) -> str:
        """The name of the repository of the pipeline's build cache."""
        return self.named("cache")

    def image_tag(self, content: str) -> str:
        """The tag of a content in the repository; a preview's is its own, as tags never change."""
        if not self.is_preview:
            return content
        return f"{self.preview_tag_prefix}{content}"

    @property
    def preview_tag_prefix(self) -> str:
        """How the tags of a preview's images begin."""
        return f"{PREVIEW_TAG}{self.label}."

    @property
    def cluster(self) -> str:
        """The name of the ECS cluster; previews run in their environment's."""
        return self.other_cluster or self.environment.named()

    @property
    def shares_cluster(self) -> bool:
        """Whether services of others run in the cluster."""
        return self.is_preview or bool(self.other_cluster)

    @property
    def service(self) -> str:
        """The name of the ECS service, and the family of its task definitions.

        It is the web process's, or that of the process that stands in its place.
        """
        return self.process(self.lead) if self.lead else self.named()

    def process(self, name: str) -> str:
        """The name of a process's service, and the family of its task definitions.

        A name that `named` makes has no underscore, so that no other stack's service has it.
        """
        return f"{self.named()}_{name}"

    def services(self, processes: Iterable[str]) -> dict[str, str]:
        """Process → the name of its service, the web process or who stands in its place first."""
        return {self.lead or WEB: self.service, **{name: self.process(name) for name in processes}}

    @property
    def families(self) -> list[str]:
        """The families of the stack's task definitions, which have the names of its services.

        A web process that the settings took away has left its own.
        """
        own = [*dict.fromkeys([self.named(), *self.services(self.processes).values()])]
        return own if self.is_preview else [*own, self.release_family]

    def alarm(self, kind: str, process: str = "") -> str:
        """The name of an alarm of the web process or of another one."""
        return f"{self.process(process)}-{kind}" if process else self.named(kind)

    def job(self, job: str) -> str:
        """The name of a job's state machine."""
        return self.named(job, limit=STATE_MACHINE_LIMIT)

    @property
    def schedule_group(self) -> str:
        """The name of the group of the jobs' schedules."""
        return self.named(limit=SCHEDULE_GROUP_LIMIT)

    @property
    def release_family(self) -> str:
        """The family of the task definitions of the pipeline's release commands.

        It is no other stack's, and no process's.
        """
        return f"{self.named()}__release"

    @property
    def log_group(self) -> str:
        """The name of the application's log group."""
        return f"{self.log_group_prefix}/app"

    @property
    def session_log_group(self) -> str:
        """The name of the log group of `exec` sessions, one for a cluster."""
        return f"{self.environment.log_group_prefix}/exec"

    @property
    def flow_log_group(self) -> str:
        """The name of the log group of the network's connections."""
        return f"{self.log_group_prefix}/network"

    @property
    def firewall_log_group(self) -> str:
        """The name of the log group of the firewall's decisions, which AWS WAF wants so named.

        https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
        """
        return f"aws-waf-logs-{self.named()}"

    def bucket(self, purpose: str, account_id: str) -> str:
        """A bucket's name; region and account make it distinct in the whole partition."""
        return f"{self._global(purpose, limit=BUCKET_LIMIT - len(account_id) - 1)}-{account_id}"

    @property
    def log_group_prefix(self) -> str:
        """How the names of the stack's log groups begin; a preview's lie in its environment's."""
        if not self.is_preview:
            return f"/ecs/{self.named()}"
        return f"{self.environment.preview_log_group_prefix}{self.label}"

    @property
    def preview_log_group_prefix(self) -> str:
        """How the names of the log groups of an environment's previews begin."""
        return f"{self.log_group_prefix}/preview/"


def digest(*parts: str) -> str:
    """Six hexadecimal digits that tell values apart in a name."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:6]


def release_mark(image: str) -> str:
    """What a run of the release command for an image is known by.

    It is the name of the log stream that says that it has run, and `startedBy` of its task, which
    takes letters, digits, `-`, `/` and `_`:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html

    Args:
        image: as the task definition has it; of one by digest the digest decides.
    """
    digest = image.partition("@sha256:")[2] or hashlib.sha256(image.encode()).hexdigest()
    return f"{RELEASE_MARKS}{digest}"

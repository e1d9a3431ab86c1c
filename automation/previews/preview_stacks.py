"""Preview stacks: their names, their expiry, and the list of them.

A preview is a stack called ENVIRONMENT-preview-LABEL. Who made it, for which branch and until
when stands in its outputs; what an interrupted update never wrote there is told by its name and
by when the backend last saw it.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pulumi import automation as auto
from pulumi.automation.errors import CommandError

from automation import paths
from automation.errors import ConfigurationError, NumberTaken
from automation.previews.remote_branches import (
    RemoteUnknown,
    remote_branches,
    remote_name,
    stack_remote,
)
from automation.pricing.estimate import monthly_cost
from automation.pricing.region import region_of
from automation.pricing.resources import of_state
from automation.stack import state_file
from automation.stack.operations import Answer, Backend, Operation, Session
from automation.stack.shared_place import shared_place
from automation.stack.stack_file import load_stack_file
from infra.ingress.preview_route import free_port, port_of
from infra.names import environment_of

PORT_ATTEMPTS = 4

READERS = 4
"""How many states are read at once; each is a process of the engine."""


def extended_life(session: Session, branch: str | None, now: datetime) -> dict[str, object]:
    """Return a preview's branch and creator, with an expiry counted from now.

    Raises:
        ConfigurationError: the environment does not exist; nothing is left of the preview.
    """
    known = _known(session)
    life = _life(session, known, branch, now)
    if branch and not life["preview_remote"]:
        life["preview_remote"] = _seen_on(str(session.file.environment), branch)
    return life


def kept_life(session: Session, branch: str | None, now: datetime) -> dict[str, object]:
    """Return a preview's branch, creator and unchanged expiry, for operations that only read."""
    known = _known(session)
    life = _life(session, known, branch, now)
    return life | {name: known[name] for name in ("preview_expires",) if name in known}


def _known(session: Session) -> Mapping[str, Any]:
    """The outputs of a preview's last update; none before its first."""
    if session.created:
        _require_environment(session, str(session.file.environment))
        return {}
    return {name: output.value for name, output in session.outputs().items()}


def _life(
    session: Session, known: Mapping[str, Any], branch: str | None, now: datetime
) -> dict[str, object]:
    hours = timedelta(hours=session.file.settings.preview_ttl_hours)
    return {
        "preview_branch": readable(branch) if branch else known.get("preview_branch", ""),
        "preview_creator": known.get("preview_creator") or creator(),
        "preview_remote": known.get("preview_remote", ""),
        "preview_expires": (now + hours).isoformat(timespec="seconds"),
    }


def _seen_on(environment: str, branch: str) -> str:
    """The name of the environment's remote if the branch is on it now; else empty."""
    settings = load_stack_file(environment).settings
    try:
        branches = remote_branches(paths.ROOT, stack_remote(paths.ROOT, settings))
    except RemoteUnknown:
        return ""
    return remote_name(settings) if branch in branches else ""


def perform_update(
    session: Session,
    life: dict[str, object],
    operation: Operation[Answer],
    beside: Callable[[], list[str]] = list,
) -> Answer:
    """Run an update; on a port that another preview has taken, try the next one.

    Args:
        session: the open stack.
        life: further settings that the program reads when it runs.
        operation: the update.
        beside: lines to show with its progress.

    Raises:
        DriverError: the update failed.
    """
    for attempt in range(1, PORT_ATTEMPTS):
        try:
            return session.perform("Updating", operation, beside=beside)
        except NumberTaken:
            if session.file.environment is None:
                raise
        port = _another_port(session, attempt)
        session.screen.note(f"Port taken by another preview; trying {port}.")
        life["preview_port"] = port
    return session.perform("Updating", operation, beside=beside)


def _another_port(session: Session, attempt: int) -> int:
    """Return a port that no listener or rule of the environment's load balancer has.

    Two previews that chose the same port go on to different ones.
    """
    shared = shared_place(session.cloud, session.names)
    assert shared is not None  # noqa: S101 - an update has read it a moment ago
    listeners = session.cloud.pages(
        "elbv2", "describe_listeners", "Listeners", LoadBalancerArn=shared.balancer_arn
    )
    rules = session.cloud.pages("elbv2", "describe_rules", "Rules", ListenerArn=shared.listener_arn)
    taken = {row["ListenerArn"]: row["Port"] for row in listeners}
    taken |= {
        row["RuleArn"]: port_of(int(row["Priority"])) for row in rules if not row["IsDefault"]
    }
    return free_port(f"{session.file.name} {attempt}", taken)


def _require_environment(session: Session, environment: str) -> None:
    """Refuse a preview whose environment does not exist."""
    if shared_place(session.cloud, session.names) is not None:
        return
    session.remove()
    raise ConfigurationError(
        f"The environment {environment} does not exist on the target {session.target.name!r}, and "
        f"a preview needs it: `python automation/run.py up --stack {environment}` makes it."
    )


def readable(branch: str) -> str:
    """A branch as text; bytes of the command line that are no UTF-8 become `\\ufffd`."""
    return branch.encode(errors="surrogateescape").decode(errors="replace")


CREATOR = os.environ.get("GITHUB_ACTOR", "")
"""Who started the workflow, where one runs; read before a target clears the environment."""


def creator() -> str:
    """Who makes a preview: the person behind a workflow of GitHub, or this machine's user."""
    if CREATOR:
        return CREATOR
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return f"user {os.getuid()}"


def stack_names(backend: Backend) -> list[str]:
    """The stacks of the project in the backend, without their organization."""
    known = state_file.names(backend.file.project)
    if known is not None:
        return known
    return [summary.name.rpartition("/")[2] for summary in backend.workspace.list_stacks()]


def preview_names(backend: Backend) -> list[str]:
    """The stacks that preview an environment.

    Args:
        backend: opened for the environment.
    """
    names = stack_names(backend)
    return sorted(name for name in names if environment_of(name) == backend.file.name)


def require_environment_name(stack: str) -> None:
    """Refuse a preview where an environment is meant.

    Raises:
        ConfigurationError: it is a preview.
    """
    environment = environment_of(stack)
    if environment:
        raise ConfigurationError(f"{stack} is a preview: give its environment, {environment}.")


@dataclass(frozen=True)
class PreviewStack:
    """A preview as the backend knows it.

    Attributes:
        stack: its name.
        environment: what it previews.
        branch: its branch; None where no update of it has ended.
        creator: who made it; None likewise.
        remote: the remote on which its branch was seen by an update; None if on none.
        url: where it answers; None likewise.
        created: when its first resource was made; None where there is none.
        expires: when it may be pruned.
        monthly: US dollars a month; None where the prices of its region are not known.
    """

    stack: str
    environment: str
    branch: str | None
    creator: str | None
    remote: str | None
    url: str | None
    created: datetime | None
    expires: datetime
    monthly: float | None

    def document(self, now: datetime) -> dict[str, Any]:
        """As JSON; ages and times left in seconds."""
        return {
            "stack": self.stack,
            "environment": self.environment,
            "branch": self.branch,
            "creator": self.creator,
            "remote": self.remote,
            "url": self.url,
            "created": self.created.isoformat() if self.created else None,
            "age_seconds": round((now - self.created).total_seconds()) if self.created else None,
            "expires": self.expires.isoformat(),
            "seconds_left": round((self.expires - now).total_seconds()),
            "expired": self.expires <= now,
            "monthly_usd": None if self.monthly is None else round(self.monthly, 2),
        }


def previews_of(backend: Backend) -> list[PreviewStack]:
    """The previews of an environment, the one that expires first at the top.

    Args:
        backend: opened for the environment.
    """
    environment = backend.file.name
    summaries = [
        summary
        for summary in backend.workspace.list_stacks()
        if environment_of(summary.name.rpartition("/")[2]) == environment
    ]
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(lambda summary: _read(backend, summary), summaries))
    return sorted((each for each in found if each is not None), key=lambda each: each.expires)


def _read(backend: Backend, summary: auto.StackSummary) -> PreviewStack | None:
    """One preview; None if it has gone in the meantime."""
    name = summary.name.rpartition("/")[2]
    state = _state(backend, name)
    if state is None:
        return None
    resources = state.get("resources") or []
    roots = [row for row in resources if row["type"] == "pulumi:pulumi:Stack"]
    outputs: Mapping[str, Any] = (roots[0].get("outputs") or {}) if roots else {}
    made = [datetime.fromisoformat(row["created"]) for row in resources if row.get("created")]
    return PreviewStack(
        stack=name,
        environment=backend.file.name,
        branch=outputs.get("preview_branch"),
        creator=outputs.get("preview_creator") or None,
        remote=outputs.get("preview_remote") or None,
        url=outputs.get("service_url"),
        created=min(made, default=None),
        expires=_expiry(backend, outputs, summary, made),
        monthly=_monthly(backend, state),
    )


def _state(backend: Backend, name: str) -> dict[str, Any] | None:
    known = state_file.read(backend.file.project, name)
    if known is not None:
        return dict(known["deployment"])
    workspace = backend.workspace
    command = ["stack", "export", "--stack", name]
    try:
        done = workspace.pulumi_command.run(command, workspace.work_dir, workspace.env_vars)
    except CommandError:
        if name in stack_names(backend):
            raise
        return None
    state: dict[str, Any] = json.loads(done.stdout).get("deployment") or {}
    return state


def _expiry(
    backend: Backend,
    outputs: Mapping[str, Any],
    summary: auto.StackSummary,
    made: list[datetime],
) -> datetime:
    """When it may be pruned; a preview that no update finished lives as long as a new one."""
    if outputs.get("preview_expires"):
        return datetime.fromisoformat(outputs["preview_expires"])
    seen = summary.last_update.replace(tzinfo=UTC) if summary.last_update else None
    began = max([*made, *([seen] if seen else [])], default=datetime.now(UTC))
    return began + timedelta(hours=backend.file.settings.preview_ttl_hours)


def _monthly(backend: Backend, state: Mapping[str, Any]) -> float | None:
    try:
        return monthly_cost(of_state(state), region_of(backend.file)).monthly
    except ConfigurationError:
        return None

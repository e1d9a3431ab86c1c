"""`destroy`: delete every resource and the stack, then look for leftovers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pulumi import automation as auto

from automation.engine.progress import Progress
from automation.errors import ConfigurationError, DriverError, UpdateRunning
from automation.leftovers import cleanup, finders
from automation.leftovers.search import Leftover
from automation.leftovers.sharers import sharers
from automation.preflight.account import check_account
from automation.previews.preview_stacks import preview_names, stack_names
from automation.recovery.refresh import settle
from automation.screen import Screen
from automation.stack.operations import Session, connected, opened
from automation.stack.stack_file import StackFile, load_stack_file
from automation.unexpected_errors import after_changes, in_words


def destroy(stack: str, screen: Screen, with_previews: bool = False) -> int:
    """Destroy a stack.

    Args:
        stack: its name.
        screen: where results and progress go.
        with_previews: destroy an environment's previews as well, before it.

    Returns:
        0 if nothing is left, also of a preview that never was, else 1.

    Raises:
        ConfigurationError: the stack is protected, unknown, has previews or is shared by others, or
            nobody agreed.
    """
    file = load_stack_file(stack)
    _check(file, screen)
    if file.environment and stack not in stack_names(connected(file.environment, screen)):
        screen.note(f"There is no stack {stack}")
        return _report(screen, stack, Removed(0, [], None), [])
    if file.environment:
        return _report(screen, stack, remove_stack(stack, screen), [])
    previews = _previews(file, screen, with_previews)
    with opened(stack, screen, changes=True) as session:
        _refuse_shared(session)
        gone = [(name, remove_stack(name, screen)) for name in previews]
        failed = [name for name, removed in gone if not removed.succeeded]
        if failed:
            problem = f"{stack} stays, since previews of it do: {', '.join(failed)}."
            return _report(screen, stack, Removed(0, [], DriverError(problem)), gone)
        return _report(screen, stack, _emptied(session), gone)


@dataclass(frozen=True)
class Removed:
    """The result of destroying a stack.

    Attributes:
        deleted: how many resources are gone.
        left: what is still there.
        failure: what kept the engine from going on.
    """

    deleted: int
    left: list[Leftover]
    failure: DriverError | None

    @property
    def succeeded(self) -> bool:
        """Whether nothing is left."""
        return self.failure is None and not self.left

    def document(self, stack: str) -> dict[str, Any]:
        """As JSON."""
        return {
            "stack": stack,
            "result": "succeeded" if self.succeeded else "failed",
            "deleted": self.deleted,
            "leftovers": [asdict(leftover) for leftover in self.left],
        }


def remove_stack(stack: str, screen: Screen) -> Removed:
    """Delete every resource of a stack and the stack, and look for leftovers; asks nothing.

    Raises:
        ConfigurationError: there is no such stack.
        UpdateRunning: another update of it is running.
    """
    with opened(stack, screen, changes=True) as session:
        return _emptied(session)


def _emptied(session: Session) -> Removed:
    """Delete every resource of an open stack and the stack, and look for leftovers."""
    check_account(session)
    settle(session)
    deleted = Counted()
    failure: DriverError | None = None
    try:
        with after_changes(), ThreadPoolExecutor(1, "prepare-search") as beside:
            beside.submit(finders.prepare, session.cloud)
            session.perform("Destroying", deleted.destroy)
            deleted.count += cleanup.clean_up(session.cloud, session.names, session.screen.note)
    except (ConfigurationError, UpdateRunning):
        raise
    except DriverError as error:
        failure = error
    left = _left(session, failure)
    if failure is None and not left:
        session.remove()
    return Removed(deleted.count, left, failure)


@after_changes()
def _left(session: Session, failure: DriverError | None) -> list[Leftover]:
    """Search for leftovers; if AWS does not answer, raise the failure of the destroy."""
    try:
        return finders.search(session.cloud, session.names, session.file.settings)
    except (BotoCoreError, ClientError) as error:
        if failure is None:
            raise
        failure.evidence.append(f"What is left can't be looked for: {in_words(error).message}")
        raise failure from error


def _previews(file: StackFile, screen: Screen, wanted: bool) -> list[str]:
    """Return the environment's previews; they must be destroyed before it.

    Raises:
        ConfigurationError: there are some, and nobody said that they go as well.
    """
    found = preview_names(connected(file.name, screen))
    if found and not wanted:
        raise ConfigurationError(
            f"Previews of the environment {file.name} use its network and its load balancer: "
            "destroy them first, or all of it with --with-previews.",
            found,
        )
    return found


def _refuse_shared(session: Session) -> None:
    """Refuse to destroy the environment while other services share its cluster or listener.

    Raises:
        ConfigurationError: with the names of those services.
    """
    found = sharers(session.cloud, session.names)
    if found:
        raise ConfigurationError(
            f"Other services run in the place of {session.file.name}, its network, load balancer "
            "and cluster: destroy them first.",
            found,
        )


class Counted:
    """Destroys the stack and counts the deleted resources, also if it fails."""

    def __init__(self) -> None:
        self.count = 0

    def destroy(self, stack: auto.Stack, progress: Progress) -> None:
        """Delete every resource of the stack."""
        try:
            stack.destroy(on_event=progress.on_event, suppress_outputs=True, suppress_progress=True)
        finally:
            self.count = progress.changes["delete"]


def _check(file: StackFile, screen: Screen) -> None:
    if file.settings.protect:
        raise ConfigurationError(
            f"The stack {file.name} is protected: set `fargate-cd:protect: false` in "
            f"{file.path.name}, run `up --stack {file.name}`, then destroy it."
        )
    screen.confirm(
        f"Destroy every resource of the stack {file.name} on the target {file.settings.target}?"
    )


def _report(
    screen: Screen, stack: str, removed: Removed, previews: list[tuple[str, Removed]]
) -> int:
    document = removed.document(stack)
    if previews:
        document["previews"] = [each.document(name) for name, each in previews]
    screen.document(document)
    for name, each in [*previews, (stack, removed)]:
        if each.failure:
            screen.complain(each.failure)
        for leftover in each.left:
            screen.result(f"  {leftover.arn}\n    {leftover.why}")
        screen.result(f"{name}: {each.deleted} deleted, {len(each.left)} left")
    return 0 if removed.succeeded else 1

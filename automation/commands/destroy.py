"""`destroy`: delete every resource and the stack, then look for leftovers."""

from __future__ import annotations

from dataclasses import asdict

from pulumi import automation as auto

from automation import cleanup, leftovers
from automation.errors import ConfigurationError, DriverError
from automation.operations import opened
from automation.progress import Progress
from automation.screen import Screen
from automation.settling import settle
from automation.stacks import StackFile, load_stack_file


def destroy(stack: str, screen: Screen) -> int:
    """Destroy a stack.

    Returns:
        0 if nothing is left, else 1.

    Raises:
        ConfigurationError: the stack is protected or unknown, or nobody agreed.
    """
    file = load_stack_file(stack)
    _check(file, screen)
    with opened(stack, screen, changes=True) as session:
        settle(session)
        deleted = Counted()
        failure: DriverError | None = None
        try:
            session.perform("Destroying", deleted.destroy)
            deleted.count += cleanup.clean_up(session.cloud, session.names, screen.note)
        except DriverError as error:
            if error.exit_code != 1:
                raise
            failure = error
        left = leftovers.search(session.cloud, session.names)
        if failure is None and not left:
            session.remove()
    return _report(screen, stack, deleted.count, left, failure)


class Counted:
    """The operation, and how many resources it deleted, even if it failed in the end."""

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
    screen: Screen,
    stack: str,
    deleted: int,
    left: list[leftovers.Leftover],
    failure: DriverError | None,
) -> int:
    succeeded = failure is None and not left
    screen.document(
        {
            "stack": stack,
            "result": "succeeded" if succeeded else "failed",
            "deleted": deleted,
            "leftovers": [asdict(leftover) for leftover in left],
        }
    )
    if failure:
        screen.complain(failure)
    for leftover in left:
        screen.result(f"  {leftover.arn}\n    {leftover.why}")
    screen.result(f"{stack}: {deleted} deleted, {len(left)} left")
    return 0 if succeeded else 1

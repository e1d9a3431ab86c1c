"""`up`: create or update the stack, and end with the verdict on what runs then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pulumi import automation as auto

from automation.commands.preview import planned, print_plan
from automation.deployment import processes
from automation.deployment.pipeline_transition import no_release_meanwhile
from automation.deployment.promotion import Promotion
from automation.deployment.release_command import ReleaseCommand
from automation.deployment.report import Done, report
from automation.deployment.rollout import watched
from automation.engine.progress import Progress
from automation.errors import ConfigurationError, DriverError, UpdateRunning
from automation.preflight import checks, kept_image, task_count
from automation.preflight.account import check_account
from automation.previews.preview_stacks import extended_life, perform_update
from automation.recovery import newer_release
from automation.recovery.refresh import settle
from automation.screen import Screen
from automation.stack.operations import Program, Session, opened, shown_changes
from automation.stack.program import release_program
from automation.stack.stack_file import StackFile
from automation.stack.state_file import OutputValue
from automation.unexpected_errors import after_changes
from infra.own_outputs import unfinished


def up(
    stack: str,
    screen: Screen,
    image: str | None = None,
    build: bool = False,
    smoke: bool = True,
    preflight: bool = True,
    branch: str | None = None,
) -> int:
    """Create or update a stack.

    Args:
        stack: its name.
        screen: where results and progress go.
        image: deploy this image and build none.
        build: build and deploy the working tree's application even where a pipeline releases.
        smoke: run the container once on this machine first.
        preflight: make the checks that come before anything is touched, the smoke run included.
        branch: the branch that the stack previews, as it is written.

    Returns:
        0 if the new version runs and is healthy, else 1.
    """
    life: dict[str, object] = {}
    release_command, promotion = ReleaseCommand(screen), Promotion(screen)

    def program(file: StackFile) -> Program:
        return release_program(file, image, build, life, release_command, promotion)

    with opened(stack, screen, program, create=True, changes=True) as session:
        release_command.session = promotion.session = session
        began = session.cloud.now()
        if session.file.environment:
            life |= extended_life(session, branch, datetime.now(UTC))
        updated = Updated()
        before: dict[str, str] = {}
        failure: DriverError | None = None
        try:
            with _or_removed(session):
                check_account(session)
                kept_image.tell(session, image, build)
                if preflight:
                    checks.check(session, image, build, smoke)
                if not session.target.free and screen.interactive:
                    _ask(session)
            began = session.cloud.now()
            session.target.before_up(session.file.settings, screen)
            settle(session)
            task_count.tell(session)
            with after_changes(), no_release_meanwhile(session), watched(session) as watch:
                newer_release.take_in(session)
                before |= processes.running(session)
                perform_update(session, life, updated.up, watch.lines)
        except (ConfigurationError, UpdateRunning):
            raise
        except DriverError as error:
            failure = release_command.failure or error
        outputs = updated.outputs if updated.outputs is not None else _kept(session, failure)
        return report(session, Done(began, updated.changes, outputs, failure, before))


def _ask(session: Session) -> None:
    """Show the changes and their cost, and ask whether to make them.

    Raises:
        ConfigurationError: the answer is no; nothing was touched.
    """
    plan = planned(session)
    print_plan(session.screen, session.file.name, plan)
    if plan.wanted:
        session.screen.confirm(f"Make these changes to {session.file.name}?")


def _kept(session: Session, failure: DriverError | None) -> Mapping[str, OutputValue]:
    """Return the outputs in the state; none if the state can't be read after a failure."""
    try:
        return session.outputs()
    except DriverError:
        if failure is None:
            raise
        return {}


@contextmanager
def _or_removed(session: Session) -> Iterator[None]:
    """Remove a stack that was created for this update if a check refuses it."""
    try:
        yield
    except ConfigurationError:
        if session.created:
            session.remove()
        raise


class Updated:
    """Updates the stack and counts the changes, also if it fails."""

    def __init__(self) -> None:
        self.changes: dict[str, Any] = {}
        self.outputs: Mapping[str, OutputValue] | None = None

    def up(self, stack: auto.Stack, progress: Progress) -> None:
        """Create or update every resource of the stack.

        Some changes take two updates, such as another health path: a release, and then the
        removal of what only the release before it needed.
        """
        try:
            self._update(stack, progress)
            if unfinished({name: each.value for name, each in (self.outputs or {}).items()}):
                self._update(stack, progress)
        finally:
            self.changes = shown_changes(progress)

    def _update(self, stack: auto.Stack, progress: Progress) -> None:
        result = stack.up(on_event=progress.on_event, suppress_outputs=True, suppress_progress=True)
        self.outputs = {k: OutputValue(v.value, v.secret) for k, v in result.outputs.items()}

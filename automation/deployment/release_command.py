"""Run the release command of `up`: once for each release, before any task is replaced.

A release is known by its image. That the command has run for it is remembered by an empty log
stream in the application's log group, which the pipeline reads and writes, too. A task that was
started for the release is known by its `startedBy`: after a killed driver, the next one follows
the task that runs on, or takes the result of one that has ended within the last hour.
"""

from __future__ import annotations

import shlex
import threading
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.aws.ecs import describe_service, described_tasks, task_definition
from automation.deployment.one_off import Ended, OneOff, follow, start
from automation.errors import DriverError, ReleaseCommandFailed
from automation.screen import Screen
from automation.stack.operations import Session
from infra.names import CONTAINER_NAME, release_mark
from infra.service.release_command import ReleaseTask

LAST_LINES = 20
"""How much of the command's log is evidence of its failure."""


class ReleaseCommand:
    """Runs the command of an open stack when the engine is about to change the service.

    Args:
        screen: where its log goes.

    Attributes:
        session: the open stack; set before the engine runs.
        failure: why the command failed, in full; the engine tells the first line only.
    """

    def __init__(self, screen: Screen) -> None:
        self.session: Session | None = None
        self.failure: DriverError | None = None
        self._screen = screen
        self._lock = threading.Lock()
        self._done: set[str] = set()

    def __call__(self, task: ReleaseTask) -> None:
        """Run the release command, unless it has run for this release.

        Raises:
            DriverError: the command failed or never ran.
        """
        assert self.session is not None  # noqa: S101 - `up` sets it once the stack is open
        with self._lock:
            if task.definition in self._done:
                return
            try:
                _Run(self.session, self._screen, task).perform()
            except DriverError as error:
                self.failure = error
                raise
            self._done.add(task.definition)


class _Run:
    """One run of the command for one revision."""

    def __init__(self, session: Session, screen: Screen, task: ReleaseTask) -> None:
        self._session, self._screen, self._task = session, screen, task
        self._settings = session.file.settings
        # A client of its own, since the engine's hook runs in another thread.
        self._cloud = Cloud(provider=session.provider)
        self._always = self._settings.release_command_on == "every_update"
        self._image = image_of(self._cloud, task.definition)
        self._mark = release_mark(self._image)
        self._lines: list[str] = []

    def perform(self) -> None:
        if not self._always and (self._is_running() or self._has_run()):
            return
        words = shlex.join(self._settings.release_command)
        one_off = OneOff(
            replace(self._session.service, cluster=self._task.cluster),
            self._task.definition,
            CONTAINER_NAME,
            tuple(self._settings.release_command),
            self._mark,
            tagged=False,
        )
        found = self._known_task()
        if found is not None:
            self._screen.note(f"The release command {words} was started already; following it")
        else:
            self._screen.note(f"Running the release command {words} of {self._image}")
        arn = found or start(self._cloud, self._network(), one_off)
        ended = follow(self._cloud, one_off, arn, self._tell)
        self._judge(words, ended)
        self._remember()

    def _is_running(self) -> bool:
        """Whether the service runs this image already, so that nothing is released."""
        service = describe_service(self._cloud, self._session.service)
        return (
            service is not None and image_of(self._cloud, service["taskDefinition"]) == self._image
        )

    def _has_run(self) -> bool:
        found = self._cloud.pages(
            "logs",
            "describe_log_streams",
            "logStreams",
            logGroupName=self._session.names.log_group,
            logStreamNamePrefix=self._mark,
        )
        if found:
            self._screen.note(f"The release command has run for {self._image}; it is not repeated")
        return bool(found)

    def _known_task(self) -> str | None:
        """Return this release's task that runs or succeeded within the last hour.

        A preview in the same cluster may run the same image.
        """
        names = self._session.names
        groups = {f"family:{family}" for family in (names.service, names.release_family)}
        for status in ("RUNNING",) if self._always else ("RUNNING", "STOPPED"):
            for task in self._tasks(status):
                if task["group"] in groups and (status == "RUNNING" or _status(task) == 0):
                    return str(task["taskArn"])
        return None

    def _tasks(self, status: str) -> list[dict[str, Any]]:
        arns = self._cloud.pages(
            "ecs",
            "list_tasks",
            "taskArns",
            cluster=self._task.cluster,
            startedBy=self._mark,
            desiredStatus=status,
        )
        return described_tasks(self._cloud, self._task.cluster, arns)

    def _network(self) -> dict[str, Any]:
        configuration = {
            "subnets": list(self._task.subnet_ids),
            "securityGroups": [self._task.security_group_id],
            "assignPublicIp": "ENABLED" if self._task.public else "DISABLED",
        }
        return {"networkConfiguration": {"awsvpcConfiguration": configuration}}

    def _tell(self, line: str) -> None:
        self._lines.append(line)
        self._screen.note(f"release command: {line}")

    def _judge(self, words: str, ended: Ended) -> None:
        if ended.status == 0:
            self._screen.note("The release command ended with exit code 0")
            return
        if ended.status is None:
            raise DriverError(
                f"The release command {words} never ran; nothing was released: {ended.reason}",
                self._lines[-LAST_LINES:],
            )
        raise ReleaseCommandFailed(
            f"The release command {words} ended with exit code {ended.status}; nothing was "
            "released.",
            [f"task {ended.task}: {ended.reason}", *self._lines[-LAST_LINES:]],
        )

    def _remember(self) -> None:
        try:
            self._cloud.client("logs").create_log_stream(
                logGroupName=self._session.names.log_group, logStreamName=self._mark
            )
        except ClientError as error:
            if error_code(error) != "ResourceAlreadyExistsException":
                raise


def image_of(cloud: Cloud, definition: str) -> str:
    """The image of the application's container in a revision."""
    containers = task_definition(cloud, definition)["containerDefinitions"]
    return next(str(each["image"]) for each in containers if each["name"] == CONTAINER_NAME)


def _status(task: dict[str, Any]) -> int | None:
    return next(
        (each.get("exitCode") for each in task["containers"] if each["name"] == CONTAINER_NAME),
        None,
    )

"""Runs the Pulumi engine: it outlives a killed driver and stops at a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

DRIVER_VARIABLE = "FARGATE_CD_DRIVER_PID"
"""Environment variable of the engine: the process id of the driver that started it."""

POLL_SECONDS = 0.02


class Engine(PulumiCommand):
    """A `pulumi` binary of a known version.

    It differs from the Automation API's own runner in three ways. The engine's output goes to
    files rather than pipes, so a driver that is killed does not take the engine down in the middle
    of a checkpoint. The engine runs in a session of its own, so that Ctrl-C reaches the driver
    alone, which then asks the engine to stop and waits until it has saved its state. And the
    version is known already, so it is not asked for again at every command.
    """

    def __init__(self, executable: Path, version: VersionInfo) -> None:
        self.command = str(executable)
        self.version = version
        self.announce_stop: Callable[[], None] = lambda: None
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command to its end.

        Raises:
            CommandError: it ended with another code than 0.
            KeyboardInterrupt: a signal arrived; the engine was asked to stop and has ended.
        """
        arguments = list(args)
        if "--non-interactive" not in arguments:
            arguments.insert(0, "--non-interactive")
        with (
            tempfile.TemporaryFile() as stdout,
            tempfile.TemporaryFile() as stderr,
            _counted_signals() as signals,
        ):
            process = subprocess.Popen(
                [self.command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                env=self._environment(additional_env),
                start_new_session=True,
            )
            self._running.add(process)
            try:
                code = self._wait(process, signals)
            finally:
                self._running.discard(process)
            result = CommandResult(_text(stdout), _text(stderr), code)
        for callback, text in ((on_output, result.stdout), (on_error, result.stderr)):
            if callback:
                for line in text.splitlines():
                    callback(line)
        if code != 0:
            raise create_command_error(result)
        return result

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ask every command that runs to stop, those of other threads too.

        Args:
            number: the signal by which they are asked.
        """
        for process in list(self._running):
            process.send_signal(number)

    def _environment(self, additional: Mapping[str, str]) -> dict[str, str]:
        environment = {
            **os.environ,
            **additional,
            "PULUMI_AUTOMATION_API": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            DRIVER_VARIABLE: str(os.getpid()),
        }
        beside = str(Path(self.command).parent)
        environment["PATH"] = os.pathsep.join([beside, environment.get("PATH", "")])
        return environment

    def _wait(self, process: subprocess.Popen[bytes], signals: list[int]) -> int:
        """Wait for the engine; at a signal ask it to stop, at a third one end it."""
        told = 0
        while (code := process.poll()) is None:
            if told < len(signals):
                told += 1
                self.stop(signal.SIGINT if told < 3 else signal.SIGKILL)
                if told == 1:
                    self.announce_stop()
            time.sleep(POLL_SECONDS)
        if signals:
            raise KeyboardInterrupt
        return code


@contextmanager
def _counted_signals() -> Iterator[list[int]]:
    """Collect the signals to stop in a list; outside the main thread none arrive.

    They raise nothing: an exception in the middle of a garbage collection would be lost, and so
    would the wish to stop. A signal that is ignored stays ignored.
    """
    arrived: list[int] = []
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if threading.current_thread() is threading.main_thread()
        and callable(signal.getsignal(number))
    }
    for number in before:
        signal.signal(number, lambda number, _frame: arrived.append(number))
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace").rstrip("\n")

"""The builds under way: queued, run side by side, stopped, timed out."""

from __future__ import annotations

import logging
import os
import threading
import time

from localcloud.codebuild.container import remove_leftovers
from localcloud.codebuild.core import Core
from localcloud.codebuild.execution import INTERNAL, Ended, Execution
from localcloud.codebuild.image import BuildImages
from localcloud.codebuild.model import Build

log = logging.getLogger(__name__)

SECONDS_PER_MINUTE = 60.0
AT_ONCE = max(2, os.cpu_count() or 2)
"""How many builds this machine runs side by side; more are queued."""
END_SECONDS = 30
RESTARTED = "The local cloud was restarted while the build ran; start the build again."
STOPPED = "The local cloud was stopped while the build ran; start the build again."


class BuildRuns:
    """Runs builds in threads.

    Args:
        core: what the parts share.
        images: what builds run in.
    """

    def __init__(self, core: Core, images: BuildImages) -> None:
        self._core, self._images = core, images
        self._slots = threading.Condition()
        self._running: set[str] = set()
        self._waiting: list[str] = []
        self._executions: dict[str, tuple[Execution, threading.Thread]] = {}

    def start(self, build: Build) -> None:
        """Run a build in the background."""
        execution = Execution(self._core, self._images, build)
        name = f"build {build.id}"
        thread = threading.Thread(target=self._run, args=(execution,), name=name, daemon=True)
        with self._slots:
            self._waiting.append(build.id)
            self._executions[build.id] = (execution, thread)
        thread.start()

    def _run(self, execution: Execution) -> None:
        build = execution.build
        timer = threading.Timer(
            build.shape["timeoutInMinutes"] * SECONDS_PER_MINUTE,
            execution.end,
            [Ended("BUILD_TIMED_OUT", "Build has timed out. ", "TIMED_OUT")],
        )
        timer.daemon = True
        try:
            if execution.queue(self._take_slot):
                timer.start()
                execution.run()
        finally:
            timer.cancel()
            with self._slots:
                self._running.discard(build.id)
                self._executions.pop(build.id, None)
                self._slots.notify_all()

    def _take_slot(self, execution: Execution) -> bool:
        """Wait for the build's turn; False when its time in the queue is up."""
        build = execution.build
        until = time.monotonic() + build.shape["queuedTimeoutInMinutes"] * SECONDS_PER_MINUTE
        with self._slots:
            while not execution.told_to_end and (
                len(self._running) >= AT_ONCE or self._waiting[0] != build.id
            ):
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._slots.wait(left)
            else:
                self._running.add(build.id)
            self._waiting.remove(build.id)
            self._slots.notify_all()
            return build.id in self._running

    def stop(self, build: Build, why: str) -> None:
        """End a build; nothing happens to one that has ended."""
        self._tell(build.id, Ended("STOPPED", why, "STOPPED"))

    def _tell(self, build_id: str, ended: Ended) -> None:
        with self._slots:
            found = self._executions.get(build_id)
        if found is not None:
            found[0].end(ended)
            with self._slots:
                self._slots.notify_all()

    def wait(self, build_ids: set[str]) -> None:
        """Until these have ended, containers removed."""
        with self._slots:
            threads = [self._executions[i][1] for i in build_ids if i in self._executions]
        deadline = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def end(self) -> None:
        """End all builds, since the process ends."""
        with self._slots:
            known = set(self._executions)
        for build_id in known:
            self._tell(build_id, Ended(INTERNAL, STOPPED, "FAULT"))
        self.wait(known)

    def recover(self) -> None:
        """Fail the builds that an earlier process left running, and remove their containers."""
        for name in remove_leftovers(self._core.surroundings.instance):
            log.warning("removed the build container %s of an earlier process", name)
        for build in self._core.store.builds:
            if build.running:
                build.end("FAULT", INTERNAL, RESTARTED)
                build.complete("FAULT")
                self._core.store.save(build)

"""One build, phase by phase.

Phases follow one another as documented: a failed INSTALL or PRE_BUILD ends the build, a failed
BUILD still runs POST_BUILD, and artifacts are uploaded wherever BUILD was reached.
https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from localcloud.codebuild.buildspec import PHASES, Phase
from localcloud.codebuild.core import Core
from localcloud.codebuild.errors import PhaseError
from localcloud.codebuild.image import BuildImages
from localcloud.codebuild.logs import BuildLog
from localcloud.codebuild.model import Build
from localcloud.codebuild.stages import Stages
from localcloud.shared.service import ServiceError

log = logging.getLogger(__name__)

# Phase → whether the build goes on after it failed, unless its `on-failure` says otherwise.
GOES_ON = {"install": False, "pre_build": False, "build": True, "post_build": True}
INTERNAL = "INTERNAL_SERVICE_ERROR"


class Ended(PhaseError):  # noqa: N818 -- not an error of the build
    """The build was stopped, ran out of time, or lost the local cloud around it."""


class Execution:
    """Runs one build.

    Args:
        core: what the parts share.
        images: what builds run in.
        build: its record, kept up to date on disk.
    """

    def __init__(self, core: Core, images: BuildImages, build: Build) -> None:
        self._core, self.build = core, build
        logs = build.shape["logs"]
        group, stream = logs.get("groupName", ""), logs.get("streamName", "")
        self._log = BuildLog(lambda: core.client(build, "logs"), group, stream)
        self._stages = Stages(core, images, build, self._log)
        self._ended: Ended | None = None
        self._lock = threading.Lock()
        self._verdict = "SUCCEEDED"

    @property
    def told_to_end(self) -> bool:
        """Whether `end` was called."""
        return self._ended is not None

    def end(self, ended: Ended) -> None:
        """Tell the build to end, from another thread; its container goes at once."""
        with self._lock:
            self._ended = self._ended or ended
        self._stages.abandon()

    def queue(self, turn: Callable[[Execution], bool]) -> bool:
        """Wait for the build's turn; False when it ended in the queue.

        Args:
            turn: waits, and tells whether it came.
        """
        if turn(self) and not self.told_to_end:
            self._note(lambda: self.build.end("SUCCEEDED"))
            return True
        ended = self._ended or Ended("QUEUED_TIMED_OUT", "Build timed out in queue.", "TIMED_OUT")
        self._note(lambda: self.build.end(ended.status, ended.code, ended.message))
        self._note(lambda: self.build.complete(ended.status))
        return False

    def run(self) -> None:
        """Run the build to its end; it never raises for what goes wrong inside the build."""
        try:
            self._phases()
        except Ended:
            log.info("build %s ended early: %s", self.build.id, self._verdict)
        finally:
            self._finalize()

    def _phases(self) -> None:
        for phase, work in (
            ("PROVISIONING", self._stages.provision),
            ("DOWNLOAD_SOURCE", self._stages.download),
        ):
            if not self._phase(phase, work):
                return
        for name in PHASES:
            phase_wanted = self._stages.buildspec.phases.get(name, Phase())
            work = partial(self._stages.run, name, phase_wanted)
            goes_on = {"ABORT": False, "CONTINUE": True}.get(
                phase_wanted.on_failure or "", GOES_ON[name]
            )
            if not self._phase(name.upper(), work) and not goes_on:
                return
        self._phase("UPLOAD_ARTIFACTS", self._stages.upload)

    def _phase(self, name: str, work: Callable[[], None]) -> bool:
        """Enter a phase, do its work, end it; returns whether it succeeded."""
        if self._ended is not None:
            raise self._ended
        self._note(lambda: self.build.begin(name))
        if name.lower() in PHASES:
            self._log.say(f"Entering phase {name}")
        problem = self._problem(work)
        error = self._ended or problem  # what broke off because the container went is no cause
        if error is None:
            self._end_phase(name, "SUCCEEDED")
            return True
        if self._verdict == "SUCCEEDED" or isinstance(error, Ended):
            self._verdict = error.status
        self._stages.succeeding = False
        self._end_phase(name, error.status, error.code, error.message)
        if isinstance(error, Ended):
            raise error
        return False

    def _problem(self, work: Callable[[], None]) -> PhaseError | None:
        """What goes wrong with the work of a phase."""
        try:
            work()
        except PhaseError as problem:
            return problem
        except ServiceError as problem:
            return PhaseError("ACCESS_DENIED", problem.message)
        except Exception as problem:
            if self._ended is None:
                log.exception("build %s", self.build.id)
            return PhaseError(INTERNAL, f"{type(problem).__name__}: {problem}", "FAULT")
        return None

    def _end_phase(self, name: str, status: str, code: str = "", message: str = "") -> None:
        self._log.say(f"Phase complete: {name} State: {status}")
        self._log.say(f"Phase context status code: {code} Message: {message}")
        self._note(lambda: self.build.end(status, code, message))

    def _finalize(self) -> None:
        self._note(lambda: self.build.begin("FINALIZING"))
        self._stages.abandon()
        self._log.close()
        with self._core.store.lock:
            self.build.end("SUCCEEDED")
            self.build.complete(self._verdict)
            self._core.store.keep(self.build)
        self._core.forget(self.build)

    def _note(self, change: Callable[[], object]) -> None:
        """Change the record, and write it down."""
        with self._core.store.lock:
            change()
            self._core.store.keep(self.build)

"""What the pipeline's end-to-end tests share: a working copy, a load, waits for executions."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.checkout import Checkout

PIPELINE = "fargate-cd-local"
WAIT_SECONDS = 900
"""How long an execution may take: a machine may be many times slower than a developer's."""
ENDED = ("Succeeded", "Failed", "Stopped", "Superseded")


@dataclass
class WorkingCopy:
    """A developer's clone, from which nothing is done but `git push`."""

    folder: Path
    remote: str

    def git(self, *arguments: str) -> str:
        settings = ("user.name=Dev", "user.email=dev@example.com", "init.defaultBranch=main")
        options = [word for setting in settings for word in ("-c", setting)]
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=self.folder,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def begin(self) -> None:
        """An empty repository with a remote."""
        self.git("init", "--quiet")
        self.git("remote", "add", "origin", self.remote)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def push(self, message: str, branch: str = "main") -> str:
        """Commit all there is, and push; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")


@dataclass
class Pipeline:
    """The stack's pipeline as boto3 sees it."""

    client: Any

    def executions(self) -> list[dict[str, Any]]:
        """All of them, the newest first."""
        found: list[dict[str, Any]] = self.client.list_pipeline_executions(pipelineName=PIPELINE)[
            "pipelineExecutionSummaries"
        ]
        return found

    def of_commit(self, commit: str) -> dict[str, Any] | None:
        """The newest execution that took a commit."""
        for row in self.executions():
            if any(one.get("revisionId") == commit for one in row.get("sourceRevisions", [])):
                return row
        return None

    def wait_for(self, commit: str) -> dict[str, Any]:
        """The execution of a commit, when it has ended."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            found = self.of_commit(commit)
            if found is not None and found["status"] in ENDED:
                return found
            time.sleep(0.5)
        raise AssertionError(f"no execution of {commit} ended: {self.executions()}")

    def wait_for_action(self, stage: str, commit: str, status: str) -> dict[str, Any]:
        """The action of a stage in a commit's execution, when it has a status."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            execution = self.of_commit(commit)
            if execution is not None:
                found = self.actions(execution["pipelineExecutionId"]).get(stage)
                if found is not None and found["status"] == status:
                    return found
            time.sleep(0.3)
        raise AssertionError(f"{stage} of {commit} never was {status}: {self.executions()}")

    def actions(self, execution_id: str) -> dict[str, dict[str, Any]]:
        """Stage → its latest action, of an execution."""
        rows = self.client.list_action_executions(
            pipelineName=PIPELINE, filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        return {row["stageName"]: row for row in reversed(rows)}

    def failure(self, execution: dict[str, Any]) -> tuple[str, str]:
        """The stage in which an execution stopped, and why."""
        failed = [
            (stage, row["output"]["executionResult"].get("errorDetails", {}).get("message", ""))
            for stage, row in self.actions(execution["pipelineExecutionId"]).items()
            if row["status"] == "Failed"
        ]
        assert len(failed) == 1, failed
        return failed[0]


@dataclass
class Load:
    """Requests on connections that are kept alive, until it is told to end.

    Attributes:
        bodies: first line of an answer → how often.
        lost: what went wrong.
    """

    url: str
    connections: int = 3
    bodies: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        for _ in range(self.connections):
            self._threads.append(threading.Thread(target=self._run, daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self) -> None:
        host = urlsplit(self.url).netloc
        connection = http.client.HTTPConnection(host, timeout=30)
        while not self._ending.is_set():
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                text = answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection.close()
                continue
            if answer.status != 200:
                self.lost.append(f"{answer.status} {text[:80]}")
            line = text.partition("\n")[0]
            self.bodies[line] = self.bodies.get(line, 0) + 1
            self._ending.wait(0.05)
        connection.close()


def body(url: str) -> str:
    """What a service answers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", "/")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def greeting(url: str) -> str:
    """The first line that a service answers."""
    return body(url).partition("\n")[0]


def working_copy(folder: Path, checkout: Checkout, remote: str, *paths: str) -> WorkingCopy:
    """A clone that has some of the checkout's files, not committed yet."""
    folder.mkdir()
    for path in paths:
        subprocess.run(["cp", "-r", str(checkout.root / path), str(folder)], check=True)
    copy = WorkingCopy(folder, remote)
    copy.begin()
    return copy

"""The source action against the real local Git host: a branch, a commit, what is absent."""

from __future__ import annotations

import io
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from localcloud.codepipeline.actions import source
from localcloud.codepipeline.actions.work import ActionError, Work
from localcloud.codepipeline.model import Artifact
from localcloud.githost import GitHost
from localcloud.server.serving import listen
from localcloud.shared.service import Surroundings
from localcloud.tests.unit.codepipeline import harness


@dataclass
class Bucket:
    """Keeps what is put."""

    objects: dict[str, bytes] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)

    def put_object(self, **asked: Any) -> None:
        self.objects[asked["Key"]] = asked.pop("Body").read()
        self.asked = asked


@dataclass
class Team:
    """A repository with two commits, and the action that takes them."""

    around: Surroundings
    commits: list[str]
    bucket: Bucket = field(default_factory=Bucket)

    def take(self, branch: str = "main", requested: str = "", key: str = "") -> Any:
        settings = {"Owner": "acme", "Repo": "hello", "Branch": branch, "OAuthToken": "word"}
        return source.advance_github(
            Work(
                surroundings=self.around,
                region=harness.REGION,
                pipeline="release",
                execution_id="e",
                stage="Source",
                action="Source",
                run_id="r",
                started=time.time(),
                configuration=settings,
                inputs=[],
                outputs=[Artifact("Source", "bucket", "release/Source/abc")],
                progress={},
                client=lambda _service: self.bucket,
                requested=requested,
                encryption_key=key,
            )
        )

    def files(self) -> dict[str, str]:
        with zipfile.ZipFile(io.BytesIO(self.bucket.objects["release/Source/abc"])) as packed:
            return {name: packed.read(name).decode() for name in packed.namelist()}


def git(folder: Path, *arguments: str) -> str:
    person = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
    done = subprocess.run(
        ["git", *person, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("source")
    bound = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    bound.close()
    around = Surroundings(
        **{**vars(harness.surroundings(folder)), "git_host_url": address},
    )
    host = GitHost(around)
    host.start()
    clone = folder / "clone"
    clone.mkdir()
    git(clone, "init", "--quiet", "--initial-branch", "main")
    commits = []
    for text in ("first", "second"):
        (clone / "file").write_text(text)
        git(clone, "add", "file")
        git(clone, "commit", "--quiet", "--message", f"The {text}\n\nWith a body.")
        commits.append(git(clone, "rev-parse", "HEAD"))
    git(clone, "push", "--quiet", f"{address}acme/hello.git", "main")
    yield Team(around, commits)
    host.stop()


def test_the_newest_commit_of_the_branch(team: Team) -> None:
    outcome = team.take()
    assert team.files() == {"file": "second"}
    assert outcome.revision.revision_id == team.commits[1]
    assert outcome.revision.summary == "The second\n\nWith a body."
    assert outcome.variables["CommitId"] == team.commits[1]
    assert outcome.variables["BranchName"] == "main"
    assert outcome.summary.endswith("The second")


def test_a_commit_that_is_asked_for(team: Team) -> None:
    outcome = team.take(requested=team.commits[0])
    assert team.files() == {"file": "first"}
    assert outcome.variables["CommitId"] == team.commits[0]


def test_the_stores_key_encrypts(team: Team) -> None:
    team.take(key="arn:key")
    assert team.bucket.asked["ServerSideEncryption"] == "aws:kms"
    assert team.bucket.asked["SSEKMSKeyId"] == "arn:key"


@pytest.mark.parametrize(
    ("branch", "requested"), [("nothing", ""), ("main", "a" * 40), ("main", "--upload-pack=x")]
)
def test_what_is_not_there(branch: str, requested: str, team: Team) -> None:
    with pytest.raises(ActionError) as refused:
        team.take(branch, requested)
    assert refused.value.code == "RevisionUnavailable"

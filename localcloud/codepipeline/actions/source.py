"""The source actions: a branch's newest commit, or the one asked for, as a zip.

https://docs.aws.amazon.com/codepipeline/latest/userguide/appendix-github-oauth.html and
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
"""

from __future__ import annotations

import base64
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from localcloud.codepipeline import errors
from localcloud.codepipeline.actions.artifacts import upload
from localcloud.codepipeline.actions.work import (
    REVISION_UNAVAILABLE,
    ActionError,
    Outcome,
    Work,
    succeeded,
)
from localcloud.codepipeline.model import Revision
from localcloud.connections.service import GITHUB, PAGES
from localcloud.connections.store import AVAILABLE, store_of
from localcloud.githost.git import environment

FETCH_SECONDS = 300
LONGEST_SUMMARY = 1500
_FIELDS = "%H%x1f%aI%x1f%cI%x1f%an%x1f%ae%x1f%B"


def check_github(name: str, configuration: Mapping[str, str]) -> None:
    """Polling is what the local cloud has no part for."""
    if configuration.get("PollForSourceChanges", "true").lower() != "false":
        raise errors.action(
            f"Action '{name}' polls for changes, which the local cloud does not; set "
            "PollForSourceChanges to false and add a webhook"
        )


def advance_github(work: Work) -> Outcome:
    """Fetches by the token, packs, uploads."""
    settings = work.configuration
    repository = f"{settings['Owner']}/{settings['Repo']}"
    branch = settings["Branch"]
    commit = _take(work, repository, branch, settings["OAuthToken"])
    variables = {
        "AuthorDate": commit["authored"],
        "BranchName": branch,
        "CommitId": commit["id"],
        "CommitMessage": commit["message"],
        "CommitUrl": commit["url"],
        "CommitterDate": commit["committed"],
        "RepositoryName": settings["Repo"],
    }
    return _found(work, commit, variables)


def check_connection(name: str, configuration: Mapping[str, str]) -> None:
    """Refuse what the local cloud has no part for, and what is no repository's name."""
    if configuration.get("OutputArtifactFormat", "CODE_ZIP") != "CODE_ZIP":
        raise errors.unsupported(f"OutputArtifactFormat of action '{name}' other than CODE_ZIP")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", configuration["FullRepositoryId"]):
        raise errors.action(f"FullRepositoryId of action '{name}' must be OWNER/NAME")


def advance_connection(work: Work) -> Outcome:
    """Fetches by the connection, packs, uploads."""
    settings = work.configuration
    arn, repository = settings["ConnectionArn"], settings["FullRepositoryId"]
    work.require(f"{arn.split(':')[2]}:UseConnection", arn)
    with store_of(work.surroundings.shared_dir).read() as known:
        status = known[arn].status if arn in known else "not found"
    if status != AVAILABLE:
        page = f"{work.surroundings.api_url}{PAGES}/{arn.rpartition('/')[2]}"
        raise ActionError(
            f"Connection {arn} is not available: its status is {status}; authorize it at {page}",
            REVISION_UNAVAILABLE,
        )
    commit = _take(work, repository, settings["BranchName"], "")
    variables = {
        "AuthorDate": commit["authored"],
        "AuthorDisplayName": commit["author"],
        "AuthorEmail": commit["email"],
        "BranchName": settings["BranchName"],
        "CommitId": commit["id"],
        "CommitMessage": commit["message"],
        "ConnectionArn": arn,
        "FullRepositoryName": repository,
        "ProviderType": GITHUB,
    }
    return _found(work, commit, variables)


def _found(work: Work, commit: Mapping[str, str], variables: Mapping[str, str]) -> Outcome:
    revision = Revision(
        action=work.action,
        artifact=work.outputs[0].name,
        revision_id=commit["id"],
        summary=commit["message"][:LONGEST_SUMMARY],
        url=commit["url"],
        created=time.time(),
    )
    return succeeded(
        summary=f"{commit['id'][:8]} {commit['message'].splitlines()[0]}"[:LONGEST_SUMMARY],
        external_id=commit["id"],
        external_url=commit["url"],
        variables=variables,
        revision=revision,
    )


def _take(work: Work, repository: str, branch: str, token: str) -> dict[str, str]:
    """Uploads the commit's files; returns what Git tells of it."""
    host = work.surroundings.git_host_url
    wanted = work.requested or f"refs/heads/{branch}"
    with tempfile.TemporaryDirectory(prefix="codepipeline-") as folder:
        clone = Path(folder) / "clone.git"
        clone.mkdir()
        secret = _authorization(token)
        _git(clone, {}, "init", "--quiet", "--bare", ".")
        address = f"{host}{repository}.git"
        fetch = ("fetch", "--quiet", "--depth=1", "--no-tags", "--end-of-options")
        _git(clone, secret, *fetch, address, wanted)
        told = _git(clone, {}, "log", "-1", f"--format={_FIELDS}", "FETCH_HEAD")
        commit, authored, committed, author, email, message = told.split("\x1f", 5)
        packed = Path(folder) / "source.zip"
        _git(clone, {}, "archive", "--format=zip", f"--output={packed}", "FETCH_HEAD")
        upload(work, work.outputs[0], packed)
    return {
        "id": commit,
        "authored": authored,
        "committed": committed,
        "author": author,
        "email": email,
        "message": message.strip() or "(no message)",
        "url": f"{host}{repository}/commit/{commit}",
    }


def _authorization(token: str) -> dict[str, str]:
    """The token as Git's own setting, so that it stands in no list of processes."""
    if not token:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }


def _git(folder: Path, extra: Mapping[str, str], *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**environment(folder), "NO_PROXY": "127.0.0.1,localhost", **extra},
            capture_output=True,
            check=False,
            timeout=FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ActionError(
            f"git {arguments[0]} took more than {FETCH_SECONDS} seconds", REVISION_UNAVAILABLE
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ActionError(said[-1] if said else f"git {arguments[0]} failed", REVISION_UNAVAILABLE)
    return done.stdout.decode(errors="replace")

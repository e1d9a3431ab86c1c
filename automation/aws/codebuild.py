"""Builds of CodeBuild: how they ended, and what they wrote.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code

WELL = frozenset({"SUCCEEDED", "QUEUED", "IN_PROGRESS"})


@dataclass(frozen=True)
class Build:
    """One build.

    Attributes:
        identity: `project:uuid`.
        status: SUCCEEDED, FAILED, FAULT, TIMED_OUT, STOPPED or IN_PROGRESS.
        phase: the first phase that did not succeed.
        message: that phase's words.
        log_group: where it writes; empty before it has begun to.
        log_stream: the same.
    """

    identity: str
    status: str
    phase: str = ""
    message: str = ""
    log_group: str = ""
    log_stream: str = ""


COMMAND_WORDS = 60
_LONG_COMMAND = re.compile(
    rf"(Error while executing command: .{{{COMMAND_WORDS}}}).+?(\. Reason: )", re.DOTALL
)


def brief(words: str) -> str:
    """Return CodeBuild's words about a failed phase with the command's text cut short."""
    return _LONG_COMMAND.sub(r"\1 …\2", words)


def build_of(cloud: Cloud, identity: str) -> Build | None:
    """A build by its id; None if CodeBuild does not know it."""
    found = cloud.client("codebuild").batch_get_builds(ids=[identity])["builds"]
    return _build(found[0]) if found else None


def _build(row: Mapping[str, Any]) -> Build:
    logs = row.get("logs") or {}
    bad = [p for p in row.get("phases", []) if p.get("phaseStatus", "SUCCEEDED") not in WELL]
    contexts = bad[0].get("contexts") or [] if bad else []
    return Build(
        identity=row["id"],
        status=row["buildStatus"],
        phase=bad[0]["phaseType"] if bad else "",
        message=next((c["message"] for c in contexts if c.get("message")), ""),
        log_group=logs.get("groupName") or "",
        log_stream=logs.get("streamName") or "",
    )


def events(cloud: Cloud, build: Build, token: str | None = None) -> tuple[list[Any], str | None]:
    """What a build has written, oldest first.

    Args:
        cloud: the account.
        build: whose log.
        token: where an earlier call ended.

    Returns:
        The events after that, and where they end; nothing before the log exists.
    """
    if not build.log_stream:
        return [], token
    found: list[Any] = []
    while True:
        more = {"nextToken": token} if token else {}
        try:
            page = cloud.client("logs").get_log_events(
                logGroupName=build.log_group,
                logStreamName=build.log_stream,
                startFromHead=True,
                **more,
            )
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return found, token
        found += page["events"]
        after = page["nextForwardToken"]
        if after == token:  # so CloudWatch Logs says that this is the end
            return found, token
        token = after


def last_lines(cloud: Cloud, build: Build, most: int) -> list[str]:
    """Return the last `most` lines of a build's log that a command wrote, not CodeBuild."""
    lines = list(_own(events(cloud, build)[0]))
    return lines[-most:]


def _own(found: list[Any]) -> Iterator[str]:
    for event in found:
        if event["message"].startswith("[Container] "):
            continue  # all of its lines: CodeBuild repeats the text of a command
        for line in event["message"].splitlines():
            if line.strip():
                yield line.rstrip()

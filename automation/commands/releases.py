"""`releases`: what was released, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from automation.aws.codepipeline import COMMIT_LENGTH
from automation.aws.ecs import revision_number
from automation.deployment.releases import Release
from automation.deployment.stack_releases import stack_releases
from automation.screen import Screen
from automation.stack.operations import opened

DIRTY = "-dirty"
IMAGE_WIDTH = 22


def releases_command(stack: str, screen: Screen) -> int:
    """Print the releases of a stack's service."""
    with opened(stack, screen) as session:
        found = stack_releases(session)
    screen.document({"stack": stack, "releases": [described(release) for release in found]})
    if not found:
        screen.result(f"{stack}: nothing was released yet")
        return 0
    print_releases(screen, found)
    return 0


def print_releases(screen: Screen, found: Sequence[Release]) -> None:
    """A table of at most 80 columns, and with several processes what each of them ran."""
    columns = ["release", "state", "when (UTC)", "commit", "image"]
    if any(release.processes for release in found):
        columns.append("revisions")
    screen.table(columns, [_row(release)[: len(columns)] for release in found])


def _row(release: Release) -> tuple[str, ...]:
    """A line of at most 80 columns; --json has everything in full."""
    commit = (release.commit or "-").removesuffix(DIRTY)
    dirty = DIRTY if release.commit and release.commit.endswith(DIRTY) else ""
    return (
        str(release.number),
        release.state,
        f"{release.when.astimezone(UTC):%Y-%m-%d %H:%M}",
        f"{commit[:COMMIT_LENGTH]}{dirty}",
        short_image(release.image),
        ", ".join(f"{name} {number}" for name, number in sorted(_revisions(release).items())),
    )


def short_image(image: str) -> str:
    """The tag or the beginning of the digest, by which a person tells images apart.

    The repository is the stack's own, and the same in every line.
    """
    _, at, digest = image.partition("@sha256:")
    if at:
        return f"sha256:{digest[:12]}"
    name = image.rpartition("/")[2]
    return name if len(name) <= IMAGE_WIDTH else f"…{name[1 - IMAGE_WIDTH :]}"


def described(release: Release) -> dict[str, Any]:
    """A release as JSON."""
    return {
        "number": release.number,
        "image": release.image,
        "commit": release.commit,
        "when": release.when.isoformat(),
        "state": release.state,
        **_processes(release),
    }


def _processes(release: Release) -> dict[str, Any]:
    """The revision of each process, where there are several."""
    found = _revisions(release)
    return {"processes": found} if found else {}


def _revisions(release: Release) -> dict[str, int]:
    return {name: revision_number(arn) for name, arn in release.processes.items()}

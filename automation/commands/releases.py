"""`releases`: what was released, newest first."""

from __future__ import annotations

from typing import Any

from automation.deployment.releases import Release, releases
from automation.screen import Screen
from automation.stack.operations import opened


def releases_command(stack: str, screen: Screen) -> int:
    """Print the releases of a stack's service."""
    with opened(stack, screen) as session:
        found = releases(session.cloud, session.service)
    screen.document({"stack": stack, "releases": [described(release) for release in found]})
    if not found:
        screen.result(f"{stack}: nothing was released yet")
        return 0
    screen.table(
        ("release", "state", "when", "commit", "image"),
        [
            (str(r.number), r.state, f"{r.when:%Y-%m-%d %H:%M:%S %Z}", r.commit or "-", r.image)
            for r in found
        ],
    )
    return 0


def described(release: Release) -> dict[str, Any]:
    """A release as JSON."""
    return {
        "number": release.number,
        "image": release.image,
        "commit": release.commit,
        "when": release.when.isoformat(),
        "state": release.state,
    }

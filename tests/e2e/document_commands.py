"""Commands of the documents, run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.checkout import ROOT, UP_SECONDS, Checkout
from tests.workflows import path_with

AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A newcomer"), ("EMAIL", "newcomer@example.org"))
}
"""Whoever commits has told git a name."""


def blocks(page: str, language: str) -> dict[str, list[str]]:
    """The blocks of a language on a page of the documents: the heading above → their texts.

    Args:
        page: the page, from the top of the project.
        language: as the blocks name it.
    """
    found: dict[str, list[str]] = {}
    for section in re.split(r"^## ", (ROOT / page).read_text(), flags=re.MULTILINE)[1:]:
        heading = re.sub(r"^\d+\. ", "", section.partition("\n")[0])
        for word, block in re.findall(r"^```(\w*)\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
            if word == language:
                found.setdefault(heading, []).append(block)
    return found


def shell(checkout: Checkout, commands: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Type commands at the top of a checkout, until one fails."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands],
        cwd=checkout.root,
        env=checkout.environment | AUTHOR | {"PATH": path_with(Path(sys.executable))} | extra,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=UP_SECONDS,
        check=False,
    )


def typed(checkout: Checkout, commands: str, exit_code: int = 0, /, **extra: str) -> str:
    """Type commands that must end with `exit_code`; returns their results, what they print last."""
    done = shell(checkout, commands, **extra)
    assert done.returncode == exit_code, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stderr + done.stdout

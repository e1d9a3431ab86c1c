"""The Git remote of an environment."""

from __future__ import annotations

import os

PUBLIC_GITHUB = "https://github.com"


def git_remote_url(owner: str, repository: str) -> str:
    """Return the address to which a push starts the pipeline.

    It is on the host that `GITHUB_BASE_URL` names, else on github.com.
    """
    base = os.environ.get("GITHUB_BASE_URL", "").rstrip("/")
    if not base or "api.github.com" in base:
        base = PUBLIC_GITHUB
    return f"{base.removesuffix('/api/v3')}/{owner}/{repository}.git"

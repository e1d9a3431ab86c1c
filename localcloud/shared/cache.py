"""The folder that all local clouds of one user share."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Where it is, made or not (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fargate-cd"

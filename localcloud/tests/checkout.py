"""The checkout in which the local cloud's tests run, with the driver and the pipeline's files."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILDSPECS = ROOT / "infra" / "delivery" / "buildspecs"

"""`python -m automation.engine`: get the Pulumi engine, as `make setup` does beside the packages.

It needs only the package `pulumi`. What goes wrong is left to `doctor --fix`, which comes after it,
waits until it has ended, tries again and says what to do.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

from automation.engine import obtain_engine
from automation.errors import DriverError


def main() -> int:
    """Get the engine; returns 0, or 1 if it could not be had."""
    # A shell has its background processes ignore Ctrl-C, and what they start as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end)
    try:
        obtain_engine(_note)
    except (DriverError, KeyboardInterrupt):
        return 1
    return 0


def _end(*_: Any) -> None:
    raise KeyboardInterrupt


def _note(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    raise SystemExit(main())

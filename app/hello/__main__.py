"""`python -m hello` runs the service."""

from __future__ import annotations

import os
import sys

from .application import create_application
from .server import serve
from .settings import Settings


def main() -> int:
    """Run the service; 2 when its environment is wrong."""
    try:
        settings = Settings.load(os.environ)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(create_application(settings), settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())

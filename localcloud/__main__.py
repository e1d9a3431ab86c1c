"""`python -m localcloud serve --state-dir DIR`: the local cloud in the foreground."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from pathlib import Path

from localcloud.gateway import service_models
from localcloud.server.process import LocalCloudError, default_state_dir


def main(arguments: list[str] | None = None) -> int:
    """Serves until told to stop; 1 and one sentence where it can't."""
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the APIs, the registry and the providers")
    serve.add_argument("--state-dir", type=Path, default=None)
    chosen = parser.parse_args(arguments)
    gc.disable()  # until all has started: what imports and models bring in stays
    service_models.share()
    # This imports moto, which `--help` need not wait for.
    from localcloud.server.cloud import serve_until_told

    try:
        serve_until_told((chosen.state_dir or default_state_dir()).resolve())
    except LocalCloudError as error:
        logging.getLogger("localcloud").error("%s", error)
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Updates of services in a row under a steady keep-alive load, on real containers: of one whose
application needs 5 s to start, and of one that ignores SIGTERM.

`python -m benchmarks.rollout_services [UPDATES]` starts a local cloud of its own in a temporary
folder, needs Docker, takes about 20 s an update and prints one JSON document.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.rollout_load import Load
from localcloud.tests.conformance.ecs_stage import Stage, stage

UPDATES = 50
TASKS = 2
CLIENTS = 8
GRACE_SECONDS = 60
"""In which failed health checks of a task that is starting do not end it."""

KINDS: Mapping[str, Mapping[str, str]] = {
    "needs 5 s to start": {"START_DELAY": "5"},
    "ignores SIGTERM": {"DEAF": "yes"},
}


def updated(cloud: Stage, variables: Mapping[str, str], updates: int) -> dict[str, Any]:
    """Roll a service of two tasks over again and again under load."""
    cluster, site = cloud.cluster(), cloud.site()
    first = cloud.definition(variables={**variables, "VERSION": "0"})
    service = cloud.service(
        cluster, first, site, desiredCount=TASKS, healthCheckGracePeriodSeconds=GRACE_SECONDS
    )
    _completed(cloud.rolled_out(cluster, service), first)
    began = time.monotonic()
    with Load(str(urlsplit(site.url).hostname), clients=CLIENTS) as outcome:
        for number in range(1, updates + 1):
            definition = cloud.definition(variables={**variables, "VERSION": str(number)})
            cloud.ecs.update_service(cluster=cluster, service=service, taskDefinition=definition)
            _completed(cloud.rolled_out(cluster, service), definition)
    return {
        "updates": updates,
        "requests": outcome.answered.total() + outcome.lost.total(),
        "failed": outcome.failures,
        "how": {str(kind): count for kind, count in (outcome.answered + outcome.lost).items()},
        "versions_seen": len(outcome.bodies),
        "seconds_per_update": round((time.monotonic() - began) / updates, 1),
    }


def _completed(service: Mapping[str, Any], definition: str) -> None:
    """Refuse to go on from a deployment that failed or was rolled back."""
    newest = service["deployments"][0]
    if service["taskDefinition"] != definition or newest["rolloutState"] != "COMPLETED":
        raise RuntimeError(f"{definition} is not deployed: {service['events'][:3]}")


def run(updates: int, state_dir: Path) -> dict[str, Any]:
    """Both kinds side by side."""
    figures: dict[str, Any] = {}

    def measure(cloud: Stage, kind: str) -> None:
        figures[kind] = updated(cloud, KINDS[kind], updates)

    with stage(state_dir) as cloud:
        threads = [threading.Thread(target=measure, args=(cloud, kind)) for kind in KINDS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return figures


def main() -> None:
    """Print the figures; end with 1 where a request failed or an update was not completed."""
    updates = int(sys.argv[1]) if len(sys.argv) > 1 else UPDATES
    with tempfile.TemporaryDirectory() as folder:
        figures = run(updates, Path(folder))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    if figures.keys() != KINDS.keys() or any(kind["failed"] for kind in figures.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()

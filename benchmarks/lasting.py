"""What many deployments leave behind: memory of the local cloud's process, its state on disk,
containers and threads.

`python -m benchmarks.lasting [ROUNDS]` starts a local cloud of its own in a temporary folder, needs
Docker, rolls eight services over in every round (about half a minute) and prints one JSON document.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from localcloud.server import process
from localcloud.tests.conformance.ecs_stage import Stage, stage

ROUNDS = 40
SERVICES = 8


def left(cloud: Stage, deployments: int) -> dict[str, int]:
    """What there is after a number of deployments."""
    running = psutil.Process(cloud.endpoints.pid)
    files = [file for file in cloud.state_dir.rglob("*") if file.is_file()]
    label = {"label": f"fargate-cd.instance={process.instance_of(cloud.state_dir)}"}
    return {
        "deployments": deployments,
        "memory_mb": running.memory_info().rss // 2**20,
        "threads": running.num_threads(),
        "open_files": running.num_fds(),
        "state_kb": sum(file.stat().st_size for file in files) // 1024,
        "containers": len(
            cloud.engine.containers.list(all=True, ignore_removed=True, filters=label)
        ),
    }


def run(rounds: int, state_dir: Path) -> dict[str, Any]:
    """The figures after every round of deployments, and the seconds of one round."""
    with stage(state_dir) as cloud:
        cluster = cloud.cluster()
        services = [
            cloud.service(cluster, cloud.definition(variables={"VERSION": "0"}), cloud.site())
            for _ in range(SERVICES)
        ]
        for service in services:
            cloud.rolled_out(cluster, service)
        figures = [left(cloud, SERVICES)]
        began = time.monotonic()
        for number in range(1, rounds + 1):
            for service in services:
                definition = cloud.definition(variables={"VERSION": str(number)})
                cloud.ecs.update_service(
                    cluster=cluster, service=service, taskDefinition=definition
                )
            for service in services:
                found = cloud.rolled_out(cluster, service)
                if found["deployments"][0]["rolloutState"] != "COMPLETED":
                    raise RuntimeError(f"{service} failed: {found['events'][:3]}")
            figures.append(left(cloud, SERVICES * (number + 1)))
        seconds = (time.monotonic() - began) / rounds
    return {"seconds_per_round": round(seconds, 1), "left": figures}


def main() -> None:
    """Print the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(run(rounds, Path(folder) / ".localcloud"), indent=2) + "\n")


if __name__ == "__main__":
    main()

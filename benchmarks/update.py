"""How long an update takes on the local cloud, beside a plain `docker run` of the same container.

`python -m benchmarks.update [TIMES]` starts a local cloud of its own in a temporary folder, needs
Docker and prints one JSON document.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

from localcloud.tests.conformance.ecs_stage import APPLICATION, PORT, Stage, stage

TIMES = 5


def answered(url: str, version: str) -> float:
    """The moment at which a version answers first."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            if requests.get(url, timeout=5).text == version:
                return time.monotonic()
        except requests.RequestException:
            time.sleep(0.02)  # it does not listen yet
    raise TimeoutError(f"{url} never answered {version}")


def plain(cloud: Stage, version: str) -> float:
    """Seconds from `docker run` to the first answer."""
    began = time.monotonic()
    container = cloud.engine.containers.run(
        cloud.image,
        ["python3", "-c", APPLICATION],
        environment={"VERSION": version},
        ports={f"{PORT}/tcp": ("127.0.0.1", None)},
        detach=True,
    )
    try:
        container.reload()
        port = container.attrs["NetworkSettings"]["Ports"][f"{PORT}/tcp"][0]["HostPort"]
        return answered(f"http://127.0.0.1:{port}/", version) - began
    finally:
        container.remove(force=True)


def run(times: int, state_dir: Path) -> dict[str, Any]:
    """Medians, in seconds."""
    with stage(state_dir) as cloud:
        cluster, site = cloud.cluster(), cloud.site()
        service = cloud.service(
            cluster, cloud.definition(variables={"VERSION": "0"}), site, desiredCount=2
        )
        cloud.rolled_out(cluster, service)
        figures: dict[str, list[float]] = {"docker_run": [], "first_answer": [], "complete": []}
        for number in range(1, times + 1):
            version = str(number)
            figures["docker_run"].append(plain(cloud, version))
            definition = cloud.definition(variables={"VERSION": version})
            began = time.monotonic()
            cloud.ecs.update_service(cluster=cluster, service=service, taskDefinition=definition)
            figures["first_answer"].append(answered(site.url, version) - began)
            cloud.rolled_out(cluster, service)
            figures["complete"].append(time.monotonic() - began)
    return {what: round(statistics.median(values), 2) for what, values in figures.items()}


def main() -> None:
    """Print the figures."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(run(times, Path(folder) / ".localcloud"), indent=2) + "\n")


if __name__ == "__main__":
    main()

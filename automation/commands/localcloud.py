"""`local start|stop|status|env|logs`: the local cloud by hand."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING

from automation.errors import ConfigurationError
from automation.machine import local_cloud
from automation.screen import Screen

if TYPE_CHECKING:
    from localcloud import api


def start(screen: Screen) -> int:
    """Start the local cloud, or find the running one."""
    endpoints = local_cloud.start(screen)
    screen.result(f"The local cloud answers on {endpoints.api_url} (process {endpoints.pid})")
    screen.document({"running": True, **_described(endpoints)})
    return 0


def stop(screen: Screen) -> int:
    """Stop the local cloud; its state stays on disk."""
    stopped = local_cloud.stop()
    screen.result("The local cloud is stopped" if stopped else "The local cloud was not running")
    screen.document({"running": False, "stopped": stopped})
    return 0


def status(screen: Screen) -> int:
    """Whether the local cloud runs, and where it answers."""
    endpoints = local_cloud.local_cloud().status()
    if endpoints is None:
        screen.result("The local cloud does not run")
        screen.document({"running": False, **_place()})
        return 0
    described = _described(endpoints)
    for name, value in described.items():
        screen.result(f"{name}: {value}")
    screen.document({"running": True, **described})
    return 0


def _place() -> dict[str, object]:
    cloud = local_cloud.local_cloud()
    return {
        "instance": cloud.instance,
        "state_dir": str(cloud.state_dir),
        "log_file": str(cloud.log_file),
    }


def _described(endpoints: api.Endpoints) -> dict[str, object]:
    return {
        "pid": endpoints.pid,
        "started_at": str(endpoints.started_at),
        "api_url": endpoints.api_url,
        "registry": endpoints.registry_host,
        "providers": endpoints.providers,
        **_place(),
    }


def environment(screen: Screen) -> int:
    """Shell exports, so that `aws`, boto3 and plain `pulumi up` talk to the local cloud."""
    endpoints = local_cloud.start(screen)
    variables = endpoints.environment()
    screen.document(variables)
    for name, value in {} if screen.json else variables.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


def logs(follow: bool = False, lines: int = 100) -> int:
    """The local cloud's own log.

    Raises:
        ConfigurationError: it has never run here.
    """
    path = local_cloud.local_cloud().log_file
    if not path.exists():
        raise ConfigurationError(f"There is no log yet: {path} appears with `local start`.")
    with path.open(errors="replace") as log:
        for line in log.readlines()[-lines:]:
            sys.stdout.write(line)
        while follow:
            sys.stdout.flush()
            new = log.read()
            sys.stdout.write(new)
            if not new:
                time.sleep(0.3)
    return 0

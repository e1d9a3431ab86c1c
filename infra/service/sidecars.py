"""The containers of a task: the application's and its sidecars."""

from __future__ import annotations

from dataclasses import replace

from infra.service.container import FIRST_FREE_PORT, Container, Share
from infra.settings.model import Settings
from infra.settings.sidecars import Sidecar


def with_sidecars(settings: Settings, process: str, app: Container) -> list[Container]:
    """The containers in the tasks of a process: the application's, then its sidecars.

    Args:
        settings: the stack's settings.
        process: the process's name.
        app: the application's container there.
    """
    found = settings.sidecars_of(process)
    needed = {name: each.app_depends_on for name, each in found.items() if each.app_depends_on}
    awaited = {*needed, *(on for each in found.values() for on in each.depends_on)}
    ports = [app.port, *(each.port for each in found.values())]
    low_ports = bool(found) and any(port < FIRST_FREE_PORT for port in ports if port)
    beside = [
        replace(_sidecar(name, each, app), share=_share(each, name in awaited, low_ports))
        for name, each in found.items()
    ]
    return [replace(app, share=Share(depends_on=needed, low_ports=low_ports)), *beside]


def _share(sidecar: Sidecar, awaited: bool, low_ports: bool) -> Share:
    return Share(
        sidecar.essential, sidecar.cpu, sidecar.memory, sidecar.depends_on, awaited, low_ports
    )


def _sidecar(name: str, sidecar: Sidecar, app: Container) -> Container:
    """A container beside the application's; what is not its own is as there."""
    return replace(
        app,
        name=name,
        image=sidecar.image,
        port=sidecar.port or None,
        environment=sidecar.environment,
        secrets=sidecar.secrets,
        stop_timeout=sidecar.stop_timeout or app.stop_timeout,
        user=sidecar.user,
        command=sidecar.command,
        entry_point=sidecar.entry_point,
        writable=sidecar.writable_sizes,
        health_check=sidecar.health_check_command,
        start_period=sidecar.startup_seconds,
        nofile=0,
    )

"""Contradictions between the sidecars of a task, and between them and other settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from infra.names import CONTAINER_NAME, WEB
from infra.settings.fields import Fields
from infra.settings.sidecars import AT_ITS_END, Sidecar


def contradiction(settings: Fields) -> str | None:
    """Return what is wrong with `sidecars` beside the other settings; None for nothing."""
    known = {*([WEB] if settings.web else []), *settings.processes}
    for name, sidecar in settings.sidecars.items():
        unknown = sorted({*sidecar.processes} - known)
        if unknown and not settings.preview_of:
            return f"{name}: {unknown[0]} is no process: {', '.join(sorted(known))}"
    for process in known:
        own = settings.processes.get(process)
        found = settings.sidecars_of(process)
        problem = (
            _missing(found, bool((own or settings).health_check_command))
            or _ports(found, 0 if own else settings.container_port)
            or _room(settings, found, *settings.size_of(process))
        )
        if problem:
            return f"in the tasks of {process}: {problem}"
    return _room_of_jobs(settings) or _reachable(settings)


def _missing(found: Mapping[str, Sidecar], app_is_checked: bool) -> str | None:
    for name, sidecar in found.items():
        for on, condition in sidecar.depends_on.items():
            if on == CONTAINER_NAME and condition in AT_ITS_END:
                return f"{name} can't wait for the end of the application: the task ends with it"
            if on == CONTAINER_NAME and condition == "HEALTHY" and not app_is_checked:
                return f"{name} waits for a healthy application: it needs `health_check_command`"
            if on != CONTAINER_NAME and on not in found:
                return f"{name} depends on {on}, which does not run there"
    return None


def _ports(found: Mapping[str, Sidecar], taken: int) -> str | None:
    """Containers of a task share one network, and so its ports."""
    owners = {taken: "the application"} if taken else {}
    for name, sidecar in found.items():
        if sidecar.port in owners:
            return f"{name}: port {sidecar.port} is taken by {owners[sidecar.port]}"
        if sidecar.port:
            owners[sidecar.port] = name
    return None


def _room(settings: Fields, found: Mapping[str, Sidecar], cpu: int, memory: int) -> str | None:
    """Whether something is left of a task for the application."""
    if not found:
        return None
    taken = sum(each.cpu for each in found.values())
    if taken >= cpu:
        return f"the sidecars' cpu is {taken}, which must be less than the task's {cpu}"
    folders = sum(settings.writable_sizes.values())
    held = sum(each.memory or sum(each.writable_sizes.values()) for each in found.values())
    if held + folders >= memory:
        return (
            f"the sidecars' memory is {held} MiB (with `writable_paths` of those without `memory`) "
            f"and the application's `writable_paths` hold {folders} MiB, together they must be "
            f"less than the task's {memory} MiB"
        )
    return None


def _room_of_jobs(settings: Fields) -> str | None:
    """Jobs are tasks of the containers of the web process, or of the one in its place."""
    found = settings.sidecars_of(settings.lead or WEB)
    default_cpu, default_memory = settings.size_of(settings.lead)
    for name, job in settings.jobs.items():
        cpu, memory = job.cpu or default_cpu, job.memory or default_memory
        if problem := _room(settings, found, cpu, memory):
            return f"in the tasks of the job {name}: {problem}"
    return None


def _reachable(settings: Fields) -> str | None:
    """Tasks without a way to the internet pull from ECR alone."""
    if settings.egress != "endpoints" or settings.preview_of:
        return None
    for name, sidecar in settings.sidecars.items():
        if not re.match(r"\d{12}\.dkr\.ecr\.|localhost:", sidecar.image):
            return (
                f"{name}: {sidecar.image} can't be pulled with `egress: endpoints`: push it into a "
                "repository of ECR in the stack's region and name it there"
            )
    return None

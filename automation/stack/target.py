"""The targets, AWS and the local cloud: environment, backend and preparation of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from automation import paths
from automation.errors import ConfigurationError
from automation.screen import Screen
from infra.names import environment_of
from infra.settings.model import NAMESPACE, Settings

Note = Callable[[str], None]

FOREIGN_PREFIXES = ("AWS_", "PULUMI_", "GITHUB_")
"""Variables that would send a local run to another cloud, backend or account."""

KEPT = frozenset({"PULUMI_HOME"})

NO_PROFILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
"""Keeps the user's own AWS profiles out of a local run."""


NO_HTTP2 = (
    "the local load balancer speaks HTTP/1.1 to the tasks; leave it out here, and set it for a "
    "stack on AWS"
)


@dataclass(frozen=True)
class Refused:
    """A setting that a target can't honour.

    Attributes:
        setting: its name.
        value: the value that is refused.
        why: the reason, and what to do.
    """

    setting: str
    value: object
    why: str

    def refuses(self, value: object) -> bool:
        """Whether the setting's value is one that the target can't honour."""
        return value == self.value


BuildArguments = Callable[[Path, str, Note], Mapping[str, str]]
"""From a Dockerfile and a platform to build arguments; the last argument is told what goes on."""


@dataclass(frozen=True)
class Target:
    """A target that stacks are deployed to.

    Attributes:
        name: as in the setting `target`.
        prepare: gets everything ready that a command needs, and returns the environment to set;
            the second argument tells whether it may start what does not run.
        foreign: prefixes of variables of the caller's environment that must not reach the engine.
        work_dir: stack → the folder with `Pulumi.yaml` and the stack's file that the engine uses.
        lock_dir: where the driver's own locks are.
        refused: settings that it can't honour; each with what finds it, and why.
        before_up: gets ready what a stack with these settings finds at its target.
        lost: what the target could not bring back at its last start; None if nothing.
        forgetful: a change that it has answered may be lost when it is killed.
        own_docker: tasks run on this machine's Docker engine, with the images that it has.
        free: its resources cost nothing, and no quota limits them.
        build_arguments: what it adds to a build of a Dockerfile for a platform.
        session_plugin: AWS's Session Manager plugin opens sessions there, encrypted with the
            stack's key where it has one.
    """

    name: str
    prepare: Callable[[Screen, bool], Mapping[str, str]]
    foreign: tuple[str, ...]
    work_dir: Callable[[str], Path]
    lock_dir: Callable[[], Path]
    refused: tuple[Refused, ...] = ()
    before_up: Callable[[Settings, Screen], None] = lambda _settings, _screen: None
    lost: Callable[[], str | None] = lambda: None
    forgetful: bool = False
    own_docker: bool = False
    free: bool = False
    build_arguments: BuildArguments = lambda *_, **__: {}
    session_plugin: bool = True

    def failure_file(self, stack: str) -> Path:
        """Where the driver remembers a stack's last failure."""
        return self.lock_dir().parent / "failures" / f"{stack}.json"

    def pending_file(self, stack: str) -> Path:
        """Where the driver remembers creations of a stack whose end it doesn't know."""
        return self.lock_dir().parent / "unsettled" / f"{stack}.json"

    def check(self, settings: Settings) -> None:
        """Refuse settings that this target does not support, before anything is changed.

        Raises:
            ConfigurationError: each such setting with its reason.
        """
        problems = [
            f"{NAMESPACE}:{row.setting} = {getattr(settings, row.setting)!r}: {row.why}"
            for row in self.refused
            if row.refuses(getattr(settings, row.setting))
        ]
        if problems:
            raise ConfigurationError(f"The target {self.name!r} can't do this:", problems)

    def activate(self, screen: Screen, start: bool = True) -> None:
        """Prepare the target and make its environment this process's own.

        Args:
            screen: where to say what happens.
            start: start what does not run; a command that only reads starts nothing.
        """
        environment = self.prepare(screen, start)
        for name in [n for n in os.environ if n.startswith(self.foreign) and n not in KEPT]:
            del os.environ[name]
        os.environ.update(environment)


def _prepare_aws(_screen: Screen, _start: bool) -> Mapping[str, str]:
    """The user's own account and backend, as plain `pulumi up` would use them."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    diy = backend.partition("://")[0] in {"file", "s3", "gs", "azblob"}
    passphrase = {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys()
    if diy and not passphrase:
        raise ConfigurationError(
            f"The backend {backend} keeps secrets under a passphrase: set PULUMI_CONFIG_PASSPHRASE "
            "or PULUMI_CONFIG_PASSPHRASE_FILE."
        )
    return {}


def _aws_work_dir(stack: str) -> Path:
    """The checkout itself; a preview has no file there, and gets a folder in the cache."""
    if environment_of(stack) is None:
        return paths.ROOT
    return paths.of_project(paths.cache_dir()) / "workspace" / stack


def _prepare_local(screen: Screen, start: bool) -> Mapping[str, str]:
    """Find the running local cloud; or start it, with what it needs."""
    from automation.machine import local_cloud

    running = local_cloud.start(screen) if start else local_cloud.local_cloud().status()
    if running is None:
        raise ConfigurationError(
            "The local cloud does not run, and a command that only reads does not start it: "
            "`python automation/run.py local start` starts it with its state, "
            "`python automation/run.py up --stack local` brings the stack up."
        )
    return running.environment() | NO_PROFILES


def _before_local_up(settings: Settings, screen: Screen) -> None:
    from automation.machine import git_host

    git_host.ensure_repository(settings, screen)


def _lost_by_the_local_cloud() -> str | None:
    from automation.machine import local_cloud

    return local_cloud.local_cloud().lost_state


def _local_build_arguments(dockerfile: Path, platform: str, note: Note) -> Mapping[str, str]:
    from automation.machine import local_cloud

    return local_cloud.build_arguments(dockerfile, platform, note)


def _local_work_dir(stack: str) -> Path:
    from automation.machine import local_cloud

    return paths.of_project(local_cloud.state_dir()) / "workspace" / stack


def _local_lock_dir() -> Path:
    from automation.machine import local_cloud

    return paths.of_project(local_cloud.state_dir()) / "locks"


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(
            name="aws",
            prepare=_prepare_aws,
            foreign=(),
            work_dir=_aws_work_dir,
            lock_dir=lambda: paths.of_project(paths.cache_dir()) / "locks",
        ),
        Target(
            name="local",
            prepare=_prepare_local,
            foreign=FOREIGN_PREFIXES,
            work_dir=_local_work_dir,
            lock_dir=_local_lock_dir,
            refused=(
                Refused(
                    "waf_logs",
                    True,
                    "the local firewall inspects no requests, so it has nothing to log; leave it "
                    "out here, and set it for a stack on AWS",
                ),
                Refused("protocol_version", "HTTP2", NO_HTTP2),
                Refused("protocol_version", "GRPC", NO_HTTP2),
            ),
            before_up=_before_local_up,
            lost=_lost_by_the_local_cloud,
            forgetful=True,
            own_docker=True,
            free=True,
            build_arguments=_local_build_arguments,
            session_plugin=False,
        ),
    )
}

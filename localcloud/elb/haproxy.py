"""One HAProxy for all load balancers of a local cloud: started, adopted, reloaded, steered.

Targets come and go through the runtime API. Listeners and rules change by a seamless reload: the
new worker takes over the listening sockets; the old one finishes the requests that it holds and
relays the next one of each connection to the new worker, before it closes the connection.

HAProxy 2.6: https://docs.haproxy.org/2.6/management.html
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from localcloud.elb.configuration import (
    configuration,
    description,
    relay_socket,
    server_address,
)
from localcloud.elb.model import Plane, Server, TargetGroup

log = logging.getLogger("localcloud.elb")

STATE_FORMAT = "1\n"
"""How the answer to `show servers state` begins."""

RELOAD_SECONDS = 60
ANSWER_SECONDS = 30
"""One that is not there refuses at once; one that is slow is not to be started a second time."""
STOPPING_SECONDS = 10
LONGEST_SOCKET_PATH = 80
"""Bytes; the system's limit is 107 and HAProxy adds to the name while it binds."""

PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)
"""Others would have to be quoted, and addresses of sockets are split at commas."""

OUT_OF_ROTATION = 0x01 | 0x02 | 0x08 | 0x10 | 0x20
"""Bits of `srv_admin_state`: maintenance or drain, set or inherited. A server in maintenance gets
no new requests and finishes those that it has."""


class HaproxyError(Exception):
    """HAProxy is missing, or did not do what it was asked; the message says what and why."""


def socket_file(folder: Path, instance: str) -> Path:
    """The master's socket: in the folder, or in a private one where HAProxy can't name it.

    Its path may be too long there, or have characters that separate words or addresses.
    """
    inside = folder / "haproxy.sock"
    if len(str(inside).encode()) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(str(inside)):
        return inside
    private = Path(tempfile.gettempdir()) / f"fargate-cd-{instance}-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.getuid():
        raise HaproxyError(f"{private} belongs to another user; remove it or move the state folder")
    private.chmod(0o700)
    return private / "haproxy.sock"


class Haproxy:
    """HAProxy in master-worker mode, detached: it goes on serving when this process dies.

    Args:
        folder: where its configuration (`config`), log and socket are.
        instance: the local cloud's name, by which a running HAProxy is known as ours.
    """

    def __init__(self, folder: Path, instance: str) -> None:
        self._instance = instance
        self._socket = socket_file(folder, instance)
        self.sockets = self._socket.parent
        self.config = folder.absolute() / "haproxy.cfg"
        self._log = folder / "haproxy.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._needed = False

    def apply(self, plane: Plane, before_change: Callable[[], None] = lambda: None) -> None:
        """Serve what the plane describes.

        Args:
            plane: what to serve.
            before_change: called while the counters of what is about to go can still be read.

        Raises:
            HaproxyError: HAProxy is missing, refuses the configuration or can't bind a port.
        """
        self._needed = any(balancer.listeners for balancer in plane.load_balancers)
        if not self._needed:
            if self._process is not None or self._socket.exists():
                self.stop()
            return
        wanted = description(plane, self._instance)
        text = configuration(plane, self._instance, self.sockets)
        running = self.running_description()
        if running != wanted:
            self._check(text)
        self.config.write_text(text)
        if running is None:
            self._start()
        elif running != wanted:
            before_change()
            self.ask("reload", attempts=1)
        if running != wanted:
            self._await(wanted)
            self._keep_sockets(plane)
        self._synchronize(plane, before_change)

    def running_description(self) -> str | None:
        """What the current worker says it runs; None where no HAProxy of ours runs."""
        try:
            lines = self.ask("@1 show info", attempts=1).splitlines()
        except OSError:
            return None
        found = [line.removeprefix("description: ") for line in lines if line.startswith("desc")]
        return found[0] if found else ""

    def workers(self) -> list[str]:
        """The processes that serve connections, the current one first, as the master names them."""
        found, within = [], False
        for line in self.ask("show proc").splitlines():
            if line.startswith("#"):
                within = "workers" in line
            elif within and line.split()[1:2] == ["worker"]:
                found.append(f"@!{line.split()[0]}")
        return found

    def missing(self) -> bool:
        """Whether it should run and doesn't."""
        return self._needed and self.running_description() is None

    def stop(self) -> None:
        """End it, with the connections it holds; also where its folder or socket is gone."""
        running = self._processes()
        for one in running:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.terminate()
        _, stubborn = psutil.wait_procs(running, timeout=STOPPING_SECONDS)
        for one in stubborn:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        if self._process is not None:
            self._process.wait(STOPPING_SECONDS)
            self._process = None
        for file in self._socket.parent.glob("*.sock"):
            file.unlink(missing_ok=True)
        if self._socket.parent != self.config.parent:
            with contextlib.suppress(OSError):  # gone already, or in use by another of our name
                self._socket.parent.rmdir()

    def _keep_sockets(self, plane: Plane) -> None:
        """Remove the sockets of listeners that are gone, which HAProxy leaves behind."""
        kept = {self._socket} | {
            relay_socket(listener, self._socket.parent)
            for balancer in plane.load_balancers
            for listener in balancer.listeners
        }
        for file in set(self._socket.parent.glob("*.sock")) - kept:
            file.unlink(missing_ok=True)

    def _processes(self) -> list[psutil.Process]:
        """Every HAProxy that runs our configuration: ours, and one that a dead process left."""
        config = str(self.config)
        return [
            one
            for one in psutil.process_iter(["name", "cmdline"])
            if one.info["name"] == "haproxy" and config in (one.info["cmdline"] or [])
        ]

    def _check(self, text: str) -> None:
        candidate = self.config.with_suffix(".new")
        candidate.write_text(text)
        checked = subprocess.run(
            [executable(), "-c", "-f", str(candidate)],
            capture_output=True,
            text=True,
            check=False,
        )
        if checked.returncode:
            raise HaproxyError(f"HAProxy refuses the configuration {candidate}: {checked.stderr}")

    def _start(self) -> None:
        self.stop()  # one that runs and does not answer would hold the ports
        self._socket.parent.mkdir(mode=0o700, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    executable(),
                    "-W",
                    "-S",
                    f"unix@{self._socket},mode,600",
                    "-f",
                    str(self.config),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _await(self, wanted: str) -> None:
        deadline = time.monotonic() + RELOAD_SECONDS
        while self.running_description() != wanted:
            died = self._process is not None and self._process.poll() is not None
            if died or time.monotonic() > deadline:
                raise HaproxyError(f"HAProxy did not take its configuration: {self._last_words()}")
            time.sleep(0.02)

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return "; ".join([line for line in lines if "ALERT" in line][-3:] or lines[-3:])

    def ask(self, command: str, attempts: int = 50) -> str:
        """Ask the master, which may be away for a moment during a reload.

        Raises:
            OSError: it can't be reached.
        """
        for attempt in range(attempts):
            try:
                return self._ask(command)
            except OSError:
                if attempt + 1 == attempts:
                    raise
                time.sleep(0.02)
        raise AssertionError("no attempt")

    def _ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(self._socket))
            connection.sendall(f"{command}\n".encode())
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def _synchronize(self, plane: Plane, before_change: Callable[[], None]) -> None:
        """Bring the current worker's servers in line, whatever they are now.

        Raises:
            HaproxyError: the worker does not answer.
        """
        answer = self.ask("@1 show servers state")
        if not answer.startswith(STATE_FORMAT):
            raise HaproxyError(f"HAProxy does not tell its servers: {answer.strip()}")
        present = _servers(answer)
        for group in plane.target_groups:
            known = present.get(group.backend, {})
            wanted = {server.name: server for server in plane.servers.get(group.backend, ())}
            for server in wanted.values():
                self._ensure(group, server, known.get(server.name))
            if known.keys() - wanted.keys():
                before_change()
            for name in known.keys() - wanted.keys():
                self._remove(f"{group.backend}/{name}")

    def _ensure(self, group: TargetGroup, server: Server, state: int | None) -> None:
        """Have the server there, in or out of rotation."""
        name = f"{group.backend}/{server.name}"
        if state is None:
            self.ask(f"@1 add server {name} {server_address(group, server)}")
            state = 0x01
        if server.routable == bool(state & OUT_OF_ROTATION):
            wanted = "ready" if server.routable else "maint"
            self.ask(f"@1 set server {name} state {wanted}")

    def _remove(self, name: str) -> None:
        """Cut what the server still answers and forget it; where connections are still closing,
        it stays out of rotation and goes the next time."""
        for command in (f"set server {name} state maint", f"shutdown sessions server {name}"):
            self.ask(f"@1 {command}")
        self.ask(f"@1 del server {name}")


def _servers(answer: str) -> dict[str, dict[str, int]]:
    """Backend → server → bits of its administrative state, from `show servers state`."""
    found: dict[str, dict[str, int]] = {}
    for line in answer.splitlines()[1:]:
        fields = line.split()
        if fields and not line.startswith("#"):
            found.setdefault(fields[1], {})[fields[3]] = int(fields[6])
    return found


def executable() -> str:
    """The path of HAProxy.

    Raises:
        HaproxyError: it is not installed.
    """
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise HaproxyError(
            "Load balancers of the local cloud need HAProxy 2.6 or later, which is not installed; "
            "`apt-get install haproxy` or `brew install haproxy` brings it"
        )
    return found

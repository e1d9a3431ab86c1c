"""PostgreSQL servers in containers of Docker, with their data in a volume each."""

from __future__ import annotations

import logging
import time
from collections.abc import Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import docker
from docker.errors import APIError, NotFound

from localcloud.server.docker_network import LABEL as INSTANCE_LABEL
from localcloud.shared.base_image import (
    PACKAGES,
    PUBLIC_REGISTRY,
    image_of_packages,
    registry_answers,
)

log = logging.getLogger(__name__)

LABEL = "fargate-cd.database"
STAND_IN = "fargate-cd-postgresql"
OFFICIAL = f"{PUBLIC_REGISTRY}/docker/library/postgres"
DATA = "/var/lib/postgresql"
PATIENCE_SECONDS = 300.0
"""How long a server may take until it takes connections, on a machine that is busy."""

MEMORY = "512m"

FIND_PROGRAMS = 'PATH="$PATH:$(echo /usr/lib/postgresql/*/bin)"'

# Makes the data once, under another name until they are whole; then it is the server itself.
SCRIPT = rf"""
{FIND_PROGRAMS}
if [ ! -d "$DATA/whole" ]; then
  rm -rf "$DATA/half"
  printf %s "$PASSWORD" >/tmp/password
  initdb --pgdata "$DATA/half" --username "$MASTER" --pwfile /tmp/password --encoding UTF8 \
    --locale C.UTF-8 --auth-host scram-sha-256 --auth-local trust
  echo "host all all all scram-sha-256" >>"$DATA/half/pg_hba.conf"
  pg_ctl --pgdata "$DATA/half" --wait --options "-h '' -k /tmp -p $PORT" start
  if [ -n "$NAME" ] && [ "$NAME" != postgres ]; then
    createdb --host /tmp --port "$PORT" --username "$MASTER" --owner "$MASTER" \
      --maintenance-db postgres "$NAME"
  fi
  pg_ctl --pgdata "$DATA/half" --wait stop
  mv "$DATA/half" "$DATA/whole"
fi
rm -f "$DATA/whole/postmaster.pid"
exec postgres -D "$DATA/whole" -h '*' -k /tmp -p "$PORT"
"""


@dataclass(frozen=True)
class Database:
    """What a server has to be.

    Attributes:
        key: tells it from the other databases of this local cloud.
        address: the name by which tasks reach it.
        port: where it listens.
        version: of the engine, such as `16` or `16.4`.
        user: the master user.
        password: of the master user.
        name: of the first database; empty for `postgres` alone.
    """

    key: str
    address: str
    port: int
    version: str
    user: str
    password: str = field(repr=False)
    name: str = ""


class Servers:
    """The servers of one local cloud.

    Args:
        instance: the label's value that marks its containers.
        network: the Docker network of the tasks.
    """

    def __init__(self, instance: str, network: str) -> None:
        self._instance, self._network = instance, network

    @cached_property
    def _client(self) -> Any:
        return docker.from_env(timeout=180)

    def run(self, database: Database) -> None:
        """Run a server, with the data that it has, and wait until it takes connections.

        One that runs already goes on: it outlives the process that started it.

        Raises:
            docker.errors.DockerException: Docker refuses.
            BaseImageError: its image can't be had.
            OSError: it takes no connection in time, or ends.
        """
        name = self._name(database.key)
        container = self._running(name)
        if container is None:
            self._remove_container(name)
            made = self._create(name, database, image(self._client, database.version))
            container = self._client.containers.get(made)
            container.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _answers(container, database.port):
            if container.status not in ("created", "running") or time.monotonic() > deadline:
                said = container.logs(tail=5).decode(errors="replace").strip()
                raise OSError(f"the server {name} is {container.status}: {said}")
            time.sleep(0.3)

    def remove(self, key: str) -> None:
        """Remove a server with its data; nothing happens where it is gone."""
        name = self._name(key)
        self._remove_container(name)
        try:
            self._client.api.remove_volume(name, force=True)
        except APIError as error:
            if error.status_code != 404:
                raise

    def remove_all_but(self, keys: Set[str]) -> None:
        """Remove the servers that an interrupted deletion or a lost state has left."""
        filters = {"label": [f"{INSTANCE_LABEL}={self._instance}", LABEL]}
        found = {
            *(
                each.labels[LABEL]
                for each in self._client.containers.list(True, filters=filters, ignore_removed=True)
            ),
            *(each.attrs["Labels"][LABEL] for each in self._client.volumes.list(filters=filters)),
        }
        for key in sorted(found - keys):
            log.info("removing the database %s, which nobody knows", key)
            self.remove(key)

    def _running(self, name: str) -> Any:
        """The container of that name if it runs; None otherwise."""
        found = self._client.containers.list(
            ignore_removed=True, filters={"name": f"^/{name}$", "status": "running"}
        )
        return found[0] if found else None

    def _name(self, key: str) -> str:
        return f"fargate-cd-{self._instance}-rds-{key}"

    def _remove_container(self, name: str) -> None:
        try:
            self._client.api.remove_container(name, force=True, v=True)
        except APIError as error:
            if error.status_code not in (404, 409):
                raise

    def _create(self, name: str, database: Database, runs: str) -> str:
        api, labels = self._client.api, {INSTANCE_LABEL: self._instance, LABEL: database.key}
        self._client.volumes.create(name, labels=labels)
        beside = api.create_endpoint_config(aliases=[database.address])
        made = api.create_container(
            runs,
            name=name,
            user="postgres",
            entrypoint=["/bin/sh", "-ec", SCRIPT],
            labels=labels,
            environment={
                "DATA": DATA,
                "MASTER": database.user,
                "NAME": database.name,
                "PASSWORD": database.password,
                "PORT": str(database.port),
            },
            host_config=api.create_host_config(
                binds={name: {"bind": DATA, "mode": "rw"}},
                cap_drop=["ALL"],
                init=True,
                mem_limit=MEMORY,
            ),
            networking_config=api.create_networking_config({self._network: beside}),
        )
        return str(made["Id"])


def image(client: Any, version: str) -> str:
    """The image of a server, which is pulled or made if the engine hasn't got it.

    Args:
        client: of the Docker engine.
        version: of PostgreSQL; its major version is had where a registry is in reach.

    Returns:
        The official image; one of Debian's server where no registry is in reach.

    Raises:
        BaseImageError: it can't be made.
    """
    official = f"{OFFICIAL}:{version.partition('.')[0]}"
    if client.images.list(official):
        return official
    if registry_answers(PUBLIC_REGISTRY):
        try:
            client.images.pull(official)
            return official
        except (APIError, NotFound) as error:
            log.warning("%s can't be pulled: %s", official, error)
    return image_of_packages(STAND_IN, (*PACKAGES, "postgresql"), log.info)


def _answers(container: Any, port: int) -> bool:
    """Whether the server takes connections, which it does not while it recovers from a kill."""
    container.reload()
    if container.status != "running":
        return False
    ask = f"{FIND_PROGRAMS}; pg_isready -h 127.0.0.1 -p {port}"
    return bool(container.exec_run(["/bin/sh", "-c", ask]).exit_code == 0)

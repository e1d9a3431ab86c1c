"""The package `docker`: builds images with this machine's Docker engine and pushes them.

Behaves as pulumi-docker's `docker.Image` does:
https://www.pulumi.com/registry/packages/docker/api-docs/image/
"""

from __future__ import annotations

from localcloud.providers.docker.image import Image
from localcloud.providers.plugin import Plugin
from localcloud.shared.service import Surroundings


def servicer(surroundings: Surroundings) -> Plugin:  # noqa: ARG001
    """The provider's server side; it needs the Docker engine, not the local cloud."""
    return Plugin(
        "docker",
        "pulumi_docker",
        settings=["host"],
        handlers={"docker:index/image:Image": Image()},
    )

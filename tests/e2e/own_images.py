"""Images that a test makes itself, in a repository of the local cloud's registry."""

from __future__ import annotations

import base64
from pathlib import Path

import docker

from localcloud.shared.base_image import local_base_image
from tests.e2e.checkout import Checkout


def pushed(checkout: Checkout, repository: str, folder: Path, instructions: str = "") -> str:
    """Build an image on the local base image, and push it.

    Args:
        checkout: whose local cloud runs.
        repository: to be made.
        folder: the build's context.
        instructions: the Dockerfile's lines after `FROM`.

    Returns:
        The image's name.
    """
    ecr = checkout.client("ecr")
    uri = str(ecr.create_repository(repositoryName=repository)["repository"]["repositoryUri"])
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    engine, name = docker.from_env(), f"{uri}:1"
    base = local_base_image(lambda _: None)
    (folder / "Dockerfile").write_text(f"FROM {base}\n{instructions}")
    engine.images.build(path=str(folder), tag=name)
    told = engine.images.push(name, auth_config={"username": user, "password": password})
    assert "errorDetail" not in told, told
    engine.images.remove(name, force=True)
    return name

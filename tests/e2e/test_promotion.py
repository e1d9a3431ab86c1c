"""A promoted image: copied under its digest, run from the stack's own repository, and still there
when its source is gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from automation.deployment.promotion import Manifest, Repository
from tests.e2e.checkout import Checkout

UP = ("up", "--stack", "local", "--yes")
SOURCE = "team/app"


def another_image(checkout: Checkout, image: str) -> Manifest:
    """The image of the stack under another digest, in a repository that is not the stack's."""
    ecr = checkout.client("ecr")
    ecr.create_repository(repositoryName=SOURCE)
    access = ecr.get_authorization_token()["authorizationData"][0]
    endpoint, token = access["proxyEndpoint"], access["authorizationToken"]
    own = Repository(endpoint, "fargate-cd-local", token)
    source = Repository(endpoint, SOURCE, token)
    built = own.manifest(image.partition("@")[2])
    assert built is not None
    document = json.loads(built.content)
    configuration = json.loads(b"".join(own.read(document["config"]["digest"])))
    configuration["config"]["Labels"] = {"tested": "elsewhere"}
    content = json.dumps(configuration).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"

    def pieces() -> Iterator[bytes]:
        yield content

    source.write(digest, pieces())
    for layer in document["layers"]:
        source.write(layer["digest"], own.read(layer["digest"]))
    document["config"] |= {"digest": digest, "size": len(content)}
    made = Manifest(json.dumps(document).encode(), built.media_type)
    source.put(made, "v1")
    return made


def test_a_promoted_image_is_the_stacks_own(checkout: Checkout) -> None:
    built = checkout.json(*UP)["outputs"]["image_uri"]
    tested = another_image(checkout, built)
    host = built.partition("/")[0]
    named = f"{host}/{SOURCE}@{tested.digest}"
    checkout.configure(promotion=True)

    promoted = checkout.json(*UP, "--image", named)
    assert promoted["result"] == "succeeded"
    own = f"{host}/fargate-cd-local@{tested.digest}"
    assert promoted["outputs"]["image_uri"] == own
    release = checkout.json("status", "--stack", "local")["release"]
    assert release["image"] == own
    checkout.json("preview", "--stack", "local", "--image", named, "--expect-no-changes")

    checkout.client("ecr").delete_repository(repositoryName=SOURCE, force=True)
    checkout.configure(environment={"COLOUR": "red"})
    again = checkout.json(*UP)
    assert again["result"] == "succeeded"
    assert again["outputs"]["image_uri"] == own

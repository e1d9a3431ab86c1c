"""A promoted image is copied whole, under its digest, through a registry as Docker speaks to it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.deployment.promotion import Promotion
from automation.errors import DriverError
from infra.names import Names
from localcloud.ecr.model import Repository
from localcloud.ecr.registry import Registry
from localcloud.ecr.store import Repositories
from localcloud.ecr.tokens import Caller, Tokens
from localcloud.server.serving import listen, serve
from localcloud.shared.service import Call, ServiceError
from localcloud.tests.unit.ecr.test_registry import INDEX, MANIFEST, Client
from tests.unit.automation.conftest import Captured

ACCOUNT = "123456789012"
SOURCE, OWN = "fargate-cd-dev", "fargate-cd-prod"


@dataclass
class World:
    """A registry with the repositories of two stacks, and who promotes from one to the other."""

    client: Client
    promotion: Promotion
    captured: Captured
    calls: list[str]
    denied: set[tuple[str, str]]

    def image(self, reference: str, repository: str = SOURCE) -> str:
        mark = "@" if reference.startswith("sha256:") else ":"
        return f"127.0.0.1:{self.client.port}/{repository}{mark}{reference}"

    def own(self, reference: str) -> tuple[int, bytes]:
        found = self.client.ask("GET", f"/v2/{OWN}/manifests/{reference}")
        return found.status, found.body


@pytest.fixture
def world(tmp_path: Path, captured: Captured) -> Iterator[World]:
    repositories = Repositories(tmp_path, ACCOUNT)
    calls: list[str] = []
    denied: set[tuple[str, str]] = set()
    for name in (SOURCE, OWN):
        repositories.add(Repository(name, 0.0))
    tokens = Tokens(tmp_path)
    password, _ = tokens.issue(Caller("arn:aws:iam::1:user/pusher", "AKIA", "us-east-1"))

    def authorize(call: Call) -> None:
        calls.append(f"{call.operation} {call.input['repositoryName']}")
        if (call.operation, call.input["repositoryName"]) in denied:
            raise ServiceError("AccessDenied", f"not allowed: ecr:{call.operation}", 403)

    registry = Registry(repositories, tokens, authorize, ACCOUNT)
    server = serve(registry, listen("127.0.0.1", 0), "registry under test")
    client = Client(server.port, password, repositories)
    access = {
        "proxyEndpoint": f"http://127.0.0.1:{server.port}",
        "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
    }
    ecr = SimpleNamespace(get_authorization_token=lambda: {"authorizationData": [access]})
    promotion = Promotion(captured.screen)
    promotion.session = SimpleNamespace(  # type: ignore[assignment]
        cloud=SimpleNamespace(client=lambda _: ecr), names=Names("fargate-cd", "prod")
    )
    yield World(client, promotion, captured, calls, denied)
    server.stop()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def pushed(world: World, tag: str = "v1", layer: bytes = b"a layer") -> str:
    answer = world.client.push_image(SOURCE, tag, layer)
    assert answer.status == 201
    return str(answer.headers["Docker-Content-Digest"])


@pytest.mark.parametrize("by_tag", [True, False])
def test_the_copy_has_the_same_digest_and_all_its_layers(world: World, by_tag: bool) -> None:
    digest = pushed(world)
    image = world.image("v1" if by_tag else digest)
    assert world.promotion.digest(image) == digest
    world.promotion.copy(image)
    status, manifest = world.own(digest)
    assert status == 200
    assert digest_of(manifest) == digest
    assert world.own(f"promoted-{digest[7:19]}") == (200, manifest)
    layer = world.client.ask("GET", f"/v2/{OWN}/blobs/{digest_of(b'a layer')}")
    assert layer.body == b"a layer"
    assert f"Copying {image} into {OWN}" in world.captured.err.getvalue()


def test_what_is_there_is_not_sent_again(world: World) -> None:
    image = world.image(pushed(world))
    world.promotion.copy(image)
    world.calls.clear()
    world.promotion.copy(image)
    assert {call.partition(" ")[0] for call in world.calls} == {"BatchGetImage"}
    assert world.captured.err.getvalue().count("Copying") == 1


def test_a_copy_outlives_its_source(world: World) -> None:
    digest = pushed(world)
    world.promotion.copy(world.image(digest))
    world.client.repositories.remove(world.client.repositories.get(SOURCE))
    assert world.promotion.digest(world.image(digest)) == digest
    world.promotion.copy(world.image(digest))


def test_an_image_for_several_platforms_is_copied_with_all_of_them(world: World) -> None:
    children = [pushed(world, tag, tag.encode()) for tag in ("amd64", "arm64")]
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {"mediaType": MANIFEST, "digest": each, "size": 1, "platform": {"os": "linux"}}
            for each in children
        ],
    }
    content = json.dumps(index).encode()
    answer = world.client.ask("PUT", f"/v2/{SOURCE}/manifests/all", content, Content_Type=INDEX)
    assert answer.status == 201, answer.body
    world.promotion.copy(world.image("all"))
    assert world.own(digest_of(content)) == (200, content)
    assert [world.own(each)[0] for each in children] == [200, 200]


def test_an_image_that_is_not_to_be_had_stays_where_it_is(world: World) -> None:
    digest = pushed(world)
    assert world.promotion.digest(world.image("none")) is None
    assert world.promotion.digest(world.image(digest, OWN)) is None
    assert world.promotion.digest("registry.example.com/app:1") is None
    assert world.promotion.digest("nginx") is None
    world.denied.add(("BatchGetImage", SOURCE))
    assert world.promotion.digest(world.image(digest)) is None


def test_a_registry_that_does_not_answer_is_told(world: World) -> None:
    world.promotion.session = SimpleNamespace(  # type: ignore[assignment]
        cloud=SimpleNamespace(client=lambda _: nowhere()), names=Names("fargate-cd", "prod")
    )
    assert world.promotion.digest("127.0.0.1:1/fargate-cd-dev:v1") is None
    assert "can't be looked up, so it stays where it is" in world.captured.err.getvalue()


def nowhere() -> SimpleNamespace:
    """ECR, with a registry at a port where nobody listens."""
    access = {"proxyEndpoint": "http://127.0.0.1:1", "authorizationToken": "QVdTOnA="}
    return SimpleNamespace(get_authorization_token=lambda: {"authorizationData": [access]})


def test_a_refusal_midway_is_told_in_words(world: World) -> None:
    image = world.image(pushed(world))
    world.denied.add(("InitiateLayerUpload", OWN))
    with pytest.raises(DriverError, match="must be allowed to pull from the one and to push"):
        world.promotion.copy(image)


def test_who_may_not_log_in_copies_nothing(world: World) -> None:
    def refuse() -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetAuthorizationToken")

    world.promotion.session = SimpleNamespace(  # type: ignore[assignment]
        cloud=SimpleNamespace(client=lambda _: SimpleNamespace(get_authorization_token=refuse)),
        names=Names("fargate-cd", "prod"),
    )
    assert world.promotion.digest(world.image("v1")) is None

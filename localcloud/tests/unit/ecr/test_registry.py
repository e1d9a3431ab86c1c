"""The registry's protocol, by plain HTTP as a client other than Docker might speak it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.ecr.model import Repository
from localcloud.ecr.registry import Registry
from localcloud.ecr.shared_layers import LEAST_BYTES, SharedLayers
from localcloud.ecr.store import Repositories
from localcloud.ecr.tokens import Caller, Tokens
from localcloud.server.serving import listen, serve
from localcloud.shared.service import Call, ServiceError

ACCOUNT = "123456789012"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Reply:
    status: int
    headers: Any
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["errors"][0]["code"])


@dataclass
class Client:
    """Speaks to the registry."""

    port: int
    password: str
    repositories: Repositories

    def ask(
        self, method: str, path: str, body: Any = None, login: bool = True, **headers: str
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if login:
            pair = base64.b64encode(f"AWS:{self.password}".encode()).decode()
            sent["Authorization"] = f"Basic {pair}"
        chunked = body is not None and not isinstance(body, bytes)
        connection.request(method, path, body=body, headers=sent, encode_chunked=chunked)
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.headers, answer.read())
        connection.close()
        return reply

    def push_blob(self, name: str, content: bytes) -> str:
        digest = digest_of(content)
        begun = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        assert begun.status == 202
        done = self.ask("PUT", f"{begun.headers['Location']}?digest={digest}", content)
        assert done.status == 201, done.body
        return digest

    def push_image(self, name: str, tag: str, layer: bytes) -> Reply:
        config = json.dumps({"layer": digest_of(layer)}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._descriptor(name, config, "application/vnd.docker.container.image.v1"),
            "layers": [self._descriptor(name, layer, "application/vnd.docker.image.rootfs.diff")],
        }
        content = json.dumps(manifest).encode()
        return self.ask("PUT", f"/v2/{name}/manifests/{tag}", content, Content_Type=MANIFEST)

    def _descriptor(self, name: str, content: bytes, media_type: str) -> dict[str, Any]:
        digest = self.push_blob(name, content)
        return {"mediaType": media_type, "size": len(content), "digest": digest}


class Policies:
    """Stands for IAM."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.denied: set[tuple[str, str]] = set()

    def authorize(self, call: Call) -> None:
        self.calls.append(call)
        if (call.operation, call.input["repositoryName"]) in self.denied:
            raise ServiceError("AccessDenied", f"not allowed: ecr:{call.operation}", 403)


@pytest.fixture
def policies() -> Policies:
    return Policies()


@pytest.fixture
def client(tmp_path: Path, policies: Policies) -> Iterator[Client]:
    repositories = Repositories(tmp_path, ACCOUNT, SharedLayers(tmp_path / "layers"))
    for name in ("app", "team/other"):
        repositories.add(Repository(name, 0.0))
    tokens = Tokens(tmp_path)
    password, _ = tokens.issue(Caller("arn:aws:iam::1:user/pusher", "AKIA", "us-east-1"))
    registry = Registry(repositories, tokens, policies.authorize, ACCOUNT)
    server = serve(registry, listen("127.0.0.1", 0), "registry under test")
    yield Client(server.port, password, repositories)
    server.stop()


def test_a_login_is_asked_for_and_checked(client: Client) -> None:
    refused = client.ask("GET", "/v2/", login=False)
    assert (refused.status, refused.code) == (401, "UNAUTHORIZED")
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert client.ask("GET", "/v2/").status == 200

    forged = Client(client.port, client.password[:-4] + "AAAA", client.repositories)
    assert forged.ask("GET", "/v2/").status == 401


def test_an_image_comes_back_as_it_was_pushed(client: Client) -> None:
    pushed = client.push_image("app", "v1", b"layer one")
    assert pushed.status == 201
    digest = pushed.headers["Docker-Content-Digest"]

    for reference in ("v1", digest):
        got = client.ask("GET", f"/v2/app/manifests/{reference}")
        assert got.headers["Content-Type"] == MANIFEST
        assert digest_of(got.body) == digest == got.headers["Docker-Content-Digest"]
        head = client.ask("HEAD", f"/v2/app/manifests/{reference}")
        assert (head.status, head.headers["Content-Length"]) == (200, str(len(got.body)))
    layer = client.ask("GET", f"/v2/app/blobs/{digest_of(b'layer one')}")
    assert (layer.status, layer.body) == (200, b"layer one")


def test_a_blob_in_pieces(client: Client) -> None:
    content = b"0123456789" * 1000
    where = client.ask("POST", "/v2/app/blobs/uploads/").headers["Location"]
    first = client.ask("PATCH", where, iter([content[:4000], content[4000:6000]]))
    assert (first.status, first.headers["Range"]) == (202, "0-5999")
    wrong = client.ask("PATCH", where, b"x", Content_Range="17-17")
    assert (wrong.status, wrong.code) == (416, "BLOB_UPLOAD_INVALID")
    second = client.ask("PATCH", where, content[6000:], Content_Range="6000-9999")
    assert second.status == 202
    assert client.ask("GET", where).headers["Range"] == "0-9999"
    done = client.ask("PUT", f"{where}?digest={digest_of(content)}")
    assert done.status == 201

    part = client.ask("GET", done.headers["Location"], Range="bytes=10-19")
    assert (part.status, part.body) == (206, b"0123456789")
    assert part.headers["Content-Range"] == "bytes 10-19/10000"


def test_a_blob_in_one_request(client: Client) -> None:
    done = client.ask("POST", f"/v2/app/blobs/uploads/?digest={digest_of(b'all')}", b"all")
    assert done.status == 201
    assert client.ask("GET", done.headers["Location"]).body == b"all"


def test_content_must_be_what_its_digest_says(client: Client, tmp_path: Path) -> None:
    other = digest_of(b"other")
    where = client.ask("POST", "/v2/app/blobs/uploads/").headers["Location"]
    refused = client.ask("PUT", f"{where}?digest={other}", b"this")
    assert (refused.status, refused.code) == (400, "DIGEST_INVALID")
    assert client.ask("HEAD", f"/v2/app/blobs/{other}").status == 404
    assert list((tmp_path / "uploads").iterdir()) == []
    manifest = client.ask("PUT", f"/v2/app/manifests/{other}", b"{}", Content_Type=MANIFEST)
    assert (manifest.status, manifest.code) == (400, "DIGEST_INVALID")


def test_a_cancelled_upload_is_gone(client: Client) -> None:
    where = client.ask("POST", "/v2/app/blobs/uploads/").headers["Location"]
    assert client.ask("DELETE", where).status == 204
    assert client.ask("PATCH", where, b"x").code == "BLOB_UPLOAD_UNKNOWN"


def test_a_blob_is_mounted_from_a_repository_that_may_be_read(
    client: Client, policies: Policies
) -> None:
    digest = client.push_blob("team/other", b"shared")
    path = f"/v2/app/blobs/uploads/?mount={digest}&from=team/other"
    policies.denied = {("GetDownloadUrlForLayer", "team/other")}
    assert client.ask("POST", path).status == 202
    policies.denied = set()
    assert client.ask("POST", path).status == 201
    assert client.ask("GET", f"/v2/app/blobs/{digest}").body == b"shared"
    absent = client.ask("POST", f"/v2/app/blobs/uploads/?mount={digest}&from=absent")
    assert absent.status == 202


def test_who_may_push_need_not_push_a_layer_that_another_local_cloud_has(
    client: Client, policies: Policies, tmp_path: Path
) -> None:
    layer = b"x" * LEAST_BYTES
    (tmp_path / "layer").write_bytes(layer)
    SharedLayers(tmp_path / "layers").keep(digest_of(layer), tmp_path / "layer")
    path = f"/v2/app/blobs/{digest_of(layer)}"
    policies.denied = {("CompleteLayerUpload", "app")}
    assert client.ask("HEAD", path).status == 404
    policies.denied = set()
    assert client.ask("GET", path).status == 404
    assert client.ask("HEAD", path).status == 200
    assert client.ask("GET", path).body == layer


def test_a_blob_of_another_repository_is_not_shown(client: Client) -> None:
    digest = client.push_blob("team/other", b"x" * LEAST_BYTES)
    assert client.ask("HEAD", f"/v2/app/blobs/{digest}").status == 404
    assert client.ask("GET", f"/v2/app/blobs/{digest}").code == "BLOB_UNKNOWN"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/absent/manifests/v1", 404, "NAME_UNKNOWN"),
        ("POST", "/v2/absent/blobs/uploads/", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/app/manifests/absent", 404, "MANIFEST_UNKNOWN"),
        ("GET", f"/v2/app/blobs/sha256:{'0' * 64}", 404, "BLOB_UNKNOWN"),
        ("GET", "/v2/app/blobs/md5:1", 400, "DIGEST_INVALID"),
        ("PUT", "/v2/app/manifests/-bad", 400, "TAG_INVALID"),
        ("PUT", "/v2/app/manifests/v1", 400, "MANIFEST_INVALID"),
        ("DELETE", "/v2/app/manifests/v1", 405, "UNSUPPORTED"),
        ("GET", "/v2/_catalog", 404, "UNSUPPORTED"),
    ],
)
def test_refusals(client: Client, method: str, path: str, status: int, code: str) -> None:
    reply = client.ask(method, path, b"not JSON" if method == "PUT" else None)
    assert (reply.status, reply.code) == (status, code)


def test_a_manifest_needs_its_layers(client: Client) -> None:
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"digest": digest_of(b"never pushed"), "size": 1},
        "layers": [],
    }
    reply = client.ask("PUT", "/v2/app/manifests/v1", json.dumps(manifest).encode())
    assert (reply.status, reply.code) == (404, "BLOB_UNKNOWN")


def test_an_index_needs_its_images(client: Client) -> None:
    digest = client.push_image("app", "amd64", b"layer").headers["Docker-Content-Digest"]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": digest, "size": 1}]}
    content = json.dumps(index).encode()
    pushed = client.ask("PUT", "/v2/app/manifests/v1", content, Content_Type=INDEX)
    assert pushed.status == 201
    assert client.ask("GET", "/v2/app/manifests/v1").headers["Content-Type"] == INDEX

    index["manifests"] = [{"digest": digest_of(b"absent"), "size": 1}]
    refused = client.ask("PUT", "/v2/app/manifests/v2", json.dumps(index).encode())
    assert (refused.status, refused.code) == (404, "MANIFEST_BLOB_UNKNOWN")


def test_an_immutable_tag_stays(client: Client) -> None:
    client.repositories.get("app").mutability = "IMMUTABLE"
    assert client.push_image("app", "v1", b"one").status == 201
    for layer in (b"two", b"one"):
        refused = client.push_image("app", "v1", layer)
        assert (refused.status, refused.code) == (400, "TAG_INVALID")
    assert client.push_image("app", "v2", b"one").status == 201


def test_a_mutable_tag_moves_and_leaves_an_untagged_image(client: Client) -> None:
    client.push_image("app", "latest", b"one")
    client.push_image("app", "latest", b"two")

    tags = sorted(tuple(image.tags) for image in client.repositories.get("app").images.values())
    assert tags == [(), ("latest",)]


def test_tags_are_listed_in_pages(client: Client) -> None:
    for tag in ("c", "a", "b"):
        client.push_image("app", tag, b"layer")
    first = client.ask("GET", "/v2/app/tags/list?n=2")
    assert json.loads(first.body) == {"name": "app", "tags": ["a", "b"]}
    following = first.headers["Link"].split(";")[0].strip("<>")
    assert json.loads(client.ask("GET", following).body)["tags"] == ["c"]


def test_policies_are_asked_with_the_callers_own_identity(
    client: Client, policies: Policies
) -> None:
    policies.denied = {("PutImage", "app")}
    refused = client.push_image("app", "v1", b"layer")

    assert (refused.status, refused.code) == (403, "DENIED")
    operations = [call.operation for call in policies.calls]
    assert operations[:2] == ["InitiateLayerUpload", "CompleteLayerUpload"]
    assert {call.principal for call in policies.calls} == {"arn:aws:iam::1:user/pusher"}


def test_pushes_side_by_side(client: Client) -> None:
    replies: list[Reply] = []

    def push(number: int) -> None:
        replies.append(client.push_image("app", f"v{number}", b"layer %d" % (number % 3)))

    threads = [threading.Thread(target=push, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {reply.status for reply in replies} == {201}
    tags = [t for image in client.repositories.get("app").images.values() for t in image.tags]
    assert sorted(tags) == sorted(f"v{number}" for number in range(12))

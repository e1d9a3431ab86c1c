"""The provider `docker` on the real Docker engine, with images from scratch."""

import subprocess
import uuid

import docker
import grpc
import pytest

from localcloud.providers import docker as provider
from localcloud.shared.base_image import SUITE
from localcloud.tests.unit.providers.attached import attached

TOKEN = "docker:index/image:Image"


@pytest.fixture(scope="module")
def engine():
    engine = docker.from_env()
    engine.ping()
    yield engine
    engine.close()


@pytest.fixture
def client():
    with attached(provider.servicer(None)) as client:  # type: ignore[arg-type]
        yield client.configure()


@pytest.fixture
def name(engine):
    name = f"fargate-cd-test-{uuid.uuid4().hex[:8]}:1"
    yield name
    for image in engine.images.list(name):
        engine.images.remove(image.id, force=True)


def inputs_of(client, folder, name, **more):
    new = {"imageName": name, "skipPush": True, "build": {"context": str(folder)}, **more}
    inputs, failures = client.check(TOKEN, new)
    assert not failures
    return inputs


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG WHO\nLABEL who=${WHO}\nCOPY hello /\n")
    (tmp_path / "hello").write_text("hello")
    return tmp_path


def test_builds_with_arguments_and_forgets_the_tag(client, engine, folder, name):
    build = {"context": str(folder), "args": {"WHO": "me"}}
    identifier, outputs = client.create(TOKEN, inputs_of(client, folder, name, build=build))
    image = engine.images.get(name)
    assert identifier == name
    assert outputs["repoDigest"] == image.id
    assert image.labels["who"] == "me"
    client.delete(TOKEN, identifier, outputs)
    client.delete(TOKEN, identifier, outputs)
    assert engine.images.list(name) == []


def test_a_dockerfile_may_lie_outside(client, engine, folder, name, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "App.Dockerfile"
    elsewhere.write_text("FROM scratch\nCOPY hello /\nLABEL where=outside\n")
    build = {"context": str(folder), "dockerfile": str(elsewhere)}
    client.create(TOKEN, inputs_of(client, folder, name, build=build))
    assert engine.images.get(name).labels["where"] == "outside"


def test_a_broken_dockerfile_is_one_sentence_and_leaves_what_runs(client, engine, folder, name):
    client.create(TOKEN, inputs_of(client, folder, name))
    before = engine.images.get(name).id
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY missing /\n")
    with pytest.raises(grpc.RpcError) as caught:
        client.update(TOKEN, name, {}, inputs_of(client, folder, name))
    first = caught.value.details().splitlines()[0]
    assert first.startswith("The image build failed")
    assert "missing" in first
    assert engine.images.get(name).id == before


def test_a_registry_out_of_reach_is_named(client, folder):
    target = f"127.0.0.1:9/{uuid.uuid4().hex[:8]}:1"
    registry = {"server": "127.0.0.1:9", "username": "u", "password": "hunter2"}
    inputs = inputs_of(client, folder, target, skipPush=False, registry=registry)
    with pytest.raises(grpc.RpcError, match=r"did not take 127\.0\.0\.1:9/") as caught:
        client.create(TOKEN, inputs)
    assert "hunter2" not in caught.value.details()
    client.delete(TOKEN, target, {"imageName": target})


def test_the_base_image_has_what_the_app_needs(engine):
    """Only where one was made: with a public registry in reach there is none."""
    made = [tag for image in engine.images.list("fargate-cd-base") for tag in image.tags]
    current = [tag for tag in made if tag.startswith(f"fargate-cd-base:{SUITE}-")]
    if not current:
        pytest.skip("a public registry is in reach, so no base image was made")
    script = "import ssl, venv, sys; assert ssl.create_default_context().get_ca_certs(); print(1)"
    done = subprocess.run(
        [
            "docker",
            "run",
            "--rm",
            "--label",
            "fargate-cd.test=1",
            current[0],
            "python3",
            "-c",
            script,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "1\n", done.stderr

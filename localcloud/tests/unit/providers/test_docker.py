"""An image's inputs, differences and refusals; `containers/test_docker_provider.py` builds."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pulumi_docker
import pytest
from docker.errors import APIError

from localcloud.providers import docker
from localcloud.providers.docker import builder
from localcloud.providers.docker import inputs as image_inputs
from localcloud.providers.docker.builder import BuildOutput, _buildx_command, _words
from localcloud.providers.docker.inputs import context_digest, parse
from localcloud.providers.handler import UNKNOWN, Context, ProviderError
from localcloud.shared import base_image
from localcloud.shared.base_image import PUBLIC_REGISTRY, registry_of
from localcloud.tests.unit.providers.attached import attached

TOKEN = "docker:index/image:Image"
PASSWORD = "hunter2"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY hello /\n")
    (tmp_path / "hello").write_text("hello")
    return tmp_path


def given(folder, **changes):
    return {
        "imageName": "localhost:5000/app:1",
        "build": {"context": str(folder), "args": {"RELEASE": "1"}},
        "registry": {"server": "localhost:5000/app", "username": "AWS", "password": PASSWORD},
        **changes,
    }


@pytest.fixture
def client():
    with attached(docker.servicer(None)) as client:  # type: ignore[arg-type]
        yield client.configure(host="tcp://127.0.0.1:9")


def checked(client, new, old=None):
    inputs, failures = client.check(TOKEN, new, old)
    assert not failures
    return inputs


def test_defaults_are_completed(client, folder):
    build = checked(client, given(folder))["build"]
    assert build["dockerfile"] == str(folder / "Dockerfile")
    assert build["platform"] == base_image.host_platform()
    assert build["builderVersion"] == "BuilderBuildKit"
    assert len(build["contextDigest"]) == 64


def test_a_dockerfile_that_is_not_utf8_is_read(folder, monkeypatch):
    """Docker reads bytes, and a comment may have any."""
    (folder / "Dockerfile").write_bytes(b"# caf\xe9\nARG BASE_IMAGE=python:3\nFROM ${BASE_IMAGE}\n")
    monkeypatch.setattr(builder.Builder, "_has_image", lambda _self, name: name == "python:3")
    building = builder.Builder(Context(urn="", configuration={}, log=print))
    assert building.base_image(folder / "Dockerfile", base_image.host_platform()) == {}


CHANGES = [
    ("a file", lambda f: (f / "hello").write_text("other"), True),
    ("a new file", lambda f: (f / "new").write_text(""), True),
    ("its mode", lambda f: (f / "hello").chmod(0o755), True),
    ("a link", lambda f: (f / "link").symlink_to("hello"), True),
    ("the Dockerfile", lambda f: (f / "Dockerfile").write_text("FROM scratch\n"), True),
    ("nothing", lambda f: (f / "hello").touch(), False),
]


@pytest.mark.parametrize(("change", "seen"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_the_digest_changes_with_what_a_build_sees(folder, change, seen):
    before = context_digest(folder, folder / "Dockerfile")
    change(folder)
    assert (context_digest(folder, folder / "Dockerfile") != before) is seen


def test_a_changed_context_is_a_difference(client, folder):
    old = checked(client, given(folder))
    (folder / "hello").write_text("other")
    difference = client.diff(TOKEN, old, checked(client, given(folder), old))
    assert list(difference.diffs) == ["build"]
    assert not difference.replaces


def test_a_new_password_is_no_difference(client, folder):
    old = checked(client, given(folder))
    registry = {**given(folder)["registry"], "password": "new", "username": "other"}
    assert not client.diff(TOKEN, old, {**old, "registry": registry}).diffs
    elsewhere = {**old, "registry": {**registry, "server": "localhost:6000/app"}}
    assert list(client.diff(TOKEN, old, elsewhere).diffs) == ["registry"]


def test_kept_inputs_of_a_folder_that_is_gone_are_refused(client, folder, tmp_path):
    """As pulumi-docker's `Check` does, which reads the context whatever `ignoreChanges` says."""
    old = checked(client, given(folder))
    kept = {**old, "build": {**old["build"], "context": str(tmp_path / "gone")}}
    _, failures = client.check(TOKEN, kept, old=old)
    assert list(failures) == ["build.context"]


@pytest.mark.parametrize("name", ["Dockerfile.dockerignore", ".dockerignore"])
def test_an_ignore_file_is_refused(client, folder, name):
    (folder / name).write_text("ignored\n")
    _, failures = client.check(TOKEN, given(folder))
    assert "without the ignored files" in failures["build.context"]


def test_a_link_to_nothing_is_refused(client, folder):
    (folder / "link").symlink_to("/nowhere/at/all")
    _, failures = client.check(TOKEN, given(folder))
    assert failures["build.context"] == f"could not evaluate symlink at {folder / 'link'}"


CHECKS = [
    ({"imageName": None}, "imageName"),
    ({"imageName": "docker.io/app:1"}, "imageName"),
    ({"build": {"context": "app"}}, "build.context"),
    ({"build": {"context": "/nowhere/at/all"}}, "build.context"),
    ({"build": {"context": "/", "dockerfile": "Dockerfile"}}, "build.dockerfile"),
    ({"build": {"context": "/", "dockerfile": "/nowhere"}}, "build.dockerfile"),
    ({"build": {"context": "/", "dockerfile": "/nowhere", "colour": 1}}, "build.colour"),
    ({"registry": {"server": "localhost:5000", "realm": "x"}}, "registry.realm"),
    ({"localImageName": "x"}, "localImageName"),
]


@pytest.mark.parametrize(("change", "named"), CHECKS, ids=[str(c[0]) for c in CHECKS])
def test_wrong_inputs_are_named(client, folder, change, named):
    new = {name: value for name, value in given(folder, **change).items() if value is not None}
    _, failures = client.check(TOKEN, new)
    assert named in failures


def test_a_wrong_builder_is_named(client, folder):
    build = {"context": str(folder), "builderVersion": "Kaniko"}
    _, failures = client.check(TOKEN, given(folder, build=build))
    assert "BuilderV1" in failures["build.builderVersion"]


def test_a_preview_builds_nothing(client, folder):
    inputs = checked(client, given(folder))
    identifier, outputs = client.create(TOKEN, inputs, preview=True)
    assert identifier == ""
    assert outputs["repoDigest"] == UNKNOWN
    assert outputs["imageName"] == "localhost:5000/app:1"
    assert outputs["registryServer"] == "localhost:5000/app"
    assert client.update(TOKEN, "id", outputs, inputs, preview=True)["repoDigest"] == UNKNOWN


def test_a_preview_with_unknown_inputs_passes(client, folder):
    registry = {"server": UNKNOWN, "username": UNKNOWN, "password": UNKNOWN}
    new = given(folder, imageName=UNKNOWN, registry=registry, buildOnPreview=True)
    identifier, outputs = client.create(TOKEN, checked(client, new), preview=True)
    assert (identifier, outputs["imageName"]) == ("", UNKNOWN)
    checked(client, given(folder, registry=UNKNOWN))
    checked(client, given(folder, build=UNKNOWN))


def test_outputs_are_those_of_the_sdk_and_hold_no_password(client, folder):
    _, outputs = client.create(TOKEN, checked(client, given(folder)), preview=True)
    declared = {
        value.fget.__dict__.get("_pulumi_name") or name
        for name, value in vars(pulumi_docker.Image).items()
        if isinstance(value, property)
    } - {"id", "urn"}
    assert set(outputs) | {"platform"} == declared | {"platform"}
    assert PASSWORD not in json.dumps(outputs)
    assert PASSWORD not in repr(parse(checked(client, given(folder))))


def test_a_read_leaves_all_as_it_is(client, folder):
    inputs = checked(client, given(folder))
    assert client.read(TOKEN, "id", {"imageName": "n"}, inputs) == (
        "id",
        {"imageName": "n"},
        inputs,
    )


def test_no_engine_is_one_sentence(client, folder):
    with pytest.raises(grpc.RpcError) as caught:
        client.create(TOKEN, checked(client, given(folder)))
    words = caught.value.details()
    assert words.startswith("No Docker engine answers on tcp://127.0.0.1:9")
    assert "service docker start" in words
    assert "\n" not in words


def test_a_failing_step_is_named_with_its_last_lines():
    steps = []
    output = BuildOutput(steps.append)
    output.add("Step 1/2 : FROM scratch\nStep 2/2 : RUN make\n")
    output.add("compiling\n\x1b[91mcc: no such file\x1b[0m\n")
    words = str(output.failure("The command '/bin/sh -c make' returned a non-zero code: 2"))
    assert words.splitlines() == [
        "The image build failed at the step `RUN make`: "
        "The command '/bin/sh -c make' returned a non-zero code: 2.",
        "  compiling",
        "  cc: no such file",
    ]
    assert steps == ["Step 1/2 : FROM scratch", "Step 2/2 : RUN make"]


@pytest.mark.parametrize(
    ("step", "cause", "advised"),
    [
        ("FROM node:22", "dial tcp: lookup registry-1.docker.io: no such host", True),
        ("FROM node:22", "pull access denied for node", True),
        ("RUN npm ci", "dial tcp: lookup packages.example: no such host", False),
    ],
)
def test_a_base_image_that_can_not_be_had_is_told_with_what_to_do(step, cause, advised):
    output = BuildOutput(print)
    output.add(f"Step 1/2 : {step}\n")
    assert ("`docker load`" in str(output.failure(cause))) is advised


def test_steps_of_buildkit_are_known():
    steps = []
    output = BuildOutput(steps.append)
    output.add("#5 [packages 2/4] RUN pip install\n#5 0.5 Collecting\n")
    assert "at the step `RUN pip install`" in str(output.failure("exit code: 1"))


def test_many_lines_stay_bounded():
    output = BuildOutput(lambda _: None)
    output.add("\n".join(f"line {number}" for number in range(10_000)))
    assert len(str(output.failure("exit code: 1")).splitlines()) < 20


@pytest.mark.parametrize("where", ["cause", "output"])
@pytest.mark.parametrize("words", ["no space left on device", "No space left on device"])
def test_a_full_disk_is_named_first(where, words):
    output = BuildOutput(lambda _: None)
    cause = f"write /var/lib/docker/x: {words}"
    if where == "output":
        output.add(cause)
        cause = "returned a non-zero code: 1"
    told = str(output.failure(cause))
    assert told.startswith("The disk is full")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("public.ecr.aws/docker/library/python:3.13-slim", "public.ecr.aws"),
        ("localhost:5000/base:1", "localhost:5000"),
        ("python:3.13-slim", "registry-1.docker.io"),
        ("library/python", "registry-1.docker.io"),
    ],
)
def test_registry_of_a_name(name, registry):
    assert registry_of(name) == registry


def test_the_apps_default_base_is_the_registry_that_is_tried():
    text = (Path(__file__).parents[4] / "app" / "Dockerfile").read_text()
    [line] = [line for line in text.splitlines() if line.startswith("ARG BASE_IMAGE=")]
    assert registry_of(line.partition("=")[2]) == PUBLIC_REGISTRY


@pytest.mark.parametrize(
    ("default", "taken"),
    [
        ("public.ecr.aws/docker/library/python:3.13-slim", True),
        ("debian:bookworm", True),
        ("node:22", False),
        ("public.ecr.aws/docker/library/node:22@sha256:" + "0" * 64, False),
    ],
)
def test_python_does_not_stand_in_for_another_language(tmp_path, monkeypatch, default, taken):
    monkeypatch.setattr(base_image, "registry_answers", lambda _: False)
    monkeypatch.setattr(base_image, "local_base_image", lambda _: "made-here")
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"ARG BASE_IMAGE={default}\nFROM ${{BASE_IMAGE}}\n")
    own = cast(
        Any, SimpleNamespace(_context=SimpleNamespace(log=print), _has_image=lambda _: False)
    )
    if taken:
        found = builder.Builder.base_image(own, dockerfile, base_image.host_platform())
        assert found == {"BASE_IMAGE": "made-here"}
        return
    with pytest.raises(ProviderError, match=r"Debian with Python alone.*build_args"):
        builder.Builder.base_image(own, dockerfile, base_image.host_platform())


def test_values_of_build_arguments_are_not_on_the_command_line(client, folder):
    build = {"context": str(folder), "args": {"TOKEN": "hunter3"}, "target": "t"}
    image = parse(checked(client, given(folder, build=build)))
    command = _buildx_command(image, ["TOKEN"])
    assert "--build-arg=TOKEN" in command
    assert not [part for part in command if "hunter" in part]


class Engine(BaseHTTPRequestHandler):
    """A Docker engine whose disk is full."""

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.endswith("/version"):
            return self.reply(200, b'{"ApiVersion": "1.41"}')
        return self.reply(200, b"OK" if self.path.endswith("_ping") else b"[]")

    def do_POST(self):
        while self.headers.get("Transfer-Encoding") == "chunked":
            size = int(self.rfile.readline(), 16)
            self.rfile.read(size + 2)
            if not size:
                break
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        error = "Error processing tar file: write /hello: no space left on device"
        self.reply(200, json.dumps({"error": error, "errorDetail": {"message": error}}).encode())


@pytest.fixture
def full_engine():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"tcp://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_full_disk_while_building_is_one_sentence(full_engine, folder):
    with attached(docker.servicer(None)) as client:  # type: ignore[arg-type]
        client.configure(host=full_engine)
        build = {"context": str(folder), "builderVersion": "BuilderV1"}
        with pytest.raises(grpc.RpcError, match="The disk is full") as caught:
            client.create(TOKEN, checked(client, given(folder, build=build)))
    assert "\n" not in caught.value.details()
    assert PASSWORD not in caught.value.details()


LAYER_GONE = (
    "failed to export image: failed to set parent sha256:cc: unknown parent image ID sha256:cc"
)


@pytest.mark.parametrize(
    ("answers", "builds", "failure"),
    [
        ([LAYER_GONE, ""], 2, ""),
        (['unable to find image "sha256:82": No such image: sha256:82', ""], 2, ""),
        (['failed to get destination image "sha256:34": No such image: sha256:34', ""], 2, ""),
        (["failed to get digest sha256:34: open /x: no such file or directory", ""], 2, ""),
        (["layer does not exist", ""], 2, ""),
        ([LAYER_GONE] * 9, 5, "unknown parent image ID"),
        (["process make failed", ""], 1, "process make failed"),
        (['unable to find image "python:3.13": No such image', ""], 1, "python:3.13"),
    ],
)
def test_a_build_whose_cached_layer_was_removed_is_done_again(folder, answers, builds, failure):
    """Another stack's image is removed together with layers that this build has just found."""
    ran: list[str] = []

    def build(**_):
        ran.append(answers[len(ran)])
        return iter([{"error": ran[-1]} if ran[-1] else {"stream": "Successfully built"}])

    images = SimpleNamespace(get=lambda _name: SimpleNamespace(id="sha256:built"))
    building = builder.Builder(Context(urn="", configuration={}, log=lambda _line: None))
    engine: Any = SimpleNamespace(api=SimpleNamespace(build=build), images=images)
    building._engine = engine
    dockerfile = str(folder / "Dockerfile")
    new: dict[str, Any] = {"context": str(folder), "dockerfile": dockerfile}
    new["platform"] = "linux/amd64"
    new |= {"args": {"BASE_IMAGE": "scratch"}, "builderVersion": "BuilderV1"}
    image = parse(given(folder, build=new, skipPush=True, buildOnPreview=False))
    if failure:
        with pytest.raises(ProviderError, match=failure):
            building.build(image)
    else:
        assert building.build(image) == "sha256:built"
    assert len(ran) == builds


BUILDX = """#!/bin/sh
[ "$2" = version ] && exit 0
echo "#5 [1/2] RUN make"
echo "#5 0.1 using $SECRET_ARGUMENT"
echo "ERROR: failed to solve: process make did not complete successfully: exit code: 2"
exit 1
"""


def test_buildkit_is_used_where_its_command_is(full_engine, folder, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(BUILDX)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    build = {"context": str(folder), "args": {"SECRET_ARGUMENT": "from the environment"}}
    with attached(docker.servicer(None)) as client:  # type: ignore[arg-type]
        client.configure(host=full_engine)
        with pytest.raises(grpc.RpcError) as caught:
            client.create(TOKEN, checked(client, given(folder, build=build)))
    assert caught.value.details().splitlines() == [
        "The image build failed at the step `RUN make`: "
        "process make did not complete successfully: exit code: 2.",
        "  #5 0.1 using from the environment",
        "  ERROR: failed to solve: process make did not complete successfully: exit code: 2",
    ]


def test_the_engines_own_words_are_used():
    assert _words(APIError("x", explanation="No such image")) == "No such image"


def test_the_sdk_has_these_inputs():
    def names(arguments):
        return {
            value.fget.__dict__.get("_pulumi_name") or name
            for name, value in vars(arguments).items()
            if isinstance(value, property)
        }

    assert names(pulumi_docker.ImageArgs) == image_inputs._IMAGE
    assert names(pulumi_docker.DockerBuildArgs) == image_inputs._BUILD - {"contextDigest"}
    assert names(pulumi_docker.RegistryArgs) == image_inputs._REGISTRY

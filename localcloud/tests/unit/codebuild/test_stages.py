"""What this machine adds to a pipeline's build of an image."""

import io
import json
import tarfile
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.codebuild import image as build_image
from localcloud.codebuild.errors import PhaseError
from localcloud.codebuild.image import BuildImages
from localcloud.codebuild.stages import Stages
from localcloud.shared import base_image

OWN_BASE = json.dumps(["--build-arg=BASE_IMAGE=mirror.example.com/node:22"])


def asking(default):
    return f"ARG BASE_IMAGE={default}\nFROM ${{BASE_IMAGE}}\n"


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine without images, without proxies, and with no registry in reach."""
    engine = SimpleNamespace(images=SimpleNamespace(list=lambda _name: []))
    monkeypatch.setattr(build_image.docker, "from_env", lambda **_: engine)
    monkeypatch.setattr(base_image, "registry_answers", lambda _: False)
    monkeypatch.setattr(base_image, "local_base_image", lambda _: "made-here")
    for name in base_image._PROXIES:
        monkeypatch.delenv(name, raising=False)


def added(monkeypatch, dockerfile, privileged=True, **variables):
    """What is added to the variables of a project that builds this Dockerfile."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        row = tarfile.TarInfo("Dockerfile")
        row.size = len(dockerfile)
        archive.addfile(row, io.BytesIO(dockerfile.encode()))
    packed.seek(0)
    build: Any = SimpleNamespace(
        uuid="0" * 8, shape={"environment": {"privilegedMode": privileged}}, token=""
    )
    nothing: Any = None
    stages = Stages(nothing, BuildImages(), build, nothing)
    inside = SimpleNamespace(get={f"{stages._directory}/shop/Dockerfile": packed}.get)
    monkeypatch.setattr(Stages, "_inside", inside)
    return stages._of_this_machine({"APP_PATH": "shop", **variables})


@pytest.mark.parametrize(
    ("dockerfile", "variables", "base"),
    [
        (asking("python:3.13-slim"), {}, {"BASE_IMAGE": "made-here"}),
        ("FROM scratch\n", {}, {}),
        ("FROM node:22\n", {}, {}),
        (asking("node:22"), {"BUILD_OPTIONS": OWN_BASE}, {}),
        (asking("node:22"), {"BASE_IMAGE": "mine:1"}, {}),
    ],
)
def test_a_base_image_comes_where_the_dockerfile_leaves_it_open(
    monkeypatch, dockerfile, variables, base
):
    assert added(monkeypatch, dockerfile, **variables) == base


def test_python_does_not_stand_in_for_node(monkeypatch):
    with pytest.raises(PhaseError, match=r"builds on node:22.*build_args"):
        added(monkeypatch, asking("node:22"))


def test_a_build_that_makes_no_image_gets_nothing(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert added(monkeypatch, asking("python:3"), privileged=False) == {}


def test_this_machines_proxies_are_build_arguments_before_those_of_the_settings(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    found = added(monkeypatch, "FROM scratch\n", BUILD_OPTIONS='["--build-arg=A=1"]')
    options = ["--build-arg=HTTPS_PROXY=http://proxy:3128", "--build-arg=A=1"]
    assert json.loads(found["BUILD_OPTIONS"]) == options

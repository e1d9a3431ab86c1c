"""The inputs of an image: read, completed, refused."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.providers.handler import UNKNOWN, Failure, ProviderError, unknown
from localcloud.shared.base_image import host_platform

_IMAGE = {"build", "buildOnPreview", "imageName", "registry", "skipPush"}
_BUILD = {
    "addHosts",
    "args",
    "builderVersion",
    "cacheFrom",
    "context",
    "contextDigest",
    "dockerfile",
    "network",
    "platform",
    "target",
}
_REGISTRY = {"password", "server", "username"}
_BUILDERS = ("BuilderV1", "BuilderBuildKit")


@dataclass(frozen=True)
class Build:
    """How to build: the fields of pulumi-docker's `DockerBuild`, completed."""

    context: Path
    dockerfile: Path
    platform: str
    arguments: Mapping[str, str] = field(repr=False)
    target: str | None
    cache_from: tuple[str, ...]
    network: str | None
    extra_hosts: tuple[str, ...]
    buildkit: bool


@dataclass(frozen=True)
class ImageInputs:
    """What to build, and where to push it."""

    name: str
    build: Build
    server: str
    username: str
    password: str = field(repr=False)
    push: bool
    build_on_preview: bool

    @property
    def repository(self) -> str:
        """The name without its tag."""
        path, slash, last = self.name.rpartition("/")
        return f"{path}{slash}{last.partition(':')[0]}"


def check(new: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """Complete the inputs with defaults and the digest of the build context.

    Args:
        new: the inputs that the program gives.

    Returns:
        The completed inputs, and what is wrong with them.
    """
    inputs = {"buildOnPreview": False, "skipPush": False, **new}
    failures = unknown(inputs, _IMAGE, "docker.Image")
    failures += _check_name(inputs)
    if UNKNOWN in (inputs.get("build"), inputs.get("registry")):
        return inputs, failures
    build = dict(inputs.get("build") or {})
    failures += _prefixed("registry", unknown(inputs.get("registry") or {}, _REGISTRY, "registry"))
    failures += _prefixed("build", unknown(build, _BUILD, "build"))
    if build.setdefault("builderVersion", "BuilderBuildKit") not in (*_BUILDERS, UNKNOWN):
        failures.append(Failure("build.builderVersion", f"use {' or '.join(_BUILDERS)}"))
    build.setdefault("platform", host_platform())
    failures += _complete_files(build)
    return {**inputs, "build": build}, failures


def part(values: Any, name: str) -> Any:
    """A property of an object that may be absent, or unknown as a whole."""
    return UNKNOWN if values == UNKNOWN else (values or {}).get(name)


def _prefixed(prefix: str, failures: list[Failure]) -> list[Failure]:
    return [Failure(f"{prefix}.{failure.property}", failure.reason) for failure in failures]


def _check_name(inputs: Mapping[str, Any]) -> list[Failure]:
    name = inputs.get("imageName")
    if not name:
        return [Failure("imageName", "is missing; name the image, with its registry and tag")]
    server = part(inputs.get("registry"), "server")
    if UNKNOWN in (name, server) or inputs["skipPush"] or not server:
        return []
    host = registry_host(server)
    if name.split("/")[0] == host:
        return []
    return [
        Failure("imageName", f"{name!r} is not in the registry {host!r}; begin it with {host}/")
    ]


def registry_host(server: str) -> str:
    """The host, with its port, of a registry's address."""
    return server.removeprefix("https://").removeprefix("http://").split("/")[0]


def _complete_files(build: dict[str, Any]) -> list[Failure]:
    """The context, the Dockerfile and the digest of both."""
    folder = build.get("context") or "."
    if UNKNOWN in (folder, build.get("dockerfile")):
        return []
    if not Path(folder).is_absolute():
        reason = f"{folder!r} is relative; give an absolute path: this provider outlives projects"
        return [Failure("build.context", reason)]
    dockerfile = build.setdefault("dockerfile", str(Path(folder) / "Dockerfile"))
    if not Path(dockerfile).is_absolute():
        return [Failure("build.dockerfile", f"{dockerfile!r} is relative; give an absolute path")]
    if not Path(folder).is_dir():
        return [Failure("build.context", f"there is no folder {folder}")]
    if not Path(dockerfile).is_file():
        return [Failure("build.dockerfile", f"there is no file {dockerfile}")]
    refused = _refused_files(Path(folder), Path(dockerfile))
    if not refused:
        build["contextDigest"] = context_digest(Path(folder), Path(dockerfile))
    return [Failure("build.context", reason) for reason in refused]


def _refused_files(folder: Path, dockerfile: Path) -> list[str]:
    """Why pulumi-docker, or this provider, does not build from a folder."""
    ignoring = (Path(f"{dockerfile}.dockerignore"), folder / ".dockerignore")
    refused = [
        f"{file} is not applied by this provider; give a folder without the ignored files"
        for file in ignoring
        if file.exists()
    ]
    # It follows each link to hash where it leads, as pulumi-docker's `hashPath` does.
    links = (path for path in sorted(folder.rglob("*")) if path.is_symlink())
    return refused + [
        f"could not evaluate symlink at {each}" for each in links if not each.exists()
    ]


def context_digest(folder: Path, dockerfile: Path) -> str:
    """A digest of what a build of this folder sees: names, modes and contents, but no times."""
    digest = hashlib.sha256(dockerfile.read_bytes())
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        mode = path.lstat().st_mode
        content = b""
        if stat.S_ISLNK(mode):
            content = str(path.readlink()).encode()
        elif stat.S_ISREG(mode):
            content = hashlib.sha256(path.read_bytes()).digest()
        for part in (name.encode(), f"{mode:o}".encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def parse(inputs: Mapping[str, Any]) -> ImageInputs:
    """Checked inputs without unknown values, typed.

    Raises:
        ProviderError: a value is of the wrong kind.
    """
    build = inputs["build"]
    registry = inputs.get("registry") or {}
    arguments = build.get("args") or {}
    foreign = [name for name, value in arguments.items() if not isinstance(value, str)]
    if foreign:
        raise ProviderError(f"build.args.{foreign[0]} must be a text")
    return ImageInputs(
        name=inputs["imageName"],
        build=Build(
            context=Path(build["context"]),
            dockerfile=Path(build["dockerfile"]),
            platform=build["platform"],
            arguments=arguments,
            target=build.get("target"),
            cache_from=tuple((build.get("cacheFrom") or {}).get("images") or ()),
            network=build.get("network"),
            extra_hosts=tuple(build.get("addHosts") or ()),
            buildkit=build["builderVersion"] == "BuilderBuildKit",
        ),
        server=registry.get("server", ""),
        username=registry.get("username", ""),
        password=registry.get("password", ""),
        push=not inputs["skipPush"],
        build_on_preview=bool(inputs["buildOnPreview"]),
    )

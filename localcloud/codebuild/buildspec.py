"""A buildspec of version 0.2, read and checked.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from localcloud.codebuild.errors import PhaseError

PHASES = ("install", "pre_build", "build", "post_build")
SHELLS = {None: "sh", "sh": "sh", "/bin/sh": "sh", "bash": "bash"}

_TOP = {"version", "env", "phases", "artifacts", "cache"}
_ENV = {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables"}
_PHASE = {"commands", "finally", "on-failure", "runtime-versions"}
_ARTIFACT = {"files", "name", "discard-paths", "base-directory", "exclude-paths"}
# What AWS knows and the local cloud doesn't do: said, rather than passed over.
_ELSEWHERE = {"run-as", "proxy", "batch", "reports", "git-credential-helper", "s3-prefix"}
_ELSEWHERE |= {"enable-symlinks"}


@dataclass(frozen=True)
class Phase:
    """What one phase runs.

    Attributes:
        commands: one after the other, until one fails.
        finally_commands: run whether these failed or not.
        on_failure: `ABORT`, `CONTINUE`, or None for the documented transitions.
    """

    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    on_failure: str | None = None


@dataclass(frozen=True)
class Artifact:
    """Which files a build leaves.

    Attributes:
        files: patterns, relative to the base directory.
        base_directory: relative to the source, or a pattern of its folders.
        discard_paths: whether files lose their folders.
        name: a shell expression, used where the project says so.
        exclude: patterns of files left out.
    """

    files: tuple[str, ...]
    base_directory: str = "."
    discard_paths: bool = False
    name: str = ""
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Buildspec:
    """A whole buildspec.

    Attributes:
        shell: the shell that runs commands.
        variables: plain ones.
        parameters: variable → name of an SSM parameter.
        secrets: variable → `secret:json-key:version-stage:version-id`.
        exported: names of the variables that the build hands on.
        runtimes: runtime → version that it asks for.
        phases: by name.
        artifact: the primary one.
        secondary_artifacts: by identifier.
    """

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    runtimes: Mapping[str, str] = field(default_factory=dict)
    phases: Mapping[str, Phase] = field(default_factory=dict)
    artifact: Artifact | None = None
    secondary_artifacts: Mapping[str, Artifact] = field(default_factory=dict)


def is_inline(text: str) -> bool:
    """Whether a project's `buildspec` is the text itself, not the path of a file."""
    return "\n" in text.strip() or text.lstrip().startswith(("version:", "{"))


def parse(text: str) -> Buildspec:
    """Read a buildspec.

    Raises:
        PhaseError: YAML_FILE_ERROR that names what is wrong.
    """
    document = _mapping(_loaded(text), "the buildspec")
    _known(document, _TOP, "the buildspec")
    version = document.get("version")
    if version != "0.2":
        raise _wrong(f"version is {reprlib.repr(version)}; the local cloud runs version 0.2")
    env = _mapping(document.get("env"), "env")
    _known(env, _ENV, "env")
    phases = _mapping(document.get("phases"), "phases")
    if not phases:
        raise _wrong("phases is missing or empty")
    _known(phases, set(PHASES), "phases")
    shell = _text(env, "shell", "env") or None
    if shell not in SHELLS:
        raise _wrong(f"env.shell is {shell!r}; the build image has sh and bash")
    artifact, secondary = _artifacts(document.get("artifacts"))
    _known(_mapping(document.get("cache"), "cache"), {"paths"}, "cache")
    return Buildspec(
        shell=SHELLS[shell],
        variables=_texts(env.get("variables"), "env.variables"),
        parameters=_texts(env.get("parameter-store"), "env.parameter-store"),
        secrets=_texts(env.get("secrets-manager"), "env.secrets-manager"),
        exported=_list(env.get("exported-variables"), "env.exported-variables"),
        runtimes=_runtimes(phases),
        phases={name: _phase(name, phases[name]) for name in phases},
        artifact=artifact,
        secondary_artifacts=secondary,
    )


def _loaded(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 -- a safe loader of text scalars
    except yaml.YAMLError as error:
        raise _wrong(str(error)) from error
    except RecursionError as error:
        raise _wrong("it is nested too deeply") from error


class _Loader(yaml.SafeLoader):
    """YAML whose scalars stay the text that was written, so that 3.10 is not 3.1."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag == "tag:yaml.org,2002:null"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    tag: make
    for tag, make in yaml.SafeLoader.yaml_constructors.items()
    if tag in (None, *(f"tag:yaml.org,2002:{kind}" for kind in ("null", "str", "seq", "map")))
}


def _wrong(message: str) -> PhaseError:
    return PhaseError("YAML_FILE_ERROR", message)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(f"{where} is not a mapping")
    for name in value:
        if not isinstance(name, str):
            raise _wrong(f"{where} has a name that is not a text: {reprlib.repr(name)}")
    return value


def _text(given: Mapping[str, Any], name: str, where: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(f"{where}.{name} is not a text")
    return value or ""


def _known(given: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in given:
        if name in _ELSEWHERE:
            raise _wrong(
                f"the local cloud does not support {name} in {where}; leave it out, or build on AWS"
            )
        if name not in known:
            raise _wrong(f"{where} has no {name!r}; it has {', '.join(sorted(known))}")


def _texts(value: Any, where: str) -> dict[str, str]:
    given = _mapping(value, where)
    return {name: _text(given, name, where) for name in given}


def _list(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        if not isinstance(row, str):
            raise _wrong(f"{where}: {reprlib.repr(row)} is not a text; put it in quotes")
    return tuple(rows)


def _phase(name: str, value: Any) -> Phase:
    given = _mapping(value, f"phases.{name}")
    _known(given, _PHASE - (set() if name == "install" else {"runtime-versions"}), f"phases.{name}")
    on_failure = _text(given, "on-failure", f"phases.{name}") or None
    if on_failure not in (None, "ABORT", "CONTINUE"):
        raise _wrong(
            f"phases.{name}.on-failure is {on_failure!r}; the local cloud knows ABORT and CONTINUE"
        )
    return Phase(
        _list(given.get("commands"), f"phases.{name}.commands"),
        _list(given.get("finally"), f"phases.{name}.finally"),
        on_failure,
    )


def _runtimes(phases: Mapping[str, Any]) -> dict[str, str]:
    install = _mapping(phases.get("install"), "phases.install")
    return _texts(install.get("runtime-versions"), "phases.install.runtime-versions")


def _artifacts(value: Any) -> tuple[Artifact | None, dict[str, Artifact]]:
    given = _mapping(value, "artifacts")
    secondary = _mapping(given.pop("secondary-artifacts", None), "artifacts.secondary-artifacts")
    return (
        _artifact(given, "artifacts") if given else None,
        {
            name: _artifact(
                _mapping(row, f"secondary-artifacts.{name}"), f"secondary-artifacts.{name}"
            )
            for name, row in secondary.items()
        },
    )


def _artifact(given: Mapping[str, Any], where: str) -> Artifact:
    _known(given, _ARTIFACT, where)
    files = _list(given.get("files"), f"{where}.files")
    if not files:
        raise _wrong(f"{where}.files is missing or empty")
    outside = [path for path in files if path.startswith("/")]
    if outside:
        raise _wrong(f"{where}.files: {outside[0]} is not relative; set base-directory")
    return Artifact(
        files,
        _text(given, "base-directory", where) or ".",
        _text(given, "discard-paths", where) in ("yes", "true"),
        _text(given, "name", where),
        _list(given.get("exclude-paths"), f"{where}.exclude-paths"),
    )

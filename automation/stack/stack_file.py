"""A stack's name and settings, checked before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from automation import paths
from automation.errors import ConfigurationError
from automation.stack.chosen import chosen, known_stacks, suggestion
from infra.names import environment_of
from infra.settings import files
from infra.settings.kind import check_kind
from infra.settings.model import NAMESPACE, Settings, SettingsError
from infra.settings.previews import preview_values

STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""https://www.pulumi.com/docs/iac/concepts/stacks/#stack-naming"""

STATE_KEYS = ("encryptionsalt", "encryptedkey", "secretsprovider")
"""What the engine itself writes into a stack's file."""


@dataclass(frozen=True)
class StackFile:
    """A stack's name and what `Pulumi.<stack>.yaml` says.

    Attributes:
        name: the stack's name.
        project: the project's name in `Pulumi.yaml`.
        settings: the checked settings.
        region: `aws:region`, or None where the environment decides.
        path: the file; a preview's need not exist.
        document: what the engine finds in the file.
    """

    name: str
    project: str
    settings: Settings
    region: str | None
    path: Path
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Mapping[str, Any]:
        """What the file says to the program and the providers: key → value."""
        return self.document.get("config") or {}

    @property
    def environment(self) -> str | None:
        """The environment that the stack previews; None for an environment."""
        return environment_of(self.name)


def load_stack_file(name: str, root: Path = paths.ROOT) -> StackFile:
    """Read and check the settings of a stack.

    Raises:
        ConfigurationError: a bad name, no such file, or wrong settings, all of them named.
    """
    if not STACK_NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not a stack's name: at most 100 letters, digits, - _ . only."
        )
    project = str(document_of(root / "Pulumi.yaml")["name"])
    environment = environment_of(name)
    path = _settings_path(environment or name, root)
    document = (
        document_of(path) if environment is None else _preview_document(name, path, root, project)
    )
    config = _mapping(document.get("config"), path)
    if twice := files.given_twice(document, project):
        raise ConfigurationError(f"Wrong settings in {path.name}:", twice)
    found = files.of_project(document, project)
    values = {setting: _plain(value) for setting, value in found.items()}
    try:
        if environment is not None:
            values = preview_values(values, root, project)
        settings = Settings.parse(values)
        check_kind(name, settings)
    except SettingsError as error:
        own = root / f"Pulumi.{name}.yaml"
        file = own if own.is_file() else path
        raise ConfigurationError(f"Wrong settings in {file.name}:", error.problems) from error
    region = config.get("aws:region")
    return StackFile(
        name,
        project,
        settings,
        str(region) if region else None,
        root / f"Pulumi.{name}.yaml",
        document,
    )


def _settings_path(name: str, root: Path) -> Path:
    path = root / f"Pulumi.{name}.yaml"
    if not path.is_file():
        stacks = known_stacks(root)
        known = ", ".join(stacks) or "none"
        choice = chosen()
        by = f" ({choice.by})" if choice.stack == name else ""
        raise ConfigurationError(
            f"There is no stack {name!r}{by}: {path.name} is missing (there are: {known})."
            f"{suggestion(name, stacks)} Write that file to make a new environment."
        )
    return path


def _preview_document(
    name: str, environment_path: Path, root: Path, project: str
) -> Mapping[str, Any]:
    """What a preview's file holds: its own where a person wrote one, else what its environment's
    says about the providers and the encryption of secrets."""
    own = root / f"Pulumi.{name}.yaml"
    if own.is_file():
        return document_of(own)
    document = document_of(environment_path)
    config = _mapping(document.get("config"), environment_path)
    kept = {key: value for key, value in config.items() if not files.is_setting(key, project)}
    preview_of = {f"{NAMESPACE}:preview_of": environment_of(name)}
    keys = {key: document[key] for key in STATE_KEYS if key in document}
    return {"config": {**kept, **preview_of}, **keys}


def document_of(path: Path) -> Mapping[str, Any]:
    """The keys and values of a YAML file.

    Raises:
        ConfigurationError: there is no such file, or it holds something else.
    """
    try:
        return _mapping(files.read(path), path)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} is missing.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path.name} is not text in UTF-8: save it as such.") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path.name} is not YAML:", str(error).splitlines()) from error


def _mapping(value: object, path: Path) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"{path.name} must hold keys and values, not a {type(value).__name__}."
        )
    return value


def _plain(value: object) -> object:
    """A value as the settings take it; an encrypted one stays encrypted, which tells it is set."""
    if isinstance(value, dict) and set(value) == {"secure"}:
        return value["secure"]
    return value

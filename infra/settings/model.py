"""The stack's settings: typed, with defaults, and checked all at once.

`Pulumi.yaml` declares the same settings for Pulumi itself; `docs/settings.md` is made from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from infra.settings import files, messages
from infra.settings import previews as of_previews
from infra.settings import rules as rules
from infra.settings.contradictions import contradictions
from infra.settings.fields import Fields
from infra.settings.messages import SettingsError as SettingsError
from infra.settings.types import scalar

NAMESPACE = files.NAMESPACE
PROJECT_ROOT = Path(__file__).resolve().parents[2]


class Settings(Fields):
    """Every setting of the stack, checked; `Pulumi.yaml` describes each."""

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Check plain values of the namespace `fargate-cd`.

        Args:
            values: setting → value, without the prefix; text as Pulumi passes it, or plain data.
                Nothing, or empty text, means the default.

        Returns:
            The settings, with defaults.

        Raises:
            SettingsError: with every problem that was found.
        """
        given = {
            name: scalar(cls.model_fields.get(name), value)
            for name, value in values.items()
            if value not in (None, "") or name not in cls.model_fields
        }
        problems = [
            f"{NAMESPACE}:{name}{place} = {scalar}: {messages.quote(cls.model_fields, name)}"
            for name, value in given.items()
            for place, scalar in files.unquoted(value)
        ]
        sound = {name: value for name, value in given.items() if not any(files.unquoted(value))}
        values = given
        try:
            cls.model_validate(sound)
        except ValidationError as error:
            for detail in error.errors():
                name = str(detail["loc"][0])
                problems.append(
                    messages.problem(
                        cls.model_fields, name, detail["loc"][1:], values.get(name), detail["msg"]
                    )
                )
                sound.pop(name, None)
            for name in set(values) - set(cls.model_fields):
                sound.pop(name, None)
        unsound = frozenset(values) - frozenset(sound)
        settings = cls.model_validate(sound)
        if settings.protect and "exec" not in sound:
            settings = settings.model_copy(update={"exec": False})
        problems += contradictions(settings, unsound)
        problems += _problems_of_previews(settings, sound)
        if problems:
            raise SettingsError(problems)
        return settings

    @classmethod
    def load(cls, further: Mapping[str, object] | None = None) -> Self:
        """The settings of the stack that Pulumi is running.

        Args:
            further: settings that win over the stack's.

        Raises:
            SettingsError: with every problem that was found.
        """
        import pulumi  # the driver, which reads files, does without

        project = pulumi.get_project()
        values = files.of_project({"config": pulumi.runtime.config.CONFIG.get()}, project)
        token = pulumi.Config(NAMESPACE).get_secret("github_token") or pulumi.Config(
            project
        ).get_secret("github_token")
        if values.get("github_token") and token is not None:
            values["github_token"] = token
        file = PROJECT_ROOT / f"Pulumi.{pulumi.get_stack()}.yaml"
        document = files.read(file) if file.exists() else {}
        if problems := files.given_twice(document, project):
            raise SettingsError(problems)
        own = files.of_project(document, project)
        values |= {name: value for name, value in own.items() if any(files.unquoted(value))}
        values |= further or {}
        # The engine adds the defaults of Pulumi.yaml; what is left out here has another one with
        # `protect`, and in a preview.
        kept = own.keys() | (further or {}).keys()
        values = {k: v for k, v in values.items() if k in kept or not cls._is_default(k, v)}
        if values.get("preview_of"):
            values = of_previews.preview_values(values, PROJECT_ROOT, project)
        return cls.parse(values)

    @classmethod
    def _is_default(cls, name: str, value: object) -> bool:
        if name not in cls.model_fields:
            return False
        default = cls.model_fields[name].default
        if isinstance(value, str) and not isinstance(default, str):
            try:
                return bool(json.loads(value) == default)
            except (ValueError, RecursionError):
                return False
        return bool(value == default)


def _problems_of_previews(settings: Settings, given: Mapping[str, object]) -> list[str]:
    """Check settings that previews can't set, and `preview_settings` of environments."""
    if settings.preview_of:
        return [
            f"{NAMESPACE}:{name} = {rules.shown(name, given[name])}: belongs to the environment "
            f"{settings.preview_of}, which a preview shares; leave it out"
            for name in of_previews.foreign(given)
        ]
    if not settings.preview_settings:
        return []
    whole = of_previews.inherit({"preview_of": "this environment"}, given)
    try:
        Settings.parse(whole)
    except SettingsError as error:
        named = tuple(f"{NAMESPACE}:{name} " for name in settings.preview_settings)
        return [
            f"{NAMESPACE}:preview_settings: {problem}"
            for problem in error.problems
            if problem.startswith(named)
        ]
    return []

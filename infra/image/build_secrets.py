"""The secrets of a build: where they are, and their values, which are read for one build only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws as aws

from infra.settings.model import NAMESPACE, SettingsError

_PARAMETER = ":parameter/"


@dataclass(frozen=True)
class Reference:
    """Where a secret is.

    Attributes:
        region: of AWS.
        parameter: the SSM parameter's name; empty for a secret of Secrets Manager.
        secret: the secret's own ARN; empty for a parameter.
        key: of the JSON in it; empty for all of it.
        stage: the version's stage; empty for the current one.
        version: the version's id; empty for that of the stage.
    """

    region: str
    parameter: str = ""
    secret: str = ""
    key: str = ""
    stage: str = ""
    version: str = ""

    @classmethod
    def of(cls, arn: str) -> Reference:
        """Read `arn:…:secret:NAME[:JSON-KEY:VERSION-STAGE:VERSION-ID]` or a parameter's ARN."""
        parts = arn.split(":")
        if ":ssm:" in arn:
            path = arn.partition(_PARAMETER)[2]
            return cls(parts[3], parameter=f"/{path}" if "/" in path else path)
        return cls(parts[3], "", ":".join(parts[:7]), *[*parts[7:], "", "", ""][:3])

    def pick(self, text: str) -> str:
        """Return the value, or its JSON key, from a secret's text.

        Raises:
            ValueError: it has no such key.
        """
        if not self.key:
            return text
        try:
            value = json.loads(text)[self.key]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"its value has no key {self.key}") from None
        return value if isinstance(value, str) else json.dumps(value)


def in_codebuild(arn: str) -> tuple[str, str]:
    """The type and the value of CodeBuild's variable that holds a secret.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_EnvironmentVariable.html
    """
    found = Reference.of(arn)
    if found.parameter:
        return "PARAMETER_STORE", found.parameter
    return "SECRETS_MANAGER", arn


def values(secrets: Mapping[str, str]) -> dict[str, str]:
    """Read the secrets through the program's provider.

    Args:
        secrets: id → ARN.

    Raises:
        SettingsError: a secret has no such key.
    """
    read = {}
    for name, arn in secrets.items():
        try:
            read[name] = _value(Reference.of(arn))
        except ValueError as error:
            problem = f"{NAMESPACE}:build_secrets[{name!r}] = {arn!r}: {error}"
            raise SettingsError([problem]) from error
    return read


def _value(reference: Reference) -> str:
    if reference.parameter:
        return aws.ssm.get_parameter(name=reference.parameter, region=reference.region).value
    found = aws.secretsmanager.get_secret_version(
        secret_id=reference.secret,
        version_id=reference.version or None,
        version_stage=reference.stage or None,
        region=reference.region,
    )
    return reference.pick(found.secret_string)

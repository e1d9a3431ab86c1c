"""Checks that secrets resolve, and reads those that a build needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from automation.aws.clients import DENIED, Cloud, error_code
from automation.diagnosis.diagnosis import Diagnosis
from automation.errors import ConfigurationError
from automation.preflight.plan import Plan
from infra.image.build_secrets import Reference


def readable(planned: Plan) -> Iterator[Diagnosis]:
    """Whether every secret resolves, with the key or the version that is named."""
    yield from _of("secrets", planned.settings.secrets, planned)
    for name, sidecar in planned.settings.sidecars.items():
        yield from _of(f"sidecars: {name}: secrets", sidecar.secrets, planned)
    if planned.build is not None or planned.settings.has_pipeline:
        yield from _of("build_secrets", planned.settings.build_secrets, planned)


def _of(setting: str, secrets: Mapping[str, str], planned: Plan) -> Iterator[Diagnosis]:
    for name, arn in sorted(secrets.items()):
        try:
            why = _wrong(planned.cloud, Reference.of(arn))
        except ClientError as error:
            if error_code(error) not in DENIED:
                raise
            planned.session.screen.note(
                f"The secret {name} can't be looked up: you may not read it"
            )
            continue
        if why:
            yield Diagnosis(
                f"The secret {name} can't be read: {why}.",
                [arn],
                f"fargate-cd:{setting}: ARNs of secrets that exist, with the value or key that is "
                "named",
                name="secret not readable",
            )


def _wrong(cloud: Cloud, reference: Reference) -> str | None:
    """What is wrong with a secret; its value is read for a key only."""
    if reference.parameter:
        found = cloud.client("ssm").get_parameters(Names=[reference.parameter])
        return None if found["Parameters"] else "there is no such parameter"
    try:
        described = cloud.client("secretsmanager").describe_secret(SecretId=reference.secret)
        if described.get("DeletedDate"):
            return "it is about to be deleted"
        if not (reference.key or reference.stage or reference.version):
            return None
        text = _text(cloud, reference)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return "it does not exist"
    return _missing_key(text, reference.key)


def _text(cloud: Cloud, reference: Reference) -> str:
    wanted = {"VersionStage": reference.stage, "VersionId": reference.version}
    given = {name: value for name, value in wanted.items() if value}
    client = cloud.client("secretsmanager")
    return str(client.get_secret_value(SecretId=reference.secret, **given).get("SecretString", ""))


def _missing_key(text: str, key: str) -> str | None:
    """What is wrong with a secret's value, if a key of it is wanted."""
    if not key:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return f"its value is not JSON, and the key {key} is wanted"
    known = isinstance(value, dict) and key in value
    return None if known else f"its value has no key {key}"


def values(cloud: Cloud, secrets: Mapping[str, str]) -> dict[str, str]:
    """Read the secrets of a build.

    Args:
        cloud: the stack's account.
        secrets: id → ARN.

    Returns:
        Id → value.

    Raises:
        ConfigurationError: one can't be read.
    """
    try:
        return {name: _value(cloud, Reference.of(arn)) for name, arn in secrets.items()}
    except (ClientError, ValueError) as error:
        raise ConfigurationError(f"fargate-cd:build_secrets can't be read: {error}") from error


def _value(cloud: Cloud, reference: Reference) -> str:
    if reference.parameter:
        asked = {"Name": reference.parameter, "WithDecryption": True}
        return str(cloud.client("ssm").get_parameter(**asked)["Parameter"]["Value"])
    return reference.pick(_text(cloud, reference))

"""The values of a container's `secrets`, read under the execution role when a task starts.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from localcloud.ecs.agent.sessions import Sessions
from localcloud.ecs.model import Task

_ASM_PARTS = 7


class SecretError(Exception):
    """A secret can't be had; the text is the stopped reason, in the agent's words."""


def resolve(
    sessions: Sessions, task: Task, role_arn: str, wanted: list[dict[str, str]]
) -> dict[str, str]:
    """Variable → value.

    Raises:
        SecretError: one is missing, denied, or has no such JSON key.
    """
    region = task.arn.split(":")[3]
    values: dict[str, str] = {}
    for secret in wanted:
        source = secret["valueFrom"]
        read = _from_secrets_manager if ":secretsmanager:" in source else _from_ssm
        values[secret["name"]] = read(sessions, task, role_arn, source, region)
    return values


def _from_secrets_manager(
    sessions: Sessions, task: Task, role_arn: str, source: str, region: str
) -> str:
    """`arn:…:secret:NAME[:JSON-KEY:VERSION-STAGE:VERSION-ID]`."""
    parts = source.split(":")
    arn, extra = ":".join(parts[:_ASM_PARTS]), [*parts[_ASM_PARTS:], "", "", ""]
    request = {"SecretId": arn}
    if extra[1]:
        request["VersionStage"] = extra[1]
    if extra[2]:
        request["VersionId"] = extra[2]
    client = sessions.client(task, role_arn, "secretsmanager", arn.split(":")[3] or region)
    try:
        text = client.get_secret_value(**request)["SecretString"]
    except ClientError as error:
        raise SecretError(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secret from asm: service call has been "
            f"retried 1 time(s): failed to fetch secret {arn} from secrets manager: {_words(error)}"
        ) from error
    return str(text) if not extra[0] else _json_key(arn, str(text), extra[0])


def _json_key(arn: str, text: str, key: str) -> str:
    try:
        value: Any = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise SecretError(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secret from asm: service call has been "
            "retried 1 time(s): retrieved secret from Secrets Manager did not contain json key "
            f"{key} ({arn})"
        ) from error
    return value if isinstance(value, str) else json.dumps(value)


def _from_ssm(sessions: Sessions, task: Task, role_arn: str, source: str, region: str) -> str:
    """A parameter's name, or `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`."""
    name, where = source, region
    if source.startswith("arn:"):
        where = source.split(":")[3] or region
        path = source.partition(":parameter/")[2]
        name = f"/{path}" if "/" in path else path
    client = sessions.client(task, role_arn, "ssm", where)
    try:
        found = client.get_parameters(Names=[name], WithDecryption=True)
    except ClientError as error:
        raise SecretError(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secrets from ssm: service call has been "
            f"retried 1 time(s): {_words(error)}"
        ) from error
    if not found["Parameters"]:
        raise SecretError(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secrets from ssm: service call has been "
            f"retried 1 time(s): invalid ssm parameters: {name}"
        )
    return str(found["Parameters"][0]["Value"])


def _words(error: ClientError) -> str:
    return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"

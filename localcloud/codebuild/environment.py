"""The variables of a build: CodeBuild's own, the buildspec's, the project's, the request's.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud.codebuild.buildspec import Buildspec
from localcloud.codebuild.errors import PhaseError
from localcloud.codebuild.model import Build

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARAMETERS_AT_ONCE = 10
EXECUTION_ENVIRONMENT = "AWS_ECS_FARGATE"

ClientOf = Callable[[str], Any]
"""Makes a client of a service that signs as the build's role."""


@dataclass(frozen=True)
class Variables:
    """What a build's commands see.

    Attributes:
        values: by name.
        secret: the values that came from Parameter Store or Secrets Manager.
    """

    values: Mapping[str, str]
    secret: list[str]


def own_variables(build: Build, source_directory: str, account: str) -> dict[str, str]:
    """CodeBuild's own variables of a build."""
    shape = build.shape
    source = shape["source"]
    location = source.get("location", "")
    project_arn = build.arn.replace(":build/", ":project/").rpartition(":")[0]
    own = {
        "AWS_ACCOUNT_ID": account,
        "AWS_DEFAULT_REGION": build.region,
        "AWS_REGION": build.region,
        "AWS_EXECUTION_ENV": EXECUTION_ENVIRONMENT,
        "CI": "true",
        "CODEBUILD_AGENT_VERSION": "fargate-cd",
        "CODEBUILD_BUILD_ARN": build.arn,
        "CODEBUILD_BUILD_ID": build.id,
        "CODEBUILD_BUILD_IMAGE": shape["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(shape["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": shape["initiator"],
        "CODEBUILD_KMS_KEY_ID": shape["encryptionKey"],
        "CODEBUILD_LOG_PATH": shape["logs"].get("streamName", ""),
        "CODEBUILD_PROJECT_ARN": project_arn,
        "CODEBUILD_RESOLVED_SOURCE_VERSION": shape.get("resolvedSourceVersion", ""),
        "CODEBUILD_SOURCE_REPO_URL": f"s3://{location}" if source["type"] == "S3" else "",
        "CODEBUILD_SOURCE_VERSION": shape.get("sourceVersion", ""),
        "CODEBUILD_SRC_DIR": source_directory,
        "CODEBUILD_START_TIME": str(int(shape["startTime"] * 1000)),
        "HOME": "/root",
    }
    return {name: text for name, text in own.items() if text}


def collected(
    build: Build, buildspec: Buildspec, own: Mapping[str, str], client: ClientOf
) -> Variables:
    """All variables, the request's over the project's over the buildspec's.

    Raises:
        PhaseError: one can't be had, with the reason.
    """
    declared = [
        *({"name": n, "value": v, "type": "PLAINTEXT"} for n, v in buildspec.variables.items()),
        *(
            {"name": n, "value": v, "type": "PARAMETER_STORE"}
            for n, v in buildspec.parameters.items()
        ),
        *({"name": n, "value": v, "type": "SECRETS_MANAGER"} for n, v in buildspec.secrets.items()),
        *build.shape["environment"]["environmentVariables"],
    ]
    chosen = {variable["name"]: variable for variable in declared}
    for name in chosen:
        if not NAME.fullmatch(name):
            raise PhaseError("CLIENT_ERROR", f"{name!r} can't be the name of a shell's variable")
    by_type: dict[str, dict[str, str]] = {"PLAINTEXT": {}, "PARAMETER_STORE": {}}
    by_type["SECRETS_MANAGER"] = {}
    for name, variable in chosen.items():
        by_type[variable.get("type", "PLAINTEXT")][name] = variable["value"]
    fetched = {
        **_parameters(by_type["PARAMETER_STORE"], client),
        **_secrets(by_type["SECRETS_MANAGER"], client),
    }
    return Variables(
        {**own, **by_type["PLAINTEXT"], **fetched}, [text for text in fetched.values() if text]
    )


def _parameters(wanted: Mapping[str, str], client: ClientOf) -> dict[str, str]:
    values: dict[str, str] = {}
    names = sorted(set(wanted.values()))
    for start in range(0, len(names), PARAMETERS_AT_ONCE):
        try:
            answer = client("ssm").get_parameters(
                Names=names[start : start + PARAMETERS_AT_ONCE], WithDecryption=True
            )
        except ClientError as error:
            raise PhaseError("Decrypted Variables Error", _reason(error)) from error
        if answer["InvalidParameters"]:
            missing = answer["InvalidParameters"][0]
            raise PhaseError("Decrypted Variables Error", f"parameter does not exist: {missing}")
        for row in answer["Parameters"]:
            values[row["Name"]] = values[row["ARN"]] = row["Value"]
    return {name: values[parameter] for name, parameter in wanted.items()}


def _secrets(wanted: Mapping[str, str], client: ClientOf) -> dict[str, str]:
    return {name: _secret(reference, client) for name, reference in wanted.items()}


def _secret(reference: str, client: ClientOf) -> str:
    """`SECRET-ID:JSON-KEY:VERSION-STAGE:VERSION-ID`; a secret's ARN has colons of its own."""
    head = 7 if reference.startswith("arn:") else 1
    parts = reference.split(":")
    secret_id, rest = ":".join(parts[:head]), [*parts[head:], "", "", ""]
    key, stage, version = rest[:3]
    chosen = {"VersionStage": stage, "VersionId": version}
    try:
        answer = client("secretsmanager").get_secret_value(
            SecretId=secret_id, **{name: text for name, text in chosen.items() if text}
        )
    except ClientError as error:
        raise PhaseError("Secrets Manager Error", _reason(error)) from error
    text = str(answer.get("SecretString", ""))
    if not key:
        return text
    try:
        found = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise PhaseError(
            "Secrets Manager Error", f"the secret {secret_id} has no JSON key {key}"
        ) from error
    return found if isinstance(found, str) else json.dumps(found)


def _reason(error: ClientError) -> str:
    told = error.response["Error"]
    return f"{told['Code']}: {told['Message']}"

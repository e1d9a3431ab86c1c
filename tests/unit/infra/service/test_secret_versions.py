"""A rotated secret starts the tasks anew."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.infra.looks import default
from tests.unit.infra.recorder import REGION, Answer, record

SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:db-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:123456789012:parameter/team/flag"
SETTINGS = {"secrets": json.dumps({"DSN": f"{SECRET}:dsn::", "FLAG": PARAMETER})}
VERSIONS = "aws:secretsmanager/getSecretVersions:getSecretVersions"
GET_PARAMETER = "aws:ssm/getParameter:getParameter"


def triggers(answers: dict[str, Answer] | None = None, **settings: str) -> Any:
    recording = record({**SETTINGS, **settings}, answers=answers)
    return recording.one("Service", "service-service").inputs.get("triggers")


def current(version: str) -> Answer:
    stages = [
        {"versionId": version, "versionStages": ["AWSCURRENT"]},
        {"versionId": f"before {version}", "versionStages": ["AWSPREVIOUS"]},
    ]
    return lambda _: {"versions": stages}


def test_the_same_versions_change_nothing() -> None:
    assert triggers() == triggers()


def test_another_version_of_a_secret_or_a_parameter_starts_a_deployment() -> None:
    seen = {
        triggers()["secrets"],
        triggers({VERSIONS: current("newer")})["secrets"],
        triggers({GET_PARAMETER: lambda _: {"version": 4}})["secrets"],
    }
    assert len(seen) == 3


def test_without_secrets_nothing_is_asked() -> None:
    recording = default()
    assert "secrets" not in recording.one("Service", "service-service").inputs["triggers"]
    asked = {token for token, _ in recording.invokes}
    assert not asked & {VERSIONS, GET_PARAMETER}


def test_values_are_not_read() -> None:
    asked = dict(record(SETTINGS).invokes)
    assert asked[VERSIONS] == {"secretId": SECRET, "region": REGION}
    assert asked[GET_PARAMETER] == {
        "name": "/team/flag",
        "region": REGION,
        "withDecryption": False,
    }

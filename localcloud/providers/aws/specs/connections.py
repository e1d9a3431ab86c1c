"""Rows of CodeConnections, under its present and its former name.

https://docs.aws.amazon.com/codeconnections/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.spec import AutoName, Op, Spec, tagged_by_arn

_TAGS = tagged_by_arn("ResourceArn", "id")


def _connection(token: str, service: str) -> Spec:
    return Spec(
        token,
        service,
        create=Op("CreateConnection"),
        read=Op("GetConnection", {"ConnectionArn": "id"}),
        delete=Op("DeleteConnection", {"ConnectionArn": "id"}),
        id="ConnectionArn",
        found="Connection",
        names={"name": "ConnectionName"},
        outputs={"arn": "ConnectionArn", "connectionStatus": "ConnectionStatus"},
        name=AutoName(32),
        tags=_TAGS,
        absent=frozenset({"ResourceNotFoundException"}),
    )


CODE_STAR_CONNECTION = _connection(
    "aws:codestarconnections/connection:Connection", "codestar-connections"
)
CODE_CONNECTION = _connection("aws:codeconnections/connection:Connection", "codeconnections")

ROWS = (CODE_STAR_CONNECTION, CODE_CONNECTION)

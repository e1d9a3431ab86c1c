"""Every IAM document that the program registers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.unit.infra.recorder import Recording, Registered

IDENTITY = "aws:iam/rolePolicy:RolePolicy"
TRUST = "aws:iam/role:Role"
RESOURCE = frozenset(
    {
        "aws:kms/key:Key",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:sns/topicPolicy:TopicPolicy",
    }
)


@dataclass(frozen=True)
class Document:
    """A policy, and the resource that carries it."""

    resource: str
    token: str
    text: str

    @property
    def statements(self) -> list[dict[str, Any]]:
        """Its statements."""
        return list(json.loads(self.text)["Statement"])


def documents(recording: Recording) -> Iterator[Document]:
    """Every document, whatever the property that holds it."""
    for resource in recording.resources:
        for name in ("policy", "assumeRolePolicy"):
            text = resource.inputs.get(name)
            if _is_iam(resource, text):
                yield Document(resource.name, resource.token, str(text))


def _is_iam(resource: Registered, text: object) -> bool:
    return isinstance(text, str) and '"Statement"' in text and resource.options["custom"]

"""Credentials of the roles that a stack's AWS provider assumes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)


def assumed(
    session: botocore.session.Session, role: CredentialProvider
) -> botocore.session.Session:
    """A session with the credentials of a role, in the region of another session."""
    core = botocore.session.Session()
    core.register_component("credential_provider", CredentialResolver([role]))
    core.set_config_variable("region", session.get_config_variable("region"))
    return core


class Assumed(CredentialProvider):  # type: ignore[misc]
    """Credentials of a role, fetched again before they expire.

    Args:
        sts: the client that assumes it.
        role: the role, as the provider's configuration has it.
    """

    METHOD = "assume-role"

    def __init__(self, sts: Any, role: Mapping[str, Any]) -> None:
        super().__init__()
        self._sts = sts
        self._role = role

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(refresh_using=self._fetch, method=self.METHOD)

    def _fetch(self) -> dict[str, str]:
        found = self._answer()["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }

    def _answer(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def _arguments(self) -> dict[str, Any]:
        """What both ways to assume a role take."""
        role = self._role
        given = {
            "RoleArn": role["roleArn"],
            "RoleSessionName": role.get("sessionName") or f"fargate-cd-{uuid.uuid4().hex[:12]}",
            "Policy": role.get("policy"),
            "PolicyArns": [{"arn": arn} for arn in role.get("policyArns") or []],
        }
        return {name: value for name, value in given.items() if value}


class Role(Assumed):
    """Credentials by AssumeRole.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    """

    def _answer(self) -> Mapping[str, Any]:
        role = self._role
        given = {
            "ExternalId": role.get("externalId"),
            "SourceIdentity": role.get("sourceIdentity"),
            "Tags": [{"Key": k, "Value": v} for k, v in (role.get("tags") or {}).items()],
            "TransitiveTagKeys": role.get("transitiveTagKeys"),
        }
        further = {name: value for name, value in given.items() if value}
        answer: Mapping[str, Any] = self._sts.assume_role(**self._arguments(), **further)
        return answer


class WebIdentity(Assumed):
    """Credentials by AssumeRoleWithWebIdentity.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    """

    def _answer(self) -> Mapping[str, Any]:
        role = self._role
        token = role.get("webIdentityToken")
        token = token or Path(role["webIdentityTokenFile"]).expanduser().read_text()
        answer: Mapping[str, Any] = self._sts.assume_role_with_web_identity(
            WebIdentityToken=token, **self._arguments()
        )
        return answer

"""The AWS provider's configuration of a stack, and one boto3 session made from it.

`aws:profile`, `aws:assumeRoles` and the like decide in which account Pulumi works. The driver's
own calls are made with the same credentials, or else its checks, its verdict and its clean-up
would look at another account.

https://www.pulumi.com/registry/packages/aws/installation-configuration/#configuration-options
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)

from automation.errors import ConfigurationError

PREFIX = "aws:"

FILES = {
    "sharedConfigFiles": "config_file",
    "sharedCredentialsFiles": "credentials_file",
}
"""Key → botocore's variable; botocore reads one file of each."""

ENDPOINTS = {
    "useFipsEndpoint": "use_fips_endpoint",
    "useDualstackEndpoint": "use_dualstack_endpoint",
}
"""Key → botocore's setting of a client."""


@dataclass(frozen=True)
class Provider:
    """The provider's configuration.

    Attributes:
        values: key without its prefix → value, secrets decrypted.
    """

    values: Mapping[str, Any]

    @classmethod
    def of(cls, config: Mapping[str, Any], decrypted: Callable[[str], str]) -> Provider:
        """Read it from the configuration of a stack.

        Args:
            config: what the stack's file says.
            decrypted: key → the value of a secret.
        """
        return cls(
            {
                key.removeprefix(PREFIX): _plain(key, value, decrypted)
                for key, value in config.items()
                if str(key).startswith(PREFIX)
            }
        )

    @property
    def region(self) -> str | None:
        """`aws:region`, or else the environment's, which boto3 knows by another name."""
        return self.values.get("region") or os.environ.get("AWS_REGION") or None

    def session(self) -> boto3.Session:
        """A session with the provider's credentials; roles are assumed one after the other.

        Raises:
            ConfigurationError: boto3 can't follow the configuration.
        """
        session = self._base()
        web = self.values.get("assumeRoleWithWebIdentity")
        if web:
            session = self._assumed(session, _WebIdentity(self._sts(session), web))
        for role in self.values.get("assumeRoles") or []:
            session = self._assumed(session, _Role(self._sts(session), role))
        return session

    def client_settings(self) -> Config:
        """Settings of every client."""
        return Config(**{ENDPOINTS[key]: True for key in ENDPOINTS if _true(self.values.get(key))})

    def _base(self) -> boto3.Session:
        core = botocore.session.Session(profile=self.values.get("profile") or None)
        for key, variable in FILES.items():
            files = self.values.get(key) or []
            if len(files) > 1:
                raise ConfigurationError(
                    f"{PREFIX}{key} names {len(files)} files, and the driver reads one: name one, "
                    "or leave it out and set AWS_PROFILE."
                )
            if files:
                core.set_config_variable(variable, str(Path(files[0]).expanduser()))
        return boto3.Session(
            botocore_session=core,
            region_name=self.region,
            aws_access_key_id=self.values.get("accessKey"),
            aws_secret_access_key=self.values.get("secretKey"),
            aws_session_token=self.values.get("token"),
        )

    def _sts(self, session: boto3.Session) -> Any:
        return session.client("sts", region_name=self.values.get("stsRegion") or self.region)

    def _assumed(self, session: boto3.Session, role: CredentialProvider) -> boto3.Session:
        core = botocore.session.Session()
        core.register_component("credential_provider", CredentialResolver([role]))
        return boto3.Session(botocore_session=core, region_name=session.region_name)

    def check(self, account: str) -> None:
        """Refuse an account that the configuration does not allow.

        Raises:
            ConfigurationError: it is forbidden, or not among those that are allowed.
        """
        allowed = self.values.get("allowedAccountIds") or []
        forbidden = self.values.get("forbiddenAccountIds") or []
        if account in forbidden or (allowed and account not in allowed):
            raise ConfigurationError(
                f"These credentials belong to the account {account}, which this stack's "
                f"{PREFIX}allowedAccountIds and {PREFIX}forbiddenAccountIds don't allow: use "
                "others, or change these settings."
            )


def _plain(key: str, value: Any, decrypted: Callable[[str], str]) -> Any:
    """A value as plain data; a list or a map may be JSON text."""
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return _plain(key, decrypted(key), decrypted)
        return {str(name): _plain(key, each, decrypted) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(key, each, decrypted) for each in value]
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return _plain(key, json.loads(value), decrypted)
    return value if value is None or isinstance(value, bool) else str(value)


def _true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


class _Assumed(CredentialProvider):  # type: ignore[misc]
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


class _Role(_Assumed):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

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


class _WebIdentity(_Assumed):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"""

    def _answer(self) -> Mapping[str, Any]:
        role = self._role
        token = role.get("webIdentityToken")
        token = token or Path(role["webIdentityTokenFile"]).expanduser().read_text()
        answer: Mapping[str, Any] = self._sts.assume_role_with_web_identity(
            WebIdentityToken=token, **self._arguments()
        )
        return answer

"""The AWS provider's configuration of a stack, and one botocore session made from it.

`aws:profile`, `aws:assumeRoles` and the like decide in which account Pulumi works. The driver's
own calls are made with the same credentials, or else its checks, its verdict and its clean-up
would look at another account.

https://www.pulumi.com/registry/packages/aws/installation-configuration/#configuration-options
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automation.errors import ConfigurationError

if TYPE_CHECKING:  # botocore takes a quarter of a second to import; not every command asks AWS
    from botocore.session import Session

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
        """`aws:region`, or else the environment's, which botocore knows by another name."""
        return self.values.get("region") or os.environ.get("AWS_REGION") or None

    def session(self) -> Session:
        """A session with the provider's credentials; roles are assumed one after the other.

        Raises:
            ConfigurationError: botocore can't follow the configuration.
        """
        session = self._base()
        web = self.values.get("assumeRoleWithWebIdentity")
        roles = self.values.get("assumeRoles") or []
        if not web and not roles:
            return session
        from automation.aws.assumed_roles import Role, WebIdentity, assumed

        if web:
            session = assumed(session, WebIdentity(self._sts(session), web))
        for role in roles:
            session = assumed(session, Role(self._sts(session), role))
        return session

    def client_settings(self) -> dict[str, bool]:
        """Settings of every client, by botocore's names."""
        return {ENDPOINTS[key]: True for key in ENDPOINTS if _true(self.values.get(key))}

    def _base(self) -> Session:
        import botocore.session

        core = botocore.session.Session(profile=self.values.get("profile") or None)
        for setting, variable in FILES.items():
            files = self.values.get(setting) or []
            if len(files) > 1:
                raise ConfigurationError(
                    f"{PREFIX}{setting} names {len(files)} files; the driver reads one: name one, "
                    "or leave it out and set AWS_PROFILE."
                )
            if files:
                core.set_config_variable(variable, str(Path(files[0]).expanduser()))
        if self.region:
            core.set_config_variable("region", self.region)
        if key := self.values.get("accessKey"):
            core.set_credentials(key, self.values.get("secretKey"), self.values.get("token"))
        return core

    def _sts(self, session: Session) -> Any:
        return session.create_client("sts", region_name=self.values.get("stsRegion") or self.region)

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

"""Roles for workflows: AssumeRoleWithWebIdentity, decided by the role's trust policy over a token.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html

AWS fetches an issuer's public keys from the issuer. The local cloud has one key of its own in place
of every issuer's, so that a token is trusted only if `Issuer.token` of this local cloud signed it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from localcloud.iam.directory import Identity, emulated_iam, find_role, parsed
from localcloud.iam.evaluation import Caller, Policies, Request, evaluate
from localcloud.shared.service import ServiceError

ACTION = "sts:AssumeRoleWithWebIdentity"
ALGORITHM = "RS256"
TOKEN_SECONDS = 300


@dataclass(frozen=True)
class WebIdentity:
    """What a token proves.

    Attributes:
        issuer: its address without the scheme.
        audience: for whom the token is.
        subject: whose it is.
    """

    issuer: str
    audience: str
    subject: str


class Issuer:
    """Signs and reads tokens with the local cloud's key.

    Args:
        state_dir: the folder that keeps the key.
    """

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / "token-key.json"

    def token(self, issuer: str, audience: str, subject: str, seconds: int = TOKEN_SECONDS) -> str:
        """A signed token, as GitHub gives one to a workflow.

        Args:
            issuer: such as `https://token.actions.githubusercontent.com`.
            audience: such as `sts.amazonaws.com`.
            subject: such as `repo:octo/shop:ref:refs/heads/main`.
            seconds: validity.
        """
        now = int(time.time())
        claims = {"iss": issuer, "aud": audience, "sub": subject, "iat": now, "exp": now + seconds}
        return jwt.encode({"alg": ALGORITHM}, claims, self._key())

    def read(self, token: str) -> WebIdentity:
        """What a token proves.

        Raises:
            ServiceError: it is expired, or not signed here.
        """
        try:
            claims = jwt.decode(token, self._key(), algorithms=[ALGORITHM]).claims
            found = WebIdentity(claims["iss"].partition("://")[2], claims["aud"], claims["sub"])
            expires = int(claims["exp"])
        except (JoseError, KeyError, ValueError) as error:
            raise ServiceError(
                "InvalidIdentityToken",
                "The ID Token provided is not a valid JWT, or the local cloud did not sign it. "
                "(You may see this error if you sent an Access Token)",
            ) from error
        if expires <= time.time():
            raise ServiceError("ExpiredTokenException", "Token expired: it was too old on arrival")
        return found

    def _key(self) -> RSAKey:
        if not self._file.exists():
            self._file.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(RSAKey.generate_key(2048).as_dict(private=True))
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(text)
        return RSAKey.import_key(json.loads(self._file.read_text()))


def trusted_role(account: str, role_arn: str, identity: WebIdentity) -> tuple[Identity, str]:
    """Ask the account's providers and the role's trust policy about a token.

    Returns:
        The role, and the provider's ARN.

    Raises:
        ServiceError: no provider has this issuer and audience, or the role does not trust it.
    """
    provider = _provider(account, identity)
    role = find_role(emulated_iam(account), role_arn)
    keys: Mapping[str, Sequence[str]] = {
        f"{identity.issuer}:aud".lower(): [identity.audience],
        f"{identity.issuer}:sub".lower(): [identity.subject],
    }
    if role is not None:
        trust = parsed("trust policy", role.trust, "trust")
        caller = Caller(provider=provider)
        request = Request(caller, ACTION, role.arn, lambda key: keys.get(key.lower()))
        if evaluate(request, Policies(resource=trust, resource_decides=True)).allowed:
            return role, provider
    raise ServiceError("AccessDenied", f"Not authorized to perform {ACTION}", 403)


def _provider(account: str, identity: WebIdentity) -> str:
    found: Any = None
    for each in emulated_iam(account).open_id_providers.values():
        if each.url == identity.issuer:
            found = each
    if found is None:
        raise ServiceError(
            "InvalidIdentityToken",
            f"No OpenIDConnect provider found in your account for https://{identity.issuer}",
        )
    if identity.audience not in found.client_id_list:
        raise ServiceError("InvalidIdentityToken", "Incorrect token audience")
    return str(found.arn)

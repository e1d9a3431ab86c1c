"""Registry tokens: what `docker login` gets from ECR, valid for 12 hours, known by their seal.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from localcloud.shared.state_file import write_atomically

LIFETIME_SECONDS = 12 * 3600
USER = "AWS"


@dataclass(frozen=True)
class Caller:
    """Whom a token was made for."""

    principal: str
    access_key_id: str
    region: str


class Tokens:
    """Makes and reads tokens; a restart of the local cloud keeps them valid."""

    def __init__(self, folder: Path) -> None:
        file = folder / "token.key"
        if not file.exists():
            write_atomically(file, secrets.token_bytes(32))
        self._key = file.read_bytes()

    def issue(self, caller: Caller) -> tuple[str, float]:
        """A password for the user `AWS`, and when it ends in seconds since 1970."""
        expires = time.time() + LIFETIME_SECONDS
        content = json.dumps(
            [caller.principal, caller.access_key_id, caller.region, expires]
        ).encode()
        seal = hmac.new(self._key, content, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(seal + content).decode(), expires

    def read(self, password: str) -> Caller | None:
        """Whom the password was made for; None for a foreign or expired one."""
        try:
            raw = base64.urlsafe_b64decode(password.encode())
        except ValueError:
            return None
        seal, content = raw[:32], raw[32:]
        expected = hmac.new(self._key, content, hashlib.sha256).digest()
        if not hmac.compare_digest(seal, expected):
            return None
        principal, key, region, expires = json.loads(content)
        return Caller(principal, key, region) if time.time() < expires else None

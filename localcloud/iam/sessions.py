"""The temporary credentials that the local cloud's STS has handed out, kept on disk.

One store serves a process, like the emulator's own backends; the gateway finds the keys in it. A
session outlives a restart of the local cloud, so that a container keeps the keys it was given;
expired ones are dropped.
"""

from __future__ import annotations

import json
import os
import secrets
import string
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localcloud.shared.service import Credentials

KEY_ALPHABET = string.ascii_uppercase + "234567"
"""Letters and digits of an access key's id."""


@dataclass(frozen=True)
class Session:
    """What a set of temporary credentials stands for.

    Attributes:
        access_key_id: `ASIA` and 16 further characters.
        secret_access_key: signs requests.
        session_token: goes along with every request.
        expires_at: the end of validity, UTC.
        issued_at: the moment of issue, UTC; `aws:TokenIssueTime`.
        principal_arn: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, or the user's ARN for
            GetSessionToken.
        role_arn: the role with its path; None for GetSessionToken.
        session_name: RoleSessionName.
        session_policies: texts of the session policies, inline and managed, as at the call.
        tags: session tags.
        transitive_tag_keys: tags that stay through role chaining.
        source_identity: `aws:SourceIdentity`.
        service: the service principal that assumed the role, if one did.
    """

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime
    issued_at: datetime
    principal_arn: str
    role_arn: str | None = None
    session_name: str = ""
    session_policies: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None
    service: str | None = None


@dataclass(frozen=True)
class SessionCredentials(Credentials):
    """Keys of a session, with what a credentials endpoint also tells.

    Attributes:
        expires_at: the end of validity, UTC.
        principal_arn: the session's ARN.
    """

    expires_at: datetime | None = None
    principal_arn: str = ""


class SessionStore:
    """All sessions of this process; every change is on disk before the keys are handed out."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._file: Path | None = None
        self._lock = threading.Lock()

    def keep_in(self, file: Path) -> None:
        """Keep the sessions in this file from now on, with those that it holds already."""
        with self._lock:
            self._file = file
            self._sessions.clear()
            if file.exists():
                for row in json.loads(file.read_text()):
                    session = _from_row(row)
                    self._sessions[session.access_key_id] = session

    def find(self, access_key_id: str) -> Session | None:
        """The session of an access key, expired or not; None when it was never issued here."""
        return self._sessions.get(access_key_id)

    def issue(self, *, principal_arn: str, duration_seconds: int, **facts: Any) -> Session:
        """Make and keep a session.

        Args:
            principal_arn: who the holder of the keys is.
            duration_seconds: validity.
            facts: further attributes of `Session`.
        """
        now = datetime.now(UTC)
        session = Session(
            access_key_id="ASIA" + "".join(secrets.choice(KEY_ALPHABET) for _ in range(16)),
            secret_access_key=secrets.token_urlsafe(30),
            session_token=secrets.token_urlsafe(180),
            issued_at=now,
            expires_at=now + timedelta(seconds=duration_seconds),
            principal_arn=principal_arn,
            **facts,
        )
        with self._lock:
            current = {k: s for k, s in self._sessions.items() if s.expires_at > now}
            current[session.access_key_id] = session
            self._sessions = current
            self._write()
        return session

    def _write(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        rows = [_to_row(session) for session in self._sessions.values()]
        draft = self._file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(rows, stream)
        draft.replace(self._file)


def _to_row(session: Session) -> dict[str, Any]:
    row = asdict(session)
    row["expires_at"] = session.expires_at.isoformat()
    row["issued_at"] = session.issued_at.isoformat()
    return row


def _from_row(row: dict[str, Any]) -> Session:
    row = dict(row)
    for name in ("expires_at", "issued_at"):
        row[name] = datetime.fromisoformat(row[name])
    for name in ("session_policies", "transitive_tag_keys"):
        row[name] = tuple(row[name])
    return Session(**row)


def credentials_of(session: Session) -> SessionCredentials:
    """The keys to sign with."""
    return SessionCredentials(
        access_key_id=session.access_key_id,
        secret_access_key=session.secret_access_key,
        session_token=session.session_token,
        expires_at=session.expires_at,
        principal_arn=session.principal_arn,
    )


SESSIONS = SessionStore()
"""The process's sessions."""

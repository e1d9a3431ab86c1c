"""The access keys that the local cloud issued: the account's root, IAM users', STS sessions'."""

from __future__ import annotations

from localcloud.emulator.emulator import backends
from localcloud.gateway.signature import Key
from localcloud.iam import SESSIONS
from localcloud.shared.service import Credentials

PARTITION = "aws"


class Keys:
    """Finds users' keys in moto's IAM, sessions' in STS, and knows the account root's own."""

    def __init__(self, root: Credentials, account: str) -> None:
        self._root = root
        self._account = account

    def find(self, access_key_id: str) -> Key | None:
        """The key of that id; None where the local cloud never issued it or it was deleted."""
        if access_key_id == self._root.access_key_id:
            return Key(self._root.secret_access_key, f"arn:aws:iam::{self._account}:root")
        return self._of_user(access_key_id) or self._of_session(access_key_id)

    def _of_user(self, access_key_id: str) -> Key | None:
        for user in list(backends("iam")[self._account][PARTITION].users.values()):
            for key in user.access_keys:
                if key.access_key_id == access_key_id:
                    return Key(key.secret_access_key, user.arn, active=key.status == "Active")
        return None

    @staticmethod
    def _of_session(access_key_id: str) -> Key | None:
        session = SESSIONS.find(access_key_id)
        if session is None:
            return None
        return Key(
            session.secret_access_key,
            session.principal_arn,
            session.session_token,
            session.expires_at,
        )

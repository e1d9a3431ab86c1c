"""What only this local cloud's user knows: the account root's key and the state's passphrase.

Apart from `localcloud.keys`, since a driver that only wants these need not load the emulator.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.shared.service import Credentials

KEY_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Secrets:
    """What only this local cloud's user knows, made once for each state folder."""

    access_key_id: str
    secret_access_key: str
    passphrase: str

    @property
    def root(self) -> Credentials:
        """The account root's key."""
        return Credentials(self.access_key_id, self.secret_access_key)


def load_secrets(state_dir: Path) -> Secrets:
    """The secrets of a state folder, made at the first call; readable by their owner alone."""
    file = state_dir / "secrets.json"
    if file.exists():
        return Secrets(**json.loads(file.read_text()))
    state_dir.mkdir(parents=True, exist_ok=True)
    key = "AKIA" + "".join(secrets.choice(KEY_ALPHABET) for _ in range(16))
    made = Secrets(key, secrets.token_urlsafe(30), secrets.token_urlsafe(24))
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(made)))
    return made

"""The provider's own configuration: the keys that the local cloud honours, and their values."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from localcloud.providers.aws.spec import Values
from localcloud.providers.aws.values import UNKNOWN

# https://www.pulumi.com/registry/packages/aws/installation-configuration/#configuration-options
HONOURED = {
    "region": "where resources are; the local cloud's own region by default",
    "defaultTags": "tags of every resource that can be tagged",
    "allowedAccountIds": "the accounts that may be worked on",
    "forbiddenAccountIds": "the accounts that may not",
}
# They decide how the vendor's plugin looks for credentials and checks them, of which the local
# cloud needs neither, so any value has the same effect.
WITHOUT_EFFECT = frozenset(
    {
        "maxRetries",
        "retryMode",
        "s3UsePathStyle",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "version",
        "pluginDownloadURL",
    }
)
_REMEMBERED_SESSIONS = 512


@dataclass
class Session:
    """One engine's connection.

    Attributes:
        region: its provider's region.
        default_tags: the tags of everything that can be tagged.
        engine: the address of the engine's own server, for lines of progress.
        cancelled: set when it called things off.
    """

    region: str
    default_tags: Values
    engine: str = ""
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass
class Sessions:
    """The connections by their address. An engine opens one for each provider that it configures,
    and no request but the first carries configuration."""

    _known: OrderedDict[str, Session] = field(default_factory=OrderedDict)
    _engines: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def remember(self, peer: str, session: Session) -> None:
        """Keep a connection's settings; the oldest are forgotten beyond some hundreds."""
        with self._lock:
            session.engine = self._engines.pop(peer, "")
            _keep(self._known, peer, session)

    def greeted(self, peer: str, engine: str) -> None:
        """Keep the address of the engine behind a connection that is not configured yet."""
        with self._lock:
            _keep(self._engines, peer, engine)

    def get(self, peer: str) -> Session | None:
        """The settings of a connection, or None if it has not been configured."""
        with self._lock:
            return self._known.get(peer)


def _keep(table: OrderedDict[str, Any], peer: str, value: Any) -> None:
    table[peer] = value
    table.move_to_end(peer)
    while len(table) > _REMEMBERED_SESSIONS:
        table.popitem(last=False)


def failures(inputs: Values, account: str) -> dict[str, str]:
    """Key → why it is refused."""
    refused = {}
    for key, raw in inputs.items():
        value = decoded(raw)
        if key.startswith("__") or key in WITHOUT_EFFECT or value is UNKNOWN:
            continue
        if key not in HONOURED:
            refused[key] = (
                f"the local cloud's aws provider does not honour the setting {key!r}; it takes "
                f"{', '.join(sorted(HONOURED))}"
            )
        elif key == "allowedAccountIds" and value and account not in value:
            refused[key] = f"the local cloud's account {account} is not among {', '.join(value)}"
        elif key == "forbiddenAccountIds" and account in value:
            refused[key] = f"the local cloud's account {account} is forbidden"
        elif key == "defaultTags" and not isinstance(value, dict):
            refused[key] = f"must be an object with `tags`, not {value!r}"
    return refused


def session(inputs: Values, region: str) -> Session:
    """What the settings say, with the local cloud's region where they name none."""
    default_tags = decoded(inputs.get("defaultTags", {}))
    tags = {} if default_tags is UNKNOWN else default_tags.get("tags", {})
    named = inputs.get("region")
    return Session(named if isinstance(named, str) and named else region, tags)


def decoded(value: Any) -> Any:
    """A setting's value; the engine sends all that is no text as JSON."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    return json.loads(value)

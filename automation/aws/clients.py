"""botocore clients for the stack's account, wherever the target has put it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from automation.aws.provider import Provider

if TYPE_CHECKING:  # not every command asks AWS
    from botocore.config import Config
    from botocore.exceptions import ClientError
    from botocore.session import Session

DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)
"""The codes by which services say that the caller may not make a call: most of them, SNS, EC2.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""

NO_ANSWER = DENIED | {
    "NoSuchResourceException",
    "NotImplemented",
    "UnknownOperationException",
    "UnsupportedOperation",
}
"""Answers to a question that this user, region or cloud does not answer."""


CLOCK_TOLERANCE = timedelta(seconds=2)
"""Answers tell the time in whole seconds, and take a moment."""

MARKERS = ("nextToken", "NextMarker")
"""What tells that there is another page, and asks for it."""


class Cloud:
    """Clients by service, made once; the environment says what the provider leaves open.

    Args:
        region: the region; None leaves it to the environment.
        provider: the configuration of the stack's AWS provider.
    """

    def __init__(self, region: str | None = None, provider: Provider | None = None) -> None:
        known = provider or Provider({"region": region} if region else {})
        self._provider = known
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()
        self._ahead = timedelta()

    @cached_property
    def session(self) -> Session:
        """The session that makes the clients.

        Raises:
            ConfigurationError: botocore can't follow the provider's configuration.
        """
        return self._provider.session()

    @cached_property
    def _config(self) -> Config:
        from botocore.config import Config

        return Config(
            retries={"mode": "standard", "max_attempts": 5},
            connect_timeout=5,
            read_timeout=30,
            **self._provider.client_settings(),
        )

    def client(self, service: str) -> Any:
        """The client of a service, by botocore's name; threads may share it, but not make it."""
        with self._making:
            if service not in self._clients:
                client = self.session.create_client(service, config=self._config)
                client.meta.events.register("after-call", self._compare_clocks)
                self._clients[service] = client
            return self._clients[service]

    def _compare_clocks(self, parsed: Mapping[str, Any], **_: Any) -> None:
        stamp = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if stamp:
            self._ahead = parsedate_to_datetime(stamp) - datetime.now(UTC)

    def now(self) -> datetime:
        """The time by AWS's clock as its last answer told it, for comparisons with its stamps.

        AWS takes requests of a machine whose clock is minutes off.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
        """
        here = datetime.now(UTC)
        return here + self._ahead if abs(self._ahead) > CLOCK_TOLERANCE else here

    def pages(self, service: str, operation: str, key: str, /, **arguments: Any) -> list[Any]:
        """All items of a paginated operation.

        Args:
            service: botocore's service name.
            operation: the method's name, such as `list_tasks`.
            key: the member of the answer that lists the items.
            arguments: the operation's parameters.
        """
        client = self.client(service)
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**arguments)
            return [item for page in pages for item in page.get(key, [])]
        items: list[Any] = []
        while True:  # a few operations have pages, and no paginator in botocore
            page = getattr(client, operation)(**arguments)
            items += page.get(key, [])
            further = {name: page[name] for name in MARKERS if page.get(name)}
            if not further:
                return items
            arguments |= further


def error_code(error: ClientError) -> str:
    """The service's own code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))

"""A gateway on a free port with the real emulator, and clients of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import urllib3
from botocore.config import Config

from localcloud.emulator.emulator import Emulator
from localcloud.gateway.gateway import Gateway
from localcloud.gateway.signature import Key
from localcloud.server.serving import listen, serve
from localcloud.shared.service import Credentials, Service

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROOT = Credentials("AKIATESTROOTTESTROOT", "the root's secret")
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
# One for all: a session of its own would read the services' models anew for each client.
SESSION = boto3.session.Session()
CLIENTS = threading.Lock()  # making a client is not thread-safe


def fetch(url: str, method: str = "GET") -> tuple[int, bytes]:
    """The status and body of a request that no SDK signs."""
    answer = urllib3.PoolManager().request(method, url, timeout=60, retries=False)
    return answer.status, answer.data


@dataclass
class Served:
    """A gateway that answers at an address."""

    gateway: Gateway
    url: str
    _clients: dict[object, Any] = field(default_factory=dict)

    def client(
        self,
        service: str,
        credentials: Credentials = ROOT,
        region: str = REGION,
        **settings: Any,
    ) -> Any:
        """A client, the same one for the same arguments."""
        key = (service, credentials, region, *settings.items())
        with CLIENTS:
            if key not in self._clients:
                self._clients[key] = self._client(service, credentials, region, settings)
            return self._clients[key]

    def _client(
        self, service: str, credentials: Credentials, region: str, settings: dict[str, Any]
    ) -> Any:
        return SESSION.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=Config(
                proxies={}, retries={"mode": "standard", "total_max_attempts": 1}, **settings
            ),
        )


def root_key(access_key_id: str) -> Key | None:
    if access_key_id != ROOT.access_key_id:
        return None
    return Key(ROOT.secret_access_key, ROOT_ARN)


@contextmanager
def served(
    *services: Service, find_key: Callable[[str], Key | None] = root_key
) -> Iterator[Served]:
    gateway = Gateway(account=ACCOUNT, region=REGION, emulator=Emulator(), find_key=find_key)
    for service in services:
        gateway.add(service)
    server = serve(gateway, listen("127.0.0.1", 0), "gateway under test")
    try:
        yield Served(gateway, f"http://127.0.0.1:{server.port}")
    finally:
        server.stop()

"""Sessions of the task and execution roles, renewed before they end.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from localcloud.ecs.core import Core
from localcloud.ecs.model import Task
from localcloud.iam.service_roles import assume_service_role
from localcloud.iam.sessions import SessionCredentials

PRINCIPAL = "ecs-tasks.amazonaws.com"
RENEW_BEFORE = timedelta(minutes=15)
DURATION_SECONDS = 6 * 3600

Assume = Callable[..., SessionCredentials]


@dataclass
class Sessions:
    """Credentials of roles, one session for each task and role.

    Attributes:
        assume: how a service gets a role's session.
    """

    core: Core
    assume: Assume = assume_service_role

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], SessionCredentials] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}

    def credentials(self, task: Task, role_arn: str) -> SessionCredentials:
        """A role's session for a task, valid for 15 minutes at least.

        Raises:
            ServiceError: AccessDenied: the role does not trust ECS tasks.
        """
        key = (task.id, role_arn)
        with self._lock:
            held = self._held.get(key)
            if held is not None and _lasts(held):
                return held
            _, _, _, region, account, _ = task.arn.split(":", 5)
            held = self.assume(
                role_arn,
                PRINCIPAL,
                source_arn=f"arn:aws:ecs:{region}:{account}:*",
                source_account=account,
                session_name=task.id,
                duration_seconds=DURATION_SECONDS,
            )
            self._held[key] = held
            return held

    def client(self, task: Task, role_arn: str, service: str, region: str) -> Any:
        """A boto3 client that signs with the role's session."""
        keys = self.credentials(task, role_arn)
        name = (service, region, keys.access_key_id)
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self.core.surroundings.client(
                    service, region=region, credentials=keys
                )
            return self._clients[name]

    def forget(self, task: Task) -> None:
        """Drop what is held for a task that has stopped."""
        with self._lock:
            keys = {
                self._held.pop(key).access_key_id for key in list(self._held) if key[0] == task.id
            }
            for name in [name for name in self._clients if name[2] in keys]:
                del self._clients[name]


def _lasts(held: SessionCredentials) -> bool:
    return held.expires_at is None or held.expires_at - datetime.now(UTC) > RENEW_BEFORE

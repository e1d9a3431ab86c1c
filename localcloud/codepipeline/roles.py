"""Whose rights a stage acts with: the pipeline's role, or a role of the action's own.

https://docs.aws.amazon.com/codepipeline/latest/userguide/security-iam.html: CodePipeline assumes
the pipeline's role; with the pipeline's role it assumes an action's `roleArn`.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from localcloud.iam import Authorizer, assume_service_role
from localcloud.shared.service import Call, Credentials, Surroundings

PRINCIPAL = "codepipeline.amazonaws.com"
RENEWED_BEFORE_SECONDS = 300
SESSION_SECONDS = 3600


@dataclass
class Roles:
    """Sessions of the roles that executions act with, renewed before they end."""

    surroundings: Surroundings
    _sessions: dict[tuple[str, str, str], tuple[float, Credentials]] = field(default_factory=dict)
    _clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str, region: str, credentials: Credentials) -> Any:
        """A boto3 client that signs with a session's keys; made once for each session."""
        key = (credentials.access_key_id, service, region)
        if key not in self._clients:
            self._clients[key] = self.surroundings.client(service, region, credentials)
        return self._clients[key]

    def session(self, pipeline_arn: str, role_arn: str, action_role: str, name: str) -> Credentials:
        """Keys to act with.

        Args:
            pipeline_arn: on whose behalf: the trust policy's `aws:SourceArn`.
            role_arn: the pipeline's role.
            action_role: the action's own, or empty.
            name: the session's name.

        Raises:
            ServiceError: AccessDenied: the role does not trust CodePipeline.
            ClientError: the pipeline's role may not assume the action's.
        """
        key = (pipeline_arn, role_arn, action_role)
        with self._lock:
            until, credentials = self._sessions.get(key, (0.0, None))
            if credentials is None or until - time.time() < RENEWED_BEFORE_SECONDS:
                credentials = self._assume(pipeline_arn, role_arn, action_role, name)
                self._sessions[key] = (time.time() + SESSION_SECONDS, credentials)
            return credentials

    def require(self, pipeline_arn: str, keys: Credentials, action: str, resource: str) -> None:
        """Demand a permission that no API call of its own checks, such as UseConnection.

        Raises:
            ServiceError: AccessDenied: the session's role does not have it.
        """
        service, _, operation = action.partition(":")
        _, _, _, region, account, _ = pipeline_arn.split(":", 5)
        call = Call(service, operation, {}, region, account, PRINCIPAL, keys.access_key_id)
        Authorizer(self.surroundings).require(call, action, resource)

    def forget(self, pipeline_arn: str) -> None:
        """Drops the sessions of a pipeline, whose roles may have changed."""
        with self._lock:
            dropped = {
                credentials.access_key_id
                for key, (_, credentials) in self._sessions.items()
                if key[0] == pipeline_arn
            }
            self._sessions = {k: v for k, v in self._sessions.items() if k[0] != pipeline_arn}
            self._clients = {k: v for k, v in self._clients.items() if k[0] not in dropped}

    def _assume(self, pipeline_arn: str, role_arn: str, action_role: str, name: str) -> Credentials:
        own = assume_service_role(
            role_arn,
            PRINCIPAL,
            source_arn=pipeline_arn,
            source_account=pipeline_arn.split(":")[4],
            session_name=name,
            duration_seconds=SESSION_SECONDS,
        )
        if not action_role:
            return own
        sts = self.client("sts", pipeline_arn.split(":")[3], own)
        given = sts.assume_role(RoleArn=action_role, RoleSessionName=name)["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

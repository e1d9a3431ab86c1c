"""IAM of the local cloud: who calls, and whether the policies allow it."""

from localcloud.iam.service_roles import assume_service_role
from localcloud.iam.sessions import SESSIONS, SessionCredentials

__all__ = ["SESSIONS", "SessionCredentials", "assume_service_role"]

"""IAM of the local cloud: who calls, and whether the policies allow it.

The gateway asks `Authorizer(surroundings).authorize(call)` for every call. `Iam` adds AWS's
refusals to the emulator's IAM; `Sts` answers STS and keeps its sessions; `assume_service_role`
gives the local cloud's own services the keys of a role that trusts them.
"""

from localcloud.iam.authorizer import Authorizer
from localcloud.iam.directory import emulated_iam
from localcloud.iam.iam import Iam
from localcloud.iam.service_roles import assume_service_role
from localcloud.iam.sessions import SESSIONS, SessionCredentials
from localcloud.iam.sts import Sts

__all__ = [
    "SESSIONS",
    "Authorizer",
    "Iam",
    "SessionCredentials",
    "Sts",
    "assume_service_role",
    "emulated_iam",
]

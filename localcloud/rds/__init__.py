"""RDS of the local cloud: PostgreSQL instances, each a real server in a container."""

from localcloud.rds.service import Rds

__all__ = ["Rds"]

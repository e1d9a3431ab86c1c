"""A small GitHub: repositories over smart HTTP, webhooks, and the REST calls that they need."""

from localcloud.githost.service import GitHost

__all__ = ["GitHost"]

"""AWS CodeConnections of the local cloud, under its present and its former name."""

from localcloud.connections.service import CodeConnections, CodeStarConnections
from localcloud.connections.store import Connection, store_of

__all__ = ["CodeConnections", "CodeStarConnections", "Connection", "store_of"]

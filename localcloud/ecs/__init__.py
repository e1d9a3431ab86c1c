"""Amazon ECS of the local cloud: real containers on this machine's Docker engine."""

from localcloud.ecs.service import Ecs

__all__ = ["Ecs"]

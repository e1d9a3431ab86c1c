"""Amazon ECR of the local cloud: its API and a registry that Docker pushes to and pulls from."""

from localcloud.ecr.service import Ecr

__all__ = ["Ecr"]

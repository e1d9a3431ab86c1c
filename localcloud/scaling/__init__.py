"""Application Auto Scaling: the number of a service's tasks follows metrics and the clock."""

from localcloud.scaling.service import Scaling

__all__ = ["Scaling"]

"""CloudWatch's metrics and alarms: statistics of exactly the metric asked for, alarms that act."""

from localcloud.cloudwatch.service import CloudWatch

__all__ = ["CloudWatch"]

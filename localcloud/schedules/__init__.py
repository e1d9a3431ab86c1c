"""EventBridge Scheduler: the emulator keeps schedules, this invokes their targets."""

from localcloud.schedules.service import Scheduler

__all__ = ["Scheduler"]

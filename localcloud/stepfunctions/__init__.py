"""Step Functions: the emulator keeps state machines, this runs them."""

from localcloud.stepfunctions.service import StepFunctions

__all__ = ["StepFunctions"]

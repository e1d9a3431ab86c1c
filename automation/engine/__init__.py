"""The Pulumi engine: found, installed or built, and run under the driver's control.

`pulumi` on PATH is used if its version fits; else the one in the user's cache; else Pulumi's own
installer; else, where its download host can't be reached, Go builds it from the module proxy
(`go.mod` beside this file pins the version). See docs/DESIGN or
https://www.pulumi.com/docs/iac/automation-api/.
"""

from automation.engine.command import Engine
from automation.engine.locate import VERSION, find_engine, obtain_engine

__all__ = ["VERSION", "Engine", "find_engine", "obtain_engine"]

"""What the last update of the stack that Pulumi is running left as its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
"""The engine's own function that reads the outputs of a stack:
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/builtins.go
"""


def own_outputs() -> Mapping[str, Any]:
    """The stack's outputs; none before its first update."""
    place = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    return dict(pulumi.runtime.invoke(READ_OUTPUTS, {"name": place}).value["outputs"])

"""`outputs`: the stack's outputs, or one bare value."""

from __future__ import annotations

import json

from automation.deployment.stack_releases import IMAGE, with_running_image
from automation.errors import ConfigurationError
from automation.screen import Screen
from automation.stack.chosen import suggestion
from automation.stack.operations import opened, shown_outputs


def outputs(stack: str, screen: Screen, name: str | None = None) -> int:
    """Print every output, or the bare value of one.

    A secret one is told only if it is named. The image is the one that runs now: the state has that
    of the last `up`, and a pipeline and `rollback` deploy others.

    Raises:
        ConfigurationError: there is no such output.
    """
    with opened(stack, screen) as session:
        found = session.outputs()
        if name in (None, IMAGE):
            found = with_running_image(session, found)
    if name is None:
        shown = shown_outputs(found)
        screen.document(shown)
        for key, value in {} if screen.json else shown.items():
            screen.result(f"{key}: {value}")
        return 0
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise ConfigurationError(
            f"The stack {stack} has no output {name!r}; it has: {known}.{suggestion(name, found)}"
        )
    value = found[name].value
    if screen.json:
        screen.document({name: value})
    else:
        screen.out.print(value if isinstance(value, str) else json.dumps(value), markup=False)
    return 0

"""Whether a stack is an environment or a preview: its name and its settings must agree."""

from __future__ import annotations

from infra.names import PREVIEW_MARK, environment_of, unfit_for_environment
from infra.settings.model import NAMESPACE, Settings, SettingsError


def check_kind(stack: str, settings: Settings) -> None:
    """Check that a stack's name and its `preview_of` agree.

    Raises:
        SettingsError: the name and `preview_of` contradict each other.
    """
    of = settings.preview_of
    problem = None
    if of and environment_of(stack) != of:
        problem = (
            f"the stack {stack!r} must then be called {of}{PREVIEW_MARK}LABEL, with the branch in "
            "place of LABEL"
        )
    if not of and unfit_for_environment(stack):
        problem = f"must name an environment, since the stack is called {stack!r}"
    if problem:
        raise SettingsError([f"{NAMESPACE}:preview_of = {of!r}: {problem}"])

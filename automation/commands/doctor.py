"""`doctor`: every prerequisite, what is wrong, and how to put it right."""

from __future__ import annotations

from dataclasses import asdict

from automation.machine.prerequisites import Check, checks, fixes
from automation.preflight.account_checks import account_checks
from automation.screen import Screen
from automation.stack.chosen import chosen
from automation.stack.stack_file import load_stack_file
from infra.settings.model import Settings

MARKS = {True: "ok", False: "WRONG", None: "note"}


def doctor(stack: str, screen: Screen, fix: bool = False) -> int:
    """Check this machine for a stack's target.

    Args:
        stack: its target decides what is needed.
        screen: where results go; in quiet mode only what is wrong is printed.
        fix: put right what can be put right, first.

    Returns:
        0 if nothing is wrong, else 1.
    """
    file = load_stack_file(stack)
    target = file.settings.target
    if fix:
        for repair in fixes(target):
            repair(screen.warn if screen.quiet else screen.note)
    risks = _accepted_risks(file.settings)
    found = [_stack(stack), *checks(target), *account_checks(file, screen), *risks]
    wrong = [check for check in found if check.good is False]
    screen.document({"target": target, "checks": [asdict(check) for check in found]})
    for check in wrong if screen.quiet else found:
        _print(screen, check)
    return 1 if wrong else 0


def _stack(stack: str) -> Check:
    """Which stack is looked at, and why that one."""
    choice = chosen()
    by = choice.by if choice.stack == stack else "--stack"
    return Check("stack", True, f"{stack} ({by})", "`run.py use NAME` remembers another one")


def _accepted_risks(settings: Settings) -> list[Check]:
    """The rights that the settings give the application although they are refused by default."""
    return [
        Check(
            "accepted risk",
            None,
            f"{', '.join(each.actions)} on {', '.join(each.resources)}",
            f"fargate-cd:permissions, accept_risk: {each.accept_risk}",
        )
        for each in settings.permissions
        if each.accept_risk
    ]


def _print(screen: Screen, check: Check) -> None:
    screen.result(f"{MARKS[check.good]:<6} {check.name}: {check.found}")
    if check.remedy:
        screen.result(f"       {check.remedy}")

"""`doctor`: every prerequisite, what is wrong, and how to put it right."""

from __future__ import annotations

import ast
from dataclasses import asdict
from pathlib import Path

from automation import paths
from automation.machine.prerequisites import Check, checks, put_right
from automation.preflight.account_checks import account_checks
from automation.screen import Screen
from automation.stack.chosen import chosen
from automation.stack.stack_file import load_stack_file
from infra.settings.model import Settings

ADDONS = "addons.py"
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
        put_right(target, screen.warn if screen.quiet else screen.note)
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
    of_settings = [
        Check(
            "accepted risk",
            None,
            f"{', '.join(each.actions)} on {', '.join(each.resources)}",
            f"fargate-cd:permissions, accept_risk: {each.accept_risk}",
        )
        for each in settings.permissions
        if each.accept_risk
    ]
    return [*of_settings, *_risks_of_addons(paths.ROOT / ADDONS)]


def _risks_of_addons(file: Path) -> list[Check]:
    """Each `accept_risk` in the text of `addons.py`, which is not run for this."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (SyntaxError, ValueError) as error:
        return [Check(ADDONS, False, f"can't be read: {error}", "correct it")]
    given = (each for each in ast.walk(tree) if isinstance(each, ast.keyword))
    return [
        Check(
            "accepted risk",
            None,
            f"{ADDONS}, line {each.value.lineno}",
            f"accept_risk: {_constant(each.value)}",
        )
        for each in given
        if each.arg == "accept_risk"
    ]


def _constant(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else ast.unparse(value)


def _print(screen: Screen, check: Check) -> None:
    screen.result(f"{MARKS[check.good]:<6} {check.name}: {check.found}")
    if check.remedy:
        screen.result(f"       {check.remedy}")

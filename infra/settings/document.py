"""Make docs/settings.md from Pulumi.yaml: `python -m infra.settings.document`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "settings.md"

INTRODUCTION = """\
# Settings

Made from `Pulumi.yaml` by `python -m infra.settings.document`; a test keeps it true.

A setting is `fargate-cd:NAME` in `Pulumi.<stack>.yaml`, or
`pulumi config set NAME VALUE --stack STACK` (`make setup` puts `pulumi` into `.venv/bin` where the
PATH has none). That command writes the project's name from `Pulumi.yaml` as the prefix, which means
the same in every project. All are checked before anything is touched, and
several wrong ones are reported together. An empty default means: not set. An unknown setting is
an error. Put text that looks like a number, a date, a time or a truth value in quotes:
`"012345678912"`, `"1.10"`, `"no"`, `"12:30:45"`. Without quotes such a value is refused, since
readers of YAML disagree on what it means.
"""

TITLES = {
    "app": "The app",
    "build": "The build",
    "container": "The container",
    "scale": "Scale",
    "processes": "Processes",
    "network": "Network",
    "https": "HTTPS",
    "delivery": "Delivery",
    "deployment": "Deployment",
    "monitoring": "Monitoring",
    "data and life": "Data and life",
}


def page(project: str) -> str:
    """The page of settings.

    Args:
        project: the text of `Pulumi.yaml`, whose comments name the groups.
    """
    declared = yaml.safe_load(project)["config"]
    lines = [INTRODUCTION]
    for group, names in _groups(project):
        lines += [f"## {TITLES[group]}", "", "| setting | type | default | meaning |"]
        lines.append("|---|---|---|---|")
        lines += [_row(name, declared[name]) for name in names]
        lines.append("")
    return "\n".join(lines)


def _groups(project: str) -> Iterator[tuple[str, list[str]]]:
    """Each group's name, and the names of its settings, in the order of the file."""
    config = project.partition("\nconfig:\n")[2]
    for part in re.split(r"^  # ", config, flags=re.MULTILINE)[1:]:
        group, _, rest = part.partition("\n")
        yield group, re.findall(r"^  (\w+):$", rest, flags=re.MULTILINE)


def _row(name: str, declaration: dict[str, Any]) -> str:
    default = declaration["default"]
    shown = default if isinstance(default, str) else json.dumps(default)
    empty = default in ("", [], {})
    return (
        f"| `{name}` | {declaration['type']} | {'' if empty else f'`{shown}`'} "
        f"| {declaration['description']} |"
    )


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page((ROOT / "Pulumi.yaml").read_text()))

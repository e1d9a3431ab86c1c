"""The floor: a flat program of a stack's resources, with the same SDK and the same engine.

It registers each resource of an exported state with its recorded inputs: no settings, no
components, no checks. Its stack is a copy of that state in a backend of its own, so that a preview
and an update find nothing to change. Run as a process, as the driver is:
`python -m benchmarks.flat FOLDER empty|prepare|preview|up`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi import automation as auto

from automation.engine import find_engine

PROJECT, STACK = "fargate-cd", "local"
ROOT_TYPE = "pulumi:pulumi:Stack"
PLAIN = "4dabf18193072939515e22adb298388d"
"""Marks a secret in an exported state, with its text under `plaintext`."""

STATE = "state.json"
"""In the folder: what `pulumi stack export --show-secrets` wrote."""


def flattened(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The state of the same resources without components: each is a child of the stack."""
    rows = deployment["resources"]
    kept = [row for row in rows if row["custom"] or row["type"] == ROOT_TYPE]
    urns = {row["urn"]: _urn(row) for row in kept}
    (root,) = (urns[row["urn"]] for row in kept if row["type"] == ROOT_TYPE)
    return {**deployment, "resources": [_flat(row, urns, root) for row in kept]}


def _urn(row: Mapping[str, Any]) -> str:
    name = row["urn"].rpartition("::")[2]
    return f"urn:pulumi:{STACK}::{PROJECT}::{row['type']}::{name}"


def _flat(row: Mapping[str, Any], urns: Mapping[str, str], root: str) -> dict[str, Any]:
    flat = {k: v for k, v in row.items() if k not in ("propertyDependencies", "dependencies")}
    flat["urn"] = urns[row["urn"]]
    flat["outputs"] = {} if row["type"] == ROOT_TYPE else row.get("outputs", {})
    if row.get("parent"):
        flat["parent"] = root
    return flat


def program(deployment: Mapping[str, Any]) -> Callable[[], None]:
    """What registers the resources of a flattened state."""
    resources = [
        row
        for row in deployment["resources"]
        if row["type"] != ROOT_TYPE and not row["type"].startswith("pulumi:providers:")
    ]

    def run() -> None:
        for row in resources:
            name = row["urn"].rpartition("::")[2]
            ignored = list(row.get("ignoreChanges") or [])
            kind = _class(row["type"])
            known = inspect.signature(kind._internal_init).parameters
            inputs = {_snake(key): value for key, value in (row.get("inputs") or {}).items()}
            given = {key: _value(value) for key, value in inputs.items() if key in known}
            kind(name, **given, opts=pulumi.ResourceOptions(ignore_changes=ignored))

    return run


def _class(token: str) -> Any:
    package, module, name = token.split(":")
    home = importlib.import_module(f"pulumi_{package}")
    inside = module.partition("/")[0]
    return getattr(home if inside == "index" else getattr(home, inside), name)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _value(value: Any) -> Any:
    if isinstance(value, dict) and PLAIN in value:
        return pulumi.Output.secret(json.loads(value["plaintext"]))
    if isinstance(value, dict):
        return {key: _value(each) for key, each in value.items() if key != "__defaults"}
    return [_value(each) for each in value] if isinstance(value, list) else value


def opened(folder: Path, run: Callable[[], None]) -> auto.Stack:
    """A stack in the folder, with an inline program."""
    engine = find_engine()
    if engine is None:
        raise SystemExit("there is no Pulumi engine: `make setup`")
    command = auto.PulumiCommand(root=str(Path(engine.command).parents[1]))
    variables = {"PULUMI_BACKEND_URL": f"file://{folder}"}
    options = auto.LocalWorkspaceOptions(pulumi_command=command, env_vars=variables)
    return auto.create_or_select_stack(STACK, PROJECT, run, opts=options)


def main(folder: Path, verb: str) -> None:
    """Run one operation; what was not as it should be ends the process with an error."""
    if verb == "empty":
        opened(folder, lambda: None).preview()
        return
    deployment = flattened(json.loads((folder / STATE).read_text())["deployment"])
    stack = opened(folder, program(deployment))
    if verb == "prepare":
        stack.set_config("aws:region", auto.ConfigValue("us-east-1"))
        stack.import_stack(auto.Deployment(version=3, deployment=deployment))
    elif verb == "preview":
        changes = stack.preview(on_event=lambda _: None).change_summary
        if set(map(str, changes)) - {"same", "OpType.SAME"}:
            raise SystemExit(f"the flat program is not the stack's: {changes}")
    else:
        stack.up(on_event=lambda _: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2])

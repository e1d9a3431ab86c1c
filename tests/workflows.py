"""The steps of GitHub's workflows, run on this machine as they stand in the file."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / ".github" / "workflows"
STEP_SECONDS = 900


def workflow(name: str) -> dict[str, Any]:
    """A workflow's document; YAML reads its key `on` as True."""
    document: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    document["on"] = document.pop(True, document.get("on"))
    return document


def commands(name: str, job: str) -> list[dict[str, Any]]:
    """The steps of a job that run commands, without those that use an action."""
    return [step for step in workflow(name)["jobs"][job]["steps"] if "run" in step]


def run_steps(
    name: str, job: str, folder: Path, environment: Mapping[str, str], values: Mapping[str, str]
) -> None:
    """Run the commands of a job, each with GitHub's shell, until one fails.

    Args:
        name: the workflow.
        job: its job.
        folder: the checkout.
        environment: of every step.
        values: what the workflow's variables hold, in place of GitHub's expressions.

    Raises:
        AssertionError: a command failed, or a variable has no value here.
    """
    document = workflow(name)
    declared = {**(document.get("env") or {}), **(document["jobs"][job].get("env") or {})}
    for step in commands(name, job):
        variables = {**declared, **(step.get("env") or {})}
        missing = {key for key, text in variables.items() if "${{" in str(text)} - values.keys()
        assert not missing, f"{step['name']}: no values for {missing}"
        assert "${{" not in step["run"], "an expression in a command lets a branch's name run"
        done = subprocess.run(
            # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=folder,
            env={**environment, **variables, **{k: values[k] for k in variables if k in values}},
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{step['name']}: {done.stdout}\n{done.stderr}"


def job_outputs(name: str, job: str, file: Path) -> dict[str, str]:
    """What a job hands on to others, from what its steps wrote to the file GITHUB_OUTPUT.

    Raises:
        AssertionError: the workflow takes an output that no step of the job wrote.
    """
    written = dict(line.split("=", 1) for line in file.read_text().splitlines())
    steps = {step["id"] for step in workflow(name)["jobs"][job]["steps"] if "id" in step}
    handed = {}
    for output, expression in workflow(name)["jobs"][job]["outputs"].items():
        found = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", expression)
        assert found is not None, f"{output}: {expression}"
        assert found[1] in steps, f"{output}: {expression}"
        handed[output] = written[found[2]]
    return handed


def recording(folder: Path, *programs: str) -> Path:
    """A folder with programs that do nothing but write their names and arguments to its `calls`."""
    for program in programs:
        path = folder / program
        path.write_text(f'#!/bin/sh\necho "{program} $*" >> "{folder}/calls"\n')
        path.chmod(0o755)
    return folder


def path_with(program: Path) -> str:
    """PATH with the folder of a program before all others."""
    return os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])

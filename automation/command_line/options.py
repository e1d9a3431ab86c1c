"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from automation.stack.chosen import DEFAULT, VARIABLE, known_stacks


def flag(*names: str, help: str) -> Any:  # noqa: A002 -- typer's name
    """An option that takes no value, and so shows none in the help."""
    return typer.Option(*names, metavar="", help=help)


def stack_names(incomplete: str) -> list[str]:
    """The stacks whose names begin with these letters, for the shell's completion."""
    return [name for name in known_stacks() if name.startswith(incomplete)]


Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        help=f"The stack; its settings are Pulumi.NAME.yaml. By default {VARIABLE}, or what `use` "
        f"remembered, or {DEFAULT}.",
        autocompletion=stack_names,
    ),
]
Branch = Annotated[
    str | None,
    typer.Option(
        "--branch",
        metavar="BRANCH",
        help="The preview of this branch; --stack is then its environment.",
    ),
]
Json = Annotated[bool, flag("--json", help="One JSON document to standard output.")]
Yes = Annotated[bool, flag("--yes", "-y", help="Ask nothing.")]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="MOMENT",
        help="The moment that counts as now, such as 2026-12-31T18:00 (UTC).",
    ),
]
Image = Annotated[
    str | None, typer.Option("--image", metavar="URI", help="Deploy this image and build none.")
]
Build = Annotated[bool, flag("--build", help="Build and deploy the working tree's application.")]
Follow = Annotated[bool, flag("--follow", "-f", help="Go on until Ctrl-C.")]
Comment = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Kept with the answer.")]
Process = Annotated[
    str | None,
    typer.Option("--process", metavar="NAME", help="Of this process; `web` is behind the URL."),
]
Container = Annotated[
    str | None,
    typer.Option(
        "--container", metavar="NAME", help="Of this container: `app`, or the name of a sidecar."
    ),
]

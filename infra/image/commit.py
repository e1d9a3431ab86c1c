"""The Git commit that a build context comes from."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from infra.image.build_context import BuildContext, BuildContextError, entry_of
from infra.image.ignore_rules import ignore_files

_MODES = {"file": "100644", "program": "100755", "link": "120000"}

Blob = tuple[str, str]
"""Git's mode and the id of the content."""


def commit_of(context: BuildContext) -> str:
    """The commit of a build context.

    Returns:
        The commit's id where the whole context, its Dockerfile and its ignore files are that
        commit's; else the id and `-dirty`; empty where there is no Git, or no commit.
    """
    try:
        told = _git(context.folder, "rev-parse", "--show-toplevel", "--verify", "HEAD")
        top, _, commit = os.fsdecode(told).rstrip("\n").rpartition("\n")
        return commit if _is_committed(context, Path(top)) else f"{commit}-dirty"
    except (OSError, subprocess.SubprocessError, BuildContextError):
        return ""


def _is_committed(context: BuildContext, top: Path) -> bool:
    special = {context.dockerfile, context.dockerfile.resolve()}
    special |= {file for file in ignore_files(context.folder, context.dockerfile) if file.exists()}
    sent = {context.folder / entry.name for entry in context.entries if entry.kind != "folder"}
    present = {_place(path, top): path for path in special | sent}
    if "" in present or _has_empty_folder(context):
        return False
    prefix = f"{_place(context.folder, top)}/".removeprefix("./")
    committed = {
        name: blob
        for name, blob in _committed(top).items()
        if name in present
        or (name.startswith(prefix) and not context.rules.excludes(name.removeprefix(prefix)))
    }
    return committed == _blobs(present, top)


def _place(path: Path, top: Path) -> str:
    """Where a path is in the repository; empty for one outside of it."""
    found = path.parent.resolve() / path.name
    return found.relative_to(top).as_posix() if found.is_relative_to(top) else ""


def _has_empty_folder(context: BuildContext) -> bool:
    """Whether the context has a folder that no commit can hold."""
    names = [*(entry.name for entry in context.entries), ""]
    return any(
        entry.kind == "folder" and not following.startswith(f"{entry.name}/")
        for entry, following in zip(context.entries, names[1:], strict=True)
    )


def _committed(top: Path) -> dict[str, Blob]:
    """Every file of the commit."""
    rows = os.fsdecode(_git(top, "ls-tree", "-r", "-z", "--full-tree", "HEAD")).split("\0")
    found = {}
    for row in filter(None, rows):
        about, _, name = row.partition("\t")
        mode, _, identity = about.split(" ")
        found[name] = (mode, identity)
    return found


def _blobs(present: Mapping[str, Path], top: Path) -> dict[str, Blob]:
    """The blobs that Git would make of these files, line ends and filters as configured."""
    entries = {name: entry_of(path, name) for name, path in present.items()}
    files = [name for name, entry in entries.items() if entry.kind != "link"]
    lines = "".join(f"{_quoted(name)}\n" for name in files).encode()
    identities = _git(top, "hash-object", "--stdin-paths", given=lines).decode().split()
    found = dict(zip(files, identities, strict=True))
    for name in entries.keys() - found.keys():
        target = os.fsencode(entries[name].target)
        found[name] = (
            _git(top, "hash-object", "--stdin", "--no-filters", given=target).decode().strip()
        )
    return {name: (_MODES[entries[name].kind], found[name]) for name in entries}


def _quoted(name: str) -> str:
    """A name as Git reads one from a line, whatever characters it has."""
    text = name.translate({ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n"})
    return f'"{text}"'


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, input=given, timeout=120
    ).stdout

"""What Docker sends of one folder under different ignore files.

`tests/e2e/test_build_context.py` holds the table against Docker's own builders.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

FILES = (
    b"DATA/a.txt",
    b"a.md",
    b"bin/run.py",
    b"bin/deep/more.py",
    b"bin/deep/note.txt",
    b"caf\xc3\xa9.txt",
    b"data/keep.txt",
    b"data/other.txt",
    b"main.py",
    b"odd[1].txt",
    b"odd1.txt",
    b"x y.txt",
    b"#x",
)


@dataclass(frozen=True)
class Row:
    """An ignore file, and the files of `FILES` that it leaves out.

    Attributes:
        ignoring: the ignore file.
        without: the files that are not sent; `main.py` always is.
        pruned: BuildKit sends what the older builder leaves out, and BuildKit of Docker 20.10:
            see docker/cli#2919.
        unknown: BuildKit of Docker 20.10 does not know the pattern, which leaves nothing out.
    """

    ignoring: bytes
    without: tuple[str, ...]
    pruned: bool = False
    unknown: bool = False


BIN = ("bin/run.py", "bin/deep/more.py", "bin/deep/note.txt")
DATA = ("data/keep.txt", "data/other.txt")
TEXT = ("DATA/a.txt", "bin/deep/note.txt", "café.txt", *DATA, "odd[1].txt", "odd1.txt", "x y.txt")

ROWS = {
    "no pattern": Row(b"\n\n  \n", ()),
    "letter case": Row(b"data\n", DATA),
    "re-included below an excluded folder": Row(
        b"*\n!**/*.py\n", ("a.md", "bin/deep/note.txt", *TEXT, "#x"), pruned=True
    ),
    "one file of an excluded folder": Row(b"data\n!data/keep.txt\n", ("data/other.txt",)),
    "a folder of an excluded folder": Row(b"bin\n!bin/deep\n", ("bin/run.py",)),
    "the last pattern decides": Row(b"!data/keep.txt\ndata\n", DATA),
    "byte order mark": Row(b"\xef\xbb\xbfdata\n", DATA),
    "comment": Row(b"#x\ndata\n", DATA),
    "a comment begins the line": Row(b" #x\n", ("#x",)),
    "carriage return and line feed": Row(b"data\r\n*.md\r\n", (*DATA, "a.md")),
    "carriage returns at the end": Row(b"data\r\r\n", DATA),
    "spaces around": Row(b"  data  \n! data/keep.txt\n", ("data/other.txt",)),
    "a space inside": Row(b"x y.txt\n", ("x y.txt",)),
    "no-break space": Row(b"\xc2\xa0data\xc2\xa0\n", DATA),
    "leading slash": Row(b"/data\n", DATA),
    "dots and slashes": Row(b"./bin/../data//\n", DATA),
    "trailing slash": Row(b"data/\n", DATA),
    "star stays in its folder": Row(b"*.py\n!main.py\n", ()),
    "two stars": Row(b"**/*.txt\n", TEXT),
    "two stars at the end": Row(b"bin/**\n", BIN),
    "two stars in a name": Row(b"**ore.py\n", ("bin/deep/more.py",), unknown=True),
    "question mark": Row(b"od?1.txt\n", ("odd1.txt",)),
    "character class": Row(b"odd[0-9].txt\n", ("odd1.txt",)),
    "character class of a bracket": Row(b"odd[[]1].txt\n", ("odd[1].txt",)),
    "negated character class": Row(b"[^b-z]*.md\n", ("a.md",)),
    "exclamation mark in a class": Row(b"[!a].md\n", ("a.md",)),
    "escaped bracket": Row(b"odd\\[1\\].txt\n", ("odd[1].txt",)),
    "not ASCII": Row(b"caf?.txt\n", ("café.txt",)),
    "nothing above": Row(b"../data\n..\n.\n/\n", ()),
    "a file named like a folder": Row(b"data/keep.txt/\n", ("data/keep.txt",)),
}

LONE_CARRIAGE_RETURN = Row(b"data\r*.md\n", ())
"""It ends no line. BuildKit of Docker 20.10 fails on it, which later ones don't."""

WRONG = {
    "an exception of nothing": b"data\n!\n",
    "an exception of the whole": b"!/\n",
    "an open class": b"[a-\n",
    "an empty class": b"a[]b\n",
    "a class that begins with a dash": b"[-a]\n",
    "a range from behind": b"[z-a]\n",
    "a backslash at the end": b"a\\\n",
}
"""Ignore files that Docker refuses, each for its last line."""


def lay_out(folder: Path) -> None:
    """Make the files, and a Dockerfile that copies all of them."""
    for name in FILES:
        file = folder / os.fsdecode(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")


def sent(row: Row) -> set[str]:
    """The names of the files that are sent."""
    return {os.fsdecode(name) for name in FILES} - set(row.without)

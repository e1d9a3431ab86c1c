"""Write one comment in a pull request: `python -m automation.previews.pull_request`.

The comment is found again by a mark that nobody sees, and updated in place
(https://docs.github.com/en/rest/issues/comments). Everything in it is about the one document that
`up --json` or `destroy --json` printed; `previews --json` adds what the preview costs.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

MARK = "<!-- fargate-cd: preview -->"
SECONDS = 30
PAGE = 100

Document = Mapping[str, Any]


def text(done: Document | None, previews: Document | None = None) -> str:
    """The comment.

    Args:
        done: what `up` or `destroy` printed; None where it never got so far.
        previews: what `previews` printed.
    """
    if done is None:
        lines = ["**Preview: failed before it began.** The workflow's log tells why."]
    elif "error" in done:
        lines = [f"**Preview: refused.** {cell(done['error'])}", *_quoted(done.get("details", []))]
    elif "leftovers" in done:
        lines = _destroyed(done)
    else:
        lines = _updated(done, previews)
    return "\n".join([MARK, *lines])


def _updated(done: Document, previews: Document | None) -> list[str]:
    outputs = done["outputs"]
    rows = {
        "URL": outputs.get("service_url"),
        "Release": outputs.get("image_uri"),
        "Verdict": f"{done['result'].replace('_', ' ')} after {done['duration_seconds']:.0f} s",
        "Until": outputs.get("preview_expires"),
        "Cost": _cost(done["stack"], previews),
    }
    lines = ["**Preview**", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {cell(value)} |" for name, value in rows.items() if value]
    diagnosis = done.get("diagnosis")
    if diagnosis:
        lines += ["", f"**Why:** {cell(diagnosis['cause'])}", *_quoted(diagnosis["evidence"])]
        if diagnosis.get("setting"):
            lines += ["", f"**Change:** {cell(diagnosis['setting'])}"]
    return lines


def _destroyed(done: Document) -> list[str]:
    if done["result"] == "succeeded":
        return [f"**Preview: gone.** {done['deleted']} resources were deleted, nothing is left."]
    left = [each["arn"] for each in done["leftovers"]]
    return ["**Preview: could not be destroyed.**", *_quoted(left)]


def _cost(stack: str, previews: Document | None) -> str | None:
    for each in (previews or {}).get("previews", []):
        if each["stack"] == stack and each["monthly_usd"] is not None:
            return f"{each['monthly_usd']:.2f} USD a month, beside the environment's own"
    return None


def cell(value: object) -> str:
    """A value as one line of Markdown that can't become anything else."""
    line = " ".join(str(value).split())
    for mark in ("&", "<", ">", "|", "`", "@"):
        line = line.replace(mark, f"&#{ord(mark)};")
    return line


def _quoted(lines: Sequence[object]) -> list[str]:
    """Evidence as it is, folded away."""
    if not lines:
        return []
    shown = "<br>".join(cell(line) for line in lines)
    return ["", f"<details><summary>Evidence</summary>{shown}</details>"]


def publish(body: str, environment: Mapping[str, str]) -> str:
    """Write the comment, or write it anew where it stands.

    Args:
        body: the comment.
        environment: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN and PULL_REQUEST.

    Returns:
        The comment's address.

    Raises:
        requests.HTTPError: GitHub refused.
    """
    comments = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}/issues"
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {environment['GITHUB_TOKEN']}"
    session.headers["Accept"] = "application/vnd.github+json"
    known = _known(session, f"{comments}/{environment['PULL_REQUEST']}/comments")
    if known is None:
        address = f"{comments}/{environment['PULL_REQUEST']}/comments"
        answer = session.post(address, json={"body": body}, timeout=SECONDS)
    else:
        answer = session.patch(f"{comments}/comments/{known}", json={"body": body}, timeout=SECONDS)
    answer.raise_for_status()
    return str(answer.json()["html_url"])


def _known(session: requests.Session, address: str) -> int | None:
    page = 1
    while True:
        answer = session.get(address, params={"per_page": PAGE, "page": page}, timeout=SECONDS)
        answer.raise_for_status()
        rows = answer.json()
        for row in rows:
            if row["body"].startswith(MARK):
                return int(row["id"])
        if len(rows) < PAGE:
            return None
        page += 1


def read(path: str) -> Document | None:
    """The JSON document of a command; None where it printed none."""
    try:
        content = Path(path).read_text()
    except FileNotFoundError:
        return None
    document: Document | None = json.loads(content) if content.strip() else None
    return document


def main(arguments: Sequence[str]) -> int:
    """Publish what the documents say; the first is that of `up` or `destroy`."""
    documents = [read(path) for path in arguments]
    body = text(documents[0], documents[1] if len(documents) > 1 else None)
    sys.stdout.write(publish(body, os.environ) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

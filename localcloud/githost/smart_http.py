"""Git's smart HTTP protocol, by `git http-backend`.

https://git-scm.com/docs/git-http-backend and https://git-scm.com/docs/http-protocol
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from werkzeug.wrappers import Request, Response

from localcloud.githost.git import environment

CHUNK_BYTES = 64 * 1024
# What CGI passes on of a request; all else a client sends stays outside.
_PASSED = ("CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING", "REQUEST_METHOD", "REMOTE_ADDR")
_PASSED_HEADERS = ("HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL", "HTTP_ACCEPT")


def answer(
    request: Request, repository: Path, service: str, user: str, pushed: Callable[[], None]
) -> Response:
    """Has `git http-backend` answer a request.

    Args:
        request: a checked one: its path was matched and led to `repository`.
        repository: the bare repository.
        service: the path inside it, such as `info/refs`.
        user: who pushes.
        pushed: told when a push has ended, before the client hears of it.
    """
    passed = {
        name: str(request.environ[name])
        for name in (*_PASSED, *_PASSED_HEADERS)
        if request.environ.get(name)
    }
    process = subprocess.Popen(
        ["git", "http-backend"],
        env={
            **environment(repository),
            **passed,
            "GIT_PROJECT_ROOT": str(repository.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repository.name}/{service}",
            "REMOTE_USER": user,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    feeder = threading.Thread(target=_feed, args=(request.stream, process), daemon=True)
    feeder.start()
    status, headers = _read_head(process)
    body = _body(process, pushed if service == "git-receive-pack" else None)
    return Response(body, status=status, headers=headers)


def _feed(stream: Any, process: subprocess.Popen[bytes]) -> None:
    if process.stdin is None:
        raise ValueError("the process was started without a pipe")
    try:
        while chunk := stream.read(CHUNK_BYTES):
            process.stdin.write(chunk)
    except OSError:
        pass  # Git ended early, or the client went away: the answer or its lack tells
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _read_head(process: subprocess.Popen[bytes]) -> tuple[int, list[tuple[str, str]]]:
    if process.stdout is None:
        raise ValueError("the process was started without a pipe")
    status, headers = 200, list[tuple[str, str]]()
    for line in iter(process.stdout.readline, b""):
        text = line.decode("latin-1").rstrip("\r\n")
        if not text:
            return status, headers
        name, _, value = text.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name, value.strip()))
    process.wait()
    return 500, [("Content-Type", "text/plain")]


def _body(process: subprocess.Popen[bytes], pushed: Callable[[], None] | None) -> Iterator[bytes]:
    if process.stdout is None:
        raise ValueError("the process was started without a pipe")
    stream = cast(BufferedReader, process.stdout)
    try:
        last = stream.read1(CHUNK_BYTES)
        while last:
            following = stream.read1(CHUNK_BYTES)
            if not following:
                process.wait()
                if pushed is not None:
                    pushed()
            yield last
            last = following
    finally:
        process.stdout.close()
        if process.poll() is None:
            process.kill()
            process.wait()

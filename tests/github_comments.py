"""The comments of one pull request, as GitHub's API keeps them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from automation.previews.pull_request import PAGE


class GitHub(ThreadingHTTPServer):
    """The comments of one pull request."""

    def __init__(self, older: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments = [{"id": number, "body": "by a person"} for number in range(older)]
        self.calls: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever)

    @property
    def environment(self) -> dict[str, str]:
        """What a workflow's step finds."""
        return {
            "GITHUB_API_URL": f"http://127.0.0.1:{self.server_port}",
            "GITHUB_REPOSITORY": "octo/shop",
            "GITHUB_TOKEN": "hush",
            "PULL_REQUEST": "7",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: GitHub

    def log_message(self, *_: object) -> None:
        return

    def _answer(self, status: int, content: object) -> None:
        self.server.calls.append(self.command)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def _body(self) -> str:
        length = int(self.headers["Content-Length"])
        return str(json.loads(self.rfile.read(length))["body"])

    def do_GET(self) -> None:
        if self.headers["Authorization"] != "Bearer hush":
            return self._answer(401, {})
        page = int(self.path.rpartition("page=")[2]) - 1
        return self._answer(200, self.server.comments[page * PAGE : (page + 1) * PAGE])

    def do_POST(self) -> None:
        assert self.path == "/repos/octo/shop/issues/7/comments"
        row = {"id": 1000, "body": self._body(), "html_url": "https://github.test/1000"}
        self.server.comments.append(row)
        self._answer(201, row)

    def do_PATCH(self) -> None:
        number = int(self.path.removeprefix("/repos/octo/shop/issues/comments/"))
        (row,) = [each for each in self.server.comments if each["id"] == number]
        row["body"] = self._body()
        self._answer(200, row)

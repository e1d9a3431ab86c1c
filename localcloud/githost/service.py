"""The Git host as a service of the local cloud: one HTTP server on loopback."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from localcloud.githost import smart_http
from localcloud.githost.api import NAME, Api
from localcloud.githost.git import GitError, run
from localcloud.githost.hooks import Hooks
from localcloud.githost.model import Repository, Store
from localcloud.server.serving import Server, listen, serve
from localcloud.shared.service import Service, Surroundings

log = logging.getLogger("localcloud.githost")

API = "/api/v3"
DEFAULT_LOGIN = "local"
_GIT = re.compile(
    rf"/(?P<owner>{NAME})/(?P<name>{NAME}?)(?:\.git)?"
    r"/(?P<service>info/refs|git-upload-pack|git-receive-pack)"
)
_COMMIT = re.compile(rf"/(?P<owner>{NAME})/(?P<name>{NAME})/commit/(?P<commit>[0-9a-f]{{7,40}})")
_METHODS = {"info/refs": "GET", "git-upload-pack": "POST", "git-receive-pack": "POST"}
_SERVICES = ("git-upload-pack", "git-receive-pack")


class GitHost(Service):
    """GitHub on this machine. Who signs in, and with what, is not checked: it listens on loopback.

    Args:
        surroundings: the local cloud around it; `git_host_url` is where it listens.
    """

    name = "githost"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self._address = surroundings.git_host_url
        self._store = Store(Path(surroundings.state_dir))
        self._hooks = Hooks(self._store, self._address, surroundings.pushes)
        self._api = Api(self._store, self._hooks)
        self._server: Server | None = None

    def start(self) -> None:
        """Serves; pushes that an earlier process did not tell of are told."""
        port = urlsplit(self._address).port or 0
        self._server = serve(self, listen("127.0.0.1", port), "git host")
        self._hooks.start()

    def stop(self) -> None:
        """Ends the server."""
        if self._server is not None:
            self._server.stop()
            self._hooks.stop()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The WSGI application."""
        request = Request(environ)
        answer = self._answer(request)
        log.info("%s %s %d", request.method, request.path, answer.status_code)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        login = _login(request)
        if request.path == API or request.path.startswith(f"{API}/"):
            return self._api.answer(request, request.path.removeprefix(API), login)
        commit = _COMMIT.fullmatch(request.path)
        if commit is not None and request.method == "GET":
            return self._commit(commit["owner"], commit["name"], commit["commit"])
        match = _GIT.fullmatch(request.path)
        if match is None:
            return Response("Not Found\n", 404, content_type="text/plain")
        service = match["service"]
        if request.method != _METHODS[service]:
            return Response("Method Not Allowed\n", 405, content_type="text/plain")
        wanted = request.args.get("service") if service == "info/refs" else service
        if wanted not in _SERVICES:
            text = "The dumb protocol is not served; use Git 1.6.6 or newer.\n"
            return Response(text, 403, content_type="text/plain")
        repository = self._repository(match["owner"], match["name"], wanted)
        if repository is None:
            return Response("Repository not found.\n", 404, content_type="text/plain")
        return smart_http.answer(
            request,
            self._store.path(repository),
            service,
            login,
            lambda: self._hooks.announce(repository, login),
        )

    def _commit(self, owner: str, name: str, commit: str) -> Response:
        """What GitHub's page of a commit tells, as Git prints it."""
        repository = self._repository(owner, name, "git-upload-pack")
        try:
            if repository is None:
                raise GitError("Repository not found.")
            path = self._store.path(repository)
            text = run(path, "show", "--stat", "--patch", "--end-of-options", commit)
        except GitError as error:
            return Response(f"{error}\n", 404, content_type="text/plain; charset=utf-8")
        return Response(text, content_type="text/plain; charset=utf-8")

    def _repository(self, owner: str, name: str, service: str) -> Repository | None:
        """A repository; a push to one that does not exist creates it."""
        with self._store.read() as state:
            found = state.repositories.get(f"{owner}/{name}".lower())
            if found is None and service == "git-receive-pack":
                return self._api.create(owner, name)
        return found


def _login(request: Request) -> str:
    given = request.authorization
    name = given.username if given is not None and given.type == "basic" else None
    return name if name and re.fullmatch(NAME, name) else DEFAULT_LOGIN

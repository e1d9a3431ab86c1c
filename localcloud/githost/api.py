"""The part of GitHub's REST API that a delivery stack uses.

https://docs.github.com/en/rest: repositories, their webhooks and deliveries, commits, branches and
statuses. What is not here answers 404 with a sentence.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from localcloud.githost import git
from localcloud.githost.hooks import Hooks, now
from localcloud.githost.model import Delivery, Hook, Repository, Store

NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.)){0,99}"
NUMBER = r"[0-9]{1,18}"
_HOOK = {"url", "content_type", "insecure_ssl", "secret"}
_EVENTS = {"push", "ping", "create", "delete", "*"}
_STATES = ("error", "failure", "pending", "success")
LARGEST_BODY_BYTES = 1024 * 1024
PAGE = 30
LONGEST_PAGE = 100


class ApiError(Exception):
    """A refusal as GitHub words it."""

    def __init__(self, status: int, message: str, *details: str) -> None:
        super().__init__(message)
        self.status, self.message, self.details = status, message, details


@dataclass(frozen=True)
class Asked:
    """One request, with the parts of its path."""

    request: Request
    login: str
    parts: dict[str, str]

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent.

        Raises:
            ApiError: it is none.
        """
        text = self.request.get_data()
        try:
            found = json.loads(text) if text else {}
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "Problems parsing JSON") from error
        if not isinstance(found, dict):
            raise ApiError(400, "Body should be a JSON object")
        return found


class Api:
    """Answers below `/api/v3/`.

    Args:
        store: the repositories.
        hooks: delivers events.
    """

    def __init__(self, store: Store, hooks: Hooks) -> None:
        self._store = store
        self._hooks = hooks
        repository = f"/repos/(?P<owner>{NAME})/(?P<name>{NAME})"
        hook = f"{repository}/hooks/(?P<hook>{NUMBER})"
        rows: dict[str, dict[str, Callable[[Asked], Any]]] = {
            "/user": {"GET": lambda asked: {"login": asked.login, "type": "User"}},
            "/user/repos": {"GET": self._list, "POST": self._create},
            f"/orgs/(?P<owner>{NAME})/repos": {"POST": self._create},
            repository: {"GET": self._get, "DELETE": self._delete},
            f"{repository}/hooks": {"GET": self._list_hooks, "POST": self._create_hook},
            hook: {
                "GET": self._get_hook,
                "PATCH": self._change_hook,
                "DELETE": self._delete_hook,
            },
            f"{hook}/pings": {"POST": self._ping},
            f"{hook}/deliveries": {"GET": self._deliveries},
            f"{hook}/deliveries/(?P<delivery>{NUMBER})": {"GET": self._delivery},
            f"{hook}/deliveries/(?P<delivery>{NUMBER})/attempts": {"POST": self._redeliver},
            f"{repository}/branches": {"GET": self._branches},
            f"{repository}/branches/(?P<ref>.+)": {"GET": self._branch},
            f"{repository}/commits": {"GET": self._commits},
            f"{repository}/commits/(?P<ref>.+)/statuses": {"GET": self._statuses},
            f"{repository}/commits/(?P<ref>.+)": {"GET": self._commit},
            f"{repository}/statuses/(?P<ref>[0-9a-f]{{40}})": {"POST": self._set_status},
        }
        self._rows = [(re.compile(path), methods) for path, methods in rows.items()]

    def answer(self, request: Request, path: str, login: str) -> Response:
        """Answers one request; `path` begins after `/api/v3`."""
        try:
            if (request.content_length or 0) > LARGEST_BODY_BYTES:
                raise ApiError(413, "The body is larger than 1 MB")
            found = self._route(request, path, login)
        except ApiError as error:
            details = [{"message": detail} for detail in error.details]
            said = {"message": error.message, **({"errors": details} if details else {})}
            return _json(said, error.status)
        except git.GitError as error:
            return _json({"message": str(error)}, 422)
        if found is None:
            return Response(status=204)
        return _json(found, 201 if request.method == "POST" else 200)

    def _route(self, request: Request, path: str, login: str) -> Any:
        for pattern, methods in self._rows:
            match = pattern.fullmatch(path.rstrip("/"))
            if match is None:
                continue
            handler = methods.get(request.method)
            if handler is None:
                raise ApiError(405, f"{request.method} is not allowed here")
            return handler(Asked(request, login, match.groupdict()))
        raise ApiError(404, "Not Found: the local Git host does not have this call")

    def _repository(self, asked: Asked) -> Repository:
        name = f"{asked.parts['owner']}/{asked.parts['name']}"
        found = self._store.state.repositories.get(name.lower())
        if found is None:
            raise ApiError(404, "Not Found")
        return found

    def _hook(self, asked: Asked) -> tuple[Repository, Hook]:
        repository = self._repository(asked)
        found = repository.hooks.get(int(asked.parts["hook"]))
        if found is None:
            raise ApiError(404, "Not Found")
        return repository, found

    def _list(self, asked: Asked) -> Any:
        found = sorted(self._store.state.repositories.values(), key=lambda one: one.full_name)
        return _page(asked, [self._hooks.shown_repository(one) for one in found])

    def _create(self, asked: Asked) -> Any:
        body = asked.body()
        name, owner = str(body.get("name", "")), asked.parts.get("owner", asked.login)
        if not re.fullmatch(NAME, name) or name.endswith(".git"):
            raise ApiError(422, "Repository creation failed.", f"{name!r} is not a name")
        repository = self.create(owner, name, private=bool(body.get("private")))
        repository.description = str(body.get("description") or "")
        return self._hooks.shown_repository(repository)

    def create(self, owner: str, name: str, *, private: bool = False) -> Repository:
        """Makes a repository.

        Raises:
            ApiError: there is one of this name already.
        """
        with self._store.change() as state:
            key = f"{owner}/{name}".lower()
            if key in state.repositories:
                raise ApiError(
                    422, "Repository creation failed.", "name already exists on this account"
                )
            repository = Repository(state.next_id(), owner, name, private, now())
            git.create(self._store.path(repository), repository.default_branch)
            state.repositories[key] = repository
        return repository

    def _get(self, asked: Asked) -> Any:
        return self._hooks.shown_repository(self._repository(asked))

    def _delete(self, asked: Asked) -> None:
        repository = self._repository(asked)
        with self._store.change() as state:
            state.repositories.pop(repository.full_name.lower(), None)
        shutil.rmtree(self._store.path(repository))

    def _list_hooks(self, asked: Asked) -> Any:
        repository = self._repository(asked)
        shown = [self._hooks.shown(repository, hook) for hook in repository.hooks.values()]
        return _page(asked, shown)

    def _create_hook(self, asked: Asked) -> Any:
        repository, body = self._repository(asked), asked.body()
        config = _hook_config(body.get("config") or {})
        if any(hook.config["url"] == config["url"] for hook in repository.hooks.values()):
            raise ApiError(422, "Validation Failed", "Hook already exists on this repository")
        with self._store.change() as state:
            hook = Hook(
                id=state.next_id(),
                events=_events(body.get("events") or ["push"]),
                config=config,
                active=bool(body.get("active", True)),
                created_at=now(),
                updated_at=now(),
            )
            repository.hooks[hook.id] = hook
        self._hooks.ping(repository, hook)
        return self._hooks.shown(repository, hook)

    def _get_hook(self, asked: Asked) -> Any:
        return self._hooks.shown(*self._hook(asked))

    def _change_hook(self, asked: Asked) -> Any:
        repository, hook = self._hook(asked)
        body = asked.body()
        config = _hook_config(body["config"]) if "config" in body else hook.config
        events = _events(body["events"]) if "events" in body else hook.events
        with self._store.change():
            hook.config, hook.events, hook.updated_at = config, events, now()
            hook.active = bool(body.get("active", hook.active))
        return self._hooks.shown(repository, hook)

    def _delete_hook(self, asked: Asked) -> None:
        repository, hook = self._hook(asked)
        with self._store.change():
            del repository.hooks[hook.id]
            repository.deliveries = [d for d in repository.deliveries if d.hook_id != hook.id]

    def _ping(self, asked: Asked) -> None:
        self._hooks.ping(*self._hook(asked))

    def _deliveries(self, asked: Asked) -> Any:
        repository, hook = self._hook(asked)
        found = [_shown(one) for one in repository.deliveries if one.hook_id == hook.id]
        return _page(asked, found)

    def _one_delivery(self, asked: Asked) -> tuple[Repository, Hook, Delivery]:
        repository, hook = self._hook(asked)
        found = repository.delivery(int(asked.parts["delivery"]))
        if found is None or found.hook_id != hook.id:
            raise ApiError(404, "Not Found")
        return repository, hook, found

    def _delivery(self, asked: Asked) -> Any:
        found = self._one_delivery(asked)[2]
        return {
            **_shown(found),
            "request": {"headers": found.headers, "payload": json.loads(found.body)},
            "response": {"headers": {}, "payload": found.answer},
        }

    def _redeliver(self, asked: Asked) -> Any:
        self._hooks.redeliver(*self._one_delivery(asked))
        return {}

    def _branches(self, asked: Asked) -> Any:
        path = self._store.path(self._repository(asked))
        return _page(
            asked,
            [
                {"name": ref.removeprefix("refs/heads/"), "commit": {"sha": commit}}
                for ref, commit in git.refs(path).items()
                if ref.startswith("refs/heads/")
            ],
        )

    def _branch(self, asked: Asked) -> Any:
        repository = self._repository(asked)
        commit = git.refs(self._store.path(repository)).get(f"refs/heads/{asked.parts['ref']}")
        if commit is None:
            raise ApiError(404, "Branch not found")
        return {"name": asked.parts["ref"], "commit": self._shown_commit(repository, commit)}

    def _commits(self, asked: Asked) -> Any:
        repository = self._repository(asked)
        start = asked.request.args.get("sha") or repository.default_branch
        found = git.commits(self._store.path(repository), start, limit=PAGE * LONGEST_PAGE)
        return _page(asked, [self._rest_commit(repository, one) for one in found])

    def _commit(self, asked: Asked) -> Any:
        return self._shown_commit(self._repository(asked), asked.parts["ref"])

    def _shown_commit(self, repository: Repository, ref: str) -> dict[str, Any]:
        found = git.commits(self._store.path(repository), ref, limit=1)
        return self._rest_commit(repository, found[0])

    def _rest_commit(self, repository: Repository, commit: dict[str, Any]) -> dict[str, Any]:
        page = self._hooks.shown_repository(repository)["html_url"]
        return {
            "sha": commit["id"],
            "html_url": f"{page}/commit/{commit['id']}",
            "commit": {
                "message": commit["message"],
                "author": {**commit["author"], "date": commit["authored"]},
                "committer": {**commit["committer"], "date": commit["timestamp"]},
                "tree": {"sha": commit["tree_id"]},
            },
            "parents": [{"sha": parent} for parent in commit["parents"]],
        }

    def _statuses(self, asked: Asked) -> Any:
        repository = self._repository(asked)
        commit = self._shown_commit(repository, asked.parts["ref"])["sha"]
        return _page(asked, repository.statuses.get(commit, []))

    def _set_status(self, asked: Asked) -> Any:
        repository, body = self._repository(asked), asked.body()
        commit = self._shown_commit(repository, asked.parts["ref"])["sha"]
        if body.get("state") not in _STATES:
            raise ApiError(422, "Validation Failed", f"state must be one of {', '.join(_STATES)}")
        with self._store.change() as state:
            entry = {
                "id": state.next_id(),
                "state": body["state"],
                "context": str(body.get("context") or "default"),
                "description": body.get("description"),
                "target_url": body.get("target_url"),
                "created_at": now(),
            }
            repository.statuses.setdefault(commit, []).insert(0, entry)
        return entry


def _hook_config(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not all(isinstance(each, str) for each in given.values()):
        raise ApiError(422, "Validation Failed", "config must be an object of strings")
    unknown = sorted(set(given) - _HOOK)
    if unknown:
        raise ApiError(422, "Validation Failed", f"config.{unknown[0]} is not known")
    config = {"content_type": "form", "insecure_ssl": "0", **given}
    if not re.match(r"https?://", config.get("url", "")):
        raise ApiError(422, "Validation Failed", "config.url must be an http or https address")
    if config["content_type"] not in ("form", "json"):
        raise ApiError(422, "Validation Failed", "config.content_type must be form or json")
    return config


def _events(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ApiError(422, "Validation Failed", "events must be a list of strings")
    unknown = sorted(set(given) - _EVENTS)
    if unknown:
        raise ApiError(
            422,
            "Validation Failed",
            f"the local Git host has no event {unknown[0]}; it has {', '.join(sorted(_EVENTS))}",
        )
    return list(given)


def _shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": delivery.delivered_at,
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": None,
    }


def _page(asked: Asked, rows: list[Any]) -> list[Any]:
    arguments = asked.request.args
    size = min(arguments.get("per_page", PAGE, type=int), LONGEST_PAGE)
    start = (max(arguments.get("page", 1, type=int), 1) - 1) * size
    return rows[start : start + size]


def _json(found: Any, status: int) -> Response:
    return Response(json.dumps(found), status, content_type="application/json; charset=utf-8")

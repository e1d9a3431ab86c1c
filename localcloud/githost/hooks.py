"""Webhooks: their events, signed and delivered once each, with a record of every delivery.

https://docs.github.com/en/webhooks/webhook-events-and-payloads and
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries. As on GitHub, a
failed delivery is not repeated by itself; it can be redelivered by the API.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import queue
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from localcloud.githost import git
from localcloud.githost.model import KEPT_DELIVERIES, Delivery, Hook, Repository, Store
from localcloud.shared.pushes import Push, Pushes

log = logging.getLogger("localcloud.githost")

TIMEOUT_SECONDS = 10  # GitHub's
LONGEST_ANSWER = 10_000


def now() -> str:
    """The time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def signatures(secret: str, body: bytes) -> dict[str, str]:
    """The headers that prove who sent a body."""
    key = secret.encode()
    return {
        "X-Hub-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}",
        "X-Hub-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
    }


class Hooks:
    """Tells hooks of events, one after another, in the background.

    Args:
        store: the repositories.
        address: of this Git host, ending in a slash.
        pushes: is told of each push, too.
    """

    def __init__(self, store: Store, address: str, pushes: Pushes) -> None:
        self._store, self._pushes = store, pushes
        self._address = address
        self._waiting: queue.SimpleQueue[tuple[Repository, Hook, Delivery] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._deliver_all, name="githost", daemon=True)

    def start(self) -> None:
        """Begin to deliver; pushes that a kill left untold are told now."""
        self._thread.start()
        for repository in list(self._store.state.repositories.values()):
            self.announce(repository)

    def stop(self) -> None:
        """Ends after the delivery under way."""
        self._waiting.put(None)
        self._thread.join(timeout=TIMEOUT_SECONDS)

    def announce(self, repository: Repository, pusher: str = "local") -> None:
        """Tells each changed branch and tag since the last push event."""
        path = self._store.path(repository)
        with self._store.change():
            before, after = dict(repository.announced), git.refs(path)
            changed = [
                (ref, before.get(ref, git.ZERO), after.get(ref, git.ZERO))
                for ref in sorted({*before, *after})
                if before.get(ref) != after.get(ref)
            ]
            self._follow_head(repository, after)
            repository.announced = after
            for ref, old, new in changed:
                payload = self._push_payload(repository, ref, old, new, pusher)
                self.emit(repository, "push", payload)
                commit, paths = self._changed(path, old, new, payload)
                self._pushes.tell(Push(repository.full_name, ref, commit, paths))

    @staticmethod
    def _changed(
        path: Path, old: str, new: str, payload: dict[str, Any]
    ) -> tuple[str, tuple[str, ...]]:
        """The commit that a ref names now, and the files that differ from before."""
        if new == git.ZERO:
            return "", ()
        commit = git.run(path, "rev-parse", f"{new}^{{commit}}").strip()
        if old != git.ZERO:
            listed = git.run(path, "diff", "--name-only", "--no-renames", "-z", old, new)
            return commit, tuple(filter(None, listed.split("\0")))
        kinds = ("added", "removed", "modified")
        names = {name for one in payload["commits"] for kind in kinds for name in one[kind]}
        return commit, tuple(sorted(names))

    def _follow_head(self, repository: Repository, after: dict[str, str]) -> None:
        """The first branch that is pushed becomes the default one, as on GitHub."""
        heads = "refs/heads/"
        branches = [ref.removeprefix(heads) for ref in after if ref.startswith(heads)]
        if branches and repository.default_branch not in branches:
            repository.default_branch = branches[0]
            git.run(
                self._store.path(repository), "symbolic-ref", "HEAD", f"refs/heads/{branches[0]}"
            )

    def emit(
        self, repository: Repository, event: str, payload: dict[str, Any], only: Hook | None = None
    ) -> None:
        """Queues an event for every hook that wants it, or for one."""
        hooks = [only] if only else list(repository.hooks.values())
        for hook in hooks:
            wanted = event in hook.events or "*" in hook.events
            if only or (hook.active and wanted):
                self._queue(repository, hook, event, json.dumps(payload))

    def redeliver(self, repository: Repository, hook: Hook, former: Delivery) -> None:
        """Sends a delivery's very body and id once more."""
        self._queue(repository, hook, former.event, former.body, former.guid)

    def ping(self, repository: Repository, hook: Hook) -> None:
        """Tells a hook that it exists."""
        payload = {
            "zen": "Keep it logically awesome.",
            "hook_id": hook.id,
            "hook": self.shown(repository, hook),
            "repository": self.shown_repository(repository),
            "sender": _account(repository.owner),
        }
        self.emit(repository, "ping", payload, only=hook)

    def _queue(
        self, repository: Repository, hook: Hook, event: str, body: str, guid: str | None = None
    ) -> None:
        with self._store.change() as state:
            delivery = Delivery(
                id=state.next_id(),
                hook_id=hook.id,
                guid=guid or str(uuid.uuid4()),
                event=event,
                delivered_at=now(),
                body=body,
                redelivery=guid is not None,
            )
            repository.deliveries.insert(0, delivery)
            del repository.deliveries[KEPT_DELIVERIES:]
        self._waiting.put((repository, hook, delivery))

    def _deliver_all(self) -> None:
        while (work := self._waiting.get()) is not None:
            self._deliver(*work)

    def _deliver(self, repository: Repository, hook: Hook, delivery: Delivery) -> None:
        body, headers = _encoded(hook, delivery)
        started = time.monotonic()
        try:
            answer = requests.post(
                hook.config["url"],
                data=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                verify=str(hook.config.get("insecure_ssl", "0")) != "1",
            )
            status, code, text = answer.reason or "OK", answer.status_code, answer.text
        except requests.RequestException as error:
            status, code, text = "failed to connect to host", 0, str(error)
        with self._store.change():
            delivery.duration = round(time.monotonic() - started, 3)
            delivery.status, delivery.status_code = status, code
            delivery.headers, delivery.answer = headers, text[:LONGEST_ANSWER]
        log.info(
            "hook %d of %s: %s %s answered %d",
            hook.id,
            repository.full_name,
            delivery.event,
            delivery.guid,
            code,
        )

    def shown(self, repository: Repository, hook: Hook) -> dict[str, Any]:
        """A hook as the API shows it; its secret is never told."""
        config = dict(hook.config)
        if config.get("secret"):
            config["secret"] = "********"  # noqa: S105 -- what GitHub shows for one
        url = f"{self._address}api/v3/repos/{repository.full_name}/hooks/{hook.id}"
        last = next((one for one in repository.deliveries if one.hook_id == hook.id), None)
        return {
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "events": sorted(hook.events),
            "config": config,
            "updated_at": hook.updated_at,
            "created_at": hook.created_at,
            "url": url,
            "test_url": f"{url}/tests",
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {
                "code": last.status_code if last else None,
                "status": last.status if last else "unused",
                "message": last.answer if last else None,
            },
        }

    def shown_repository(self, repository: Repository) -> dict[str, Any]:
        """A repository as the API and the events show it."""
        page = f"{self._address}{repository.full_name}"
        return {
            "id": repository.id,
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": {"name": repository.owner, **_account(repository.owner)},
            "html_url": page,
            "description": repository.description or None,
            "url": f"{self._address}api/v3/repos/{repository.full_name}",
            "clone_url": f"{page}.git",
            "default_branch": repository.default_branch,
            "created_at": repository.created_at,
            "hooks_url": f"{self._address}api/v3/repos/{repository.full_name}/hooks",
        }

    def _push_payload(
        self, repository: Repository, ref: str, old: str, new: str, pusher: str
    ) -> dict[str, Any]:
        path = self._store.path(repository)
        page = f"{self._address}{repository.full_name}"
        new_commits = self._pushed_commits(repository, ref, old, new)
        listed = [
            {
                **{name: value for name, value in commit.items() if name not in _INTERNAL},
                "distinct": True,
                "url": f"{page}/commit/{commit['id']}",
            }
            for commit in reversed(new_commits)
        ]
        forced = git.ZERO not in (old, new) and not git.is_ancestor(path, old, new)
        head = listed[-1] if listed else self._head(path, page, new)
        return {
            "ref": ref,
            "before": old,
            "after": new,
            "repository": self.shown_repository(repository),
            "pusher": {"name": pusher, "email": f"{pusher}@users.noreply.localhost"},
            "sender": _account(pusher),
            "created": old == git.ZERO,
            "deleted": new == git.ZERO,
            "forced": forced,
            "base_ref": None,
            "compare": f"{page}/compare/{old[:12]}...{new[:12]}",
            "commits": listed,
            "head_commit": head,
        }

    def _pushed_commits(
        self, repository: Repository, ref: str, old: str, new: str
    ) -> list[dict[str, Any]]:
        if new == git.ZERO or not ref.startswith("refs/heads/"):
            return []
        path = self._store.path(repository)
        if old != git.ZERO:
            return git.commits(path, new, f"^{old}")
        known = [f"^{commit}" for name, commit in repository.announced.items() if name != ref]
        return git.commits(path, new, *known)

    @staticmethod
    def _head(path: Any, page: str, commit: str) -> dict[str, Any] | None:
        if commit == git.ZERO:
            return None
        found = git.commits(path, commit, limit=1)[0]
        shown = {name: value for name, value in found.items() if name not in _INTERNAL}
        return {**shown, "distinct": True, "url": f"{page}/commit/{found['id']}"}


_INTERNAL = ("parents", "authored")


def _account(login: str) -> dict[str, Any]:
    return {"login": login, "type": "User"}


def _encoded(hook: Hook, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
    """The body in the hook's content type, with GitHub's headers."""
    form = hook.config.get("content_type", "form") == "form"
    body = (urlencode({"payload": delivery.body}) if form else delivery.body).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "User-Agent": "GitHub-Hookshot/local",
        "Accept": "*/*",
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Hook-ID": str(hook.id),
    }
    if hook.config.get("secret"):
        headers.update(signatures(hook.config["secret"], body))
    return body, headers

"""The package `github`: a repository's webhooks, over GitHub's REST API.

https://docs.github.com/en/rest/repos/webhooks and, for the resource,
https://www.pulumi.com/registry/packages/github/api-docs/repositorywebhook/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests

from localcloud.providers.handler import (
    UNKNOWN,
    Context,
    Difference,
    Failure,
    ProviderError,
    changed_names,
    unknown,
)
from localcloud.providers.plugin import Plugin
from localcloud.shared.service import Surroundings

PUBLIC_API = "https://api.github.com/"

_API_VERSION = "2022-11-28"
_SECONDS = 30
_INPUTS = {"active", "configuration", "events", "repository"}
_CONFIGURATION = {"contentType", "insecureSsl", "secret", "url"}
_CONTENT_TYPES = ("form", "json")
_NEXT_STEPS = {
    HTTPStatus.UNAUTHORIZED: "GitHub does not know the token; set `github_token` to a valid one",
    HTTPStatus.FORBIDDEN: "the token may not manage webhooks; give it the scope admin:repo_hook",
    HTTPStatus.NOT_FOUND: "there is no such repository, or the token can't see it; see "
    "`github_owner` and `github_repository`",
}


@dataclass(frozen=True)
class Hooks:
    """The webhooks of one repository.

    Args:
        url: the address of its collection of hooks.
        token: what the caller signs in with; empty for none.
    """

    url: str
    token: str = field(repr=False)

    def call(
        self, method: str, identifier: str = "", body: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Call the API; None when the hook, or its repository, is not there.

        Raises:
            ProviderError: GitHub can't be reached or refuses, in a sentence with the next step.
        """
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": _API_VERSION,
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        url = f"{self.url}/{identifier}" if identifier else self.url
        try:
            answer = requests.request(method, url, json=body, headers=headers, timeout=_SECONDS)
        except requests.RequestException as error:
            raise ProviderError(f"GitHub does not answer at {url}: {error}") from error
        if answer.status_code == HTTPStatus.NOT_FOUND and identifier:
            return None
        if not answer.ok:
            raise ProviderError(_refusal(method, url, answer))
        return dict(answer.json()) if answer.content else {}


def _refusal(method: str, url: str, answer: requests.Response) -> str:
    try:
        said = answer.json()
        details = [str(error.get("message", error)) for error in said.get("errors", [])]
        reason = ": ".join([str(said.get("message", answer.reason)), *details])
    except (ValueError, AttributeError):
        reason = answer.reason
    hint = _NEXT_STEPS.get(HTTPStatus(answer.status_code))
    return f"{method} {url} answered {answer.status_code}, {reason}" + (f"; {hint}" if hint else "")


@dataclass(frozen=True)
class RepositoryWebhook:
    """The handler of `github:index/repositoryWebhook:RepositoryWebhook`.

    Args:
        default_url: GitHub's address where the provider's settings name none.
    """

    default_url: str

    def check(
        self, context: Context, old: dict[str, Any], new: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Failure]]:
        """Complete the inputs as GitHub would."""
        del context, old
        inputs = {"active": True, **new}
        failures = unknown(inputs, _INPUTS, "github.RepositoryWebhook")
        for name in ("repository", "events", "configuration"):
            if not inputs.get(name):
                failures.append(Failure(name, "is missing"))
        configuration = inputs.get("configuration")
        if isinstance(configuration, Mapping):
            complete, wrong = _check_configuration(configuration)
            inputs["configuration"] = complete
            failures += wrong
        return inputs, failures

    def diff(self, old: dict[str, Any], new: dict[str, Any]) -> Difference:
        """A hook can't move to another repository."""
        changed = changed_names(old, new)
        return Difference(changed, tuple(name for name in changed if name == "repository"))

    def create(
        self, context: Context, inputs: dict[str, Any], preview: bool
    ) -> tuple[str, dict[str, Any]]:
        """Register the hook; GitHub pings its address at once."""
        if preview:
            return "", {**inputs, "url": UNKNOWN, "etag": UNKNOWN}
        hook = self._hooks(context, inputs).call("POST", body={"name": "web", **_body(inputs)})
        if hook is None or "id" not in hook:
            raise ProviderError("GitHub answered the new webhook without its id; look at its API")
        return str(hook["id"]), _outputs(inputs, hook)

    def read(
        self, context: Context, identifier: str, outputs: dict[str, Any], inputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The hook as GitHub has it; its secret, which GitHub never tells, as it was set."""
        known = inputs or {name: outputs[name] for name in _INPUTS if name in outputs}
        if not known.get("repository"):
            raise ProviderError(f"the webhook {identifier} can't be imported; it needs its inputs")
        hook = self._hooks(context, known).call("GET", identifier)
        if hook is None:
            return None
        found = _inputs(known, hook)
        return _outputs(found, hook), found

    def update(
        self,
        context: Context,
        identifier: str,
        outputs: dict[str, Any],
        inputs: dict[str, Any],
        preview: bool,
    ) -> dict[str, Any]:
        """Change the hook in place; a new secret is a rotation."""
        if preview:
            return {**outputs, **inputs}
        hook = self._hooks(context, inputs).call("PATCH", identifier, _body(inputs))
        if hook is None:
            raise ProviderError(
                f"the webhook {identifier} of {inputs['repository']} is gone; `refresh` the stack"
            )
        return _outputs(inputs, hook)

    def delete(self, context: Context, identifier: str, outputs: dict[str, Any]) -> None:
        """Remove the hook."""
        self._hooks(context, outputs).call("DELETE", identifier)

    def _hooks(self, context: Context, values: Mapping[str, Any]) -> Hooks:
        settings = context.configuration
        owner = settings.get("owner") or settings.get("organization")
        if not owner:
            raise ProviderError("the provider github has no `owner`; set it to the repository's")
        base = api_url(settings.get("baseUrl") or self.default_url)
        path = f"repos/{quote(owner, safe='')}/{quote(values['repository'], safe='')}/hooks"
        return Hooks(base + path, settings.get("token") or "")


def api_url(base: str) -> str:
    """Where the REST API is, ending in a slash: on hosts of one's own, below `api/v3/`."""
    base = base.rstrip("/") + "/"
    return base if base == PUBLIC_API else f"{base}api/v3/"


def _check_configuration(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    complete = {"contentType": "form", "insecureSsl": False, **values}
    failures = [
        Failure(f"configuration.{failure.property}", failure.reason)
        for failure in unknown(complete, _CONFIGURATION, "configuration")
    ]
    if not complete.get("url"):
        failures.append(Failure("configuration.url", "is missing"))
    if complete["contentType"] not in (*_CONTENT_TYPES, UNKNOWN):
        reason = f"is {complete['contentType']!r}; use {' or '.join(_CONTENT_TYPES)}"
        failures.append(Failure("configuration.contentType", reason))
    return complete, failures


def _body(inputs: Mapping[str, Any]) -> dict[str, Any]:
    configuration = inputs["configuration"]
    config = {
        "url": configuration["url"],
        "content_type": configuration["contentType"],
        "insecure_ssl": "1" if configuration["insecureSsl"] else "0",
    }
    if configuration.get("secret"):
        config["secret"] = configuration["secret"]
    return {"active": inputs["active"], "events": inputs["events"], "config": config}


def _inputs(known: Mapping[str, Any], hook: Mapping[str, Any]) -> dict[str, Any]:
    """What the inputs would be for the hook to be as it is; the events in the known order."""
    config = hook["config"]
    events = list(known.get("events") or [])
    found = sorted(hook["events"])
    secret = (known.get("configuration") or {}).get("secret")
    return {
        "repository": known["repository"],
        "active": hook["active"],
        "events": events if sorted(events) == found else found,
        "configuration": {
            "url": config["url"],
            "contentType": config["content_type"],
            "insecureSsl": str(config["insecure_ssl"]) == "1",
            **({"secret": secret} if secret and config.get("secret") else {}),
        },
    }


def _outputs(inputs: Mapping[str, Any], hook: Mapping[str, Any]) -> dict[str, Any]:
    return {**inputs, "url": hook["url"], "etag": hook.get("updated_at", "")}


def servicer(surroundings: Surroundings) -> Plugin:
    """The provider's server side; without a `baseUrl` it talks to the local cloud's own GitHub."""
    handler = RepositoryWebhook(default_url=surroundings.git_host_url)
    return Plugin(
        "github",
        "pulumi_github",
        settings=["baseUrl", "organization", "owner", "token"],
        handlers={"github:index/repositoryWebhook:RepositoryWebhook": handler},
    )

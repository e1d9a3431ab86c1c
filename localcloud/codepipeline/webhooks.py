"""Webhooks: defined, listed, deleted, registered with the Git host.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_WebhookDefinition.html
"""

from __future__ import annotations

import copy
import ipaddress
import re
import secrets
from collections.abc import Mapping
from typing import Any

import requests

from localcloud.codepipeline import errors
from localcloud.codepipeline.core import Core, given, page, webhook_arn
from localcloud.codepipeline.model import Pipeline, Webhook
from localcloud.codepipeline.pipelines import given_tags
from localcloud.codepipeline.validation import MASK
from localcloud.shared.core import moment
from localcloud.shared.service import Call, ServiceError

PATH = "/webhooks/trigger"
MOST_FILTERS = 5
SECONDS = 15
JSON_PATH = re.compile(r"\$(?:\.[A-Za-z0-9_-]+)+")
"""The JSON paths that are followed: members of objects, one below the other."""
VARIABLE = re.compile(r"\{([A-Za-z0-9]+)\}")
"""In `matchEquals`: a member of the source action's configuration."""


def url(core: Core, webhook: Webhook) -> str:
    """Where deliveries go; the token in it is as hard to guess as a key."""
    return f"{core.surroundings.api_url}{PATH}?t={webhook.token}&v=1"


def put(core: Core, call: Call) -> Mapping[str, Any]:
    """PutWebhook: a new one, or another definition under the same address."""
    wanted = copy.deepcopy(call.input["webhook"])
    with core.change(wake=False) as state:
        pipeline = core.pipeline(call, wanted["targetPipeline"])
        _check(wanted, pipeline)
        arn = webhook_arn(call, wanted["name"])
        found = state.webhooks.get(arn)
        if found is None:
            found = Webhook(arn, wanted["name"], wanted, secrets.token_urlsafe(32))
        found.tags = given_tags(call.input.get("tags", []), found.tags)
        found.definition = wanted
        state.webhooks[arn] = found
        return {"webhook": _shown(core, found)}


def _check(wanted: Mapping[str, Any], pipeline: Pipeline) -> None:
    action = source_action(pipeline, wanted["targetAction"])
    if action is None:
        raise errors.validation(
            f"The target action '{wanted['targetAction']}' is no source action of pipeline "
            f"'{pipeline.name}'"
        )
    _check_authentication(wanted["authentication"], wanted["authenticationConfiguration"])
    if not 1 <= len(wanted["filters"]) <= MOST_FILTERS:
        raise errors.validation(f"A webhook has 1 to {MOST_FILTERS} filters")
    configuration = action.get("configuration", {})
    for one in wanted["filters"]:
        if not JSON_PATH.fullmatch(one["jsonPath"]):
            raise ServiceError(
                "InvalidWebhookFilterPatternException",
                f"The JSON path {one['jsonPath']} is not followed here; use members alone, such "
                "as $.ref",
            )
        for name in VARIABLE.findall(one.get("matchEquals", "")):
            if name not in configuration:
                raise ServiceError(
                    "InvalidWebhookFilterPatternException",
                    f"{{{name}}} is not in the configuration of action '{action['name']}'",
                )


def _check_authentication(kind: str, given_values: Mapping[str, str]) -> None:
    needed = {"GITHUB_HMAC": "SecretToken", "IP": "AllowedIPRange"}.get(kind)
    if set(given_values) != ({needed} if needed else set()):
        text = f"only {needed}" if needed else "nothing"
        raise ServiceError(
            "InvalidWebhookAuthenticationParametersException",
            f"For {kind} the authenticationConfiguration must have {text}",
        )
    try:
        ipaddress.ip_network(given_values.get("AllowedIPRange", "0.0.0.0/0"))
    except ValueError as error:
        raise ServiceError(
            "InvalidWebhookAuthenticationParametersException", f"AllowedIPRange: {error}"
        ) from error


def source_action(pipeline: Pipeline, name: str) -> dict[str, Any] | None:
    """One of the pipeline's source actions."""
    actions = pipeline.stages[0]["actions"]
    return next((action for action in actions if action["name"] == name), None)


def _shown(core: Core, webhook: Webhook) -> dict[str, Any]:
    definition = dict(webhook.definition)
    if "SecretToken" in definition["authenticationConfiguration"]:
        definition["authenticationConfiguration"] = {"SecretToken": MASK}
    return given(
        {
            "definition": definition,
            "url": url(core, webhook),
            "errorMessage": webhook.error_message,
            "errorCode": webhook.error_code,
            "lastTriggered": moment(webhook.last_triggered) if webhook.last_triggered else "",
            "arn": webhook.arn,
            "tags": [{"key": key, "value": value} for key, value in webhook.tags.items()],
        }
    )


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListWebhooks."""
    with core.lock:
        found = [one for one in core.state.webhooks.values() if one.region == call.region]
        rows = [_shown(core, one) for one in sorted(found, key=lambda one: one.name)]
    shown, token = page(rows, call, default=100, names=("NextToken", "MaxResults"))
    return {"webhooks": shown, "NextToken": token}


def delete(core: Core, call: Call) -> Mapping[str, Any]:
    """DeleteWebhook; nothing happens where there is none."""
    with core.change(wake=False) as state:
        state.webhooks.pop(webhook_arn(call, call.input["name"]), None)
    return {}


def register(core: Core, call: Call) -> Mapping[str, Any]:
    """RegisterWebhookWithThirdParty: have the Git host deliver pushes, by the action's token."""
    webhook, action = _for_registration(core, call)
    if webhook is None:
        raise errors.webhook_not_found(call.input.get("webhookName", ""))
    secret = webhook.definition["authenticationConfiguration"].get("SecretToken", "")
    config = {"url": url(core, webhook), "content_type": "json", "insecure_ssl": "0"}
    if secret:
        config["secret"] = secret
    body = {"name": "web", "active": True, "events": ["push"], "config": config}
    made = _github(core, action, "POST", "hooks", body)
    with core.change(wake=False):
        webhook.hook = str(made["id"])
    return {}


def deregister(core: Core, call: Call) -> Mapping[str, Any]:
    """DeregisterWebhookWithThirdParty."""
    webhook, action = _for_registration(core, call)
    if webhook is None:
        raise errors.webhook_not_found(call.input.get("webhookName", ""))
    if webhook.hook:
        _github(core, action, "DELETE", f"hooks/{webhook.hook}", None)
        with core.change(wake=False):
            webhook.hook = ""
    return {}


def _for_registration(core: Core, call: Call) -> tuple[Webhook | None, Mapping[str, Any]]:
    with core.lock:
        webhook = core.webhook(call, call.input.get("webhookName", ""))
        if webhook is None:
            return None, {}
        pipeline = core.pipeline(call, webhook.definition["targetPipeline"])
        action = source_action(pipeline, webhook.definition["targetAction"]) or {}
    if action.get("actionTypeId", {}).get("provider") != "GitHub":
        raise errors.validation("Only webhooks of a GitHub action can be registered")
    return webhook, action.get("configuration", {})


def _github(
    core: Core,
    settings: Mapping[str, Any],
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
) -> dict[str, Any]:
    repository = f"{settings['Owner']}/{settings['Repo']}"
    address = f"{core.surroundings.git_host_url}api/v3/repos/{repository}/{path}"
    headers = {"Authorization": f"Bearer {settings['OAuthToken']}"}
    try:
        answer = requests.request(method, address, json=body, headers=headers, timeout=SECONDS)
    except requests.RequestException as error:
        raise errors.validation(f"The Git host does not answer: {error}") from error
    if not answer.ok and not (method == "DELETE" and answer.status_code == 404):
        raise errors.validation(
            f"Could not set the webhook of {repository}: the Git host answered "
            f"{answer.status_code}: {answer.text[:200]}"
        )
    return dict(answer.json()) if answer.ok and answer.content else {}

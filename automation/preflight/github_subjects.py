"""Which form the subjects of a repository's OIDC tokens have, and whether the roles trust it.

https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
https://docs.github.com/en/rest/actions/oidc#get-the-customization-template-for-an-oidc-subject-claim-for-a-repository
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import requests

from automation.machine.prerequisites import Check
from infra.policies.github_trust import Repository
from infra.settings.model import Settings

NAME = "github subjects"
PUBLIC_API = "https://api.github.com"
TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
"""Variables that hold a token, in the order in which GitHub's own command reads them:
https://cli.github.com/manual/gh_help_environment"""
SECONDS = 10


def subjects(settings: Settings, environment: Mapping[str, str] = os.environ) -> Check:
    """Ask GitHub which subjects the repository's tokens have.

    Args:
        settings: the repository, and the numbers that the roles trust.
        environment: GH_TOKEN or GITHUB_TOKEN, and GITHUB_API_URL for another address of the API.
    """
    path = f"repos/{settings.github_owner}/{settings.github_repository}"
    token = next((environment[each] for each in TOKENS if environment.get(each)), "")
    if not token:
        return Check(
            NAME,
            None,
            "GitHub is not asked without a token that can read the repository's settings",
            f"Export GH_TOKEN (`gh auth token`), or look: `gh api {path}/{SUBJECTS}`",
        )
    base = f"{environment.get('GITHUB_API_URL', PUBLIC_API)}/{path}"
    try:
        repository = _read(base, token)
        return judged(settings, repository, _read(f"{base}/{SUBJECTS}", token))
    except requests.RequestException as error:
        return Check(NAME, None, f"GitHub does not tell: {error}", f"`gh api {path}/{SUBJECTS}`")


SUBJECTS = "actions/oidc/customization/sub"


def judged(settings: Settings, repository: Mapping[str, Any], form: Mapping[str, Any]) -> Check:
    """Whether the roles of workflows trust the subjects that the repository sends.

    Args:
        settings: what the roles trust.
        repository: GitHub's answer about the repository.
        form: GitHub's answer about its subjects.
    """
    if not form.get("use_default", True):
        keys = ", ".join(form.get("include_claim_keys") or ()) or "unknown"
        return Check(
            NAME,
            False,
            f"the repository has subjects of its own form ({keys}), which the roles do not trust",
            f"`gh api -X PUT repos/{repository['full_name']}/{SUBJECTS} -F use_default=true`",
        )
    named = f"{settings.github_owner}/{settings.github_repository}"
    if repository["full_name"] != named:
        owner, _, name = str(repository["full_name"]).partition("/")
        return Check(
            NAME,
            False,
            f"{named} is written {repository['full_name']} in the subjects, which trust compares "
            "letter by letter",
            f"Set fargate-cd:github_owner: {owner} and fargate-cd:github_repository: {name}.",
        )
    owner_id, number = int(repository["owner"]["id"]), int(repository["id"])
    given = (settings.github_owner_id, settings.github_repository_id)
    remedy = (
        f"Set fargate-cd:github_owner_id: {owner_id} and fargate-cd:github_repository_id: "
        f"{number}, then `up`: the roles trust both forms."
    )
    if any(given) and given != (owner_id, number):
        found = f"the settings name the ids {given[0]} and {given[1]}, which are not this one's"
        return Check(NAME, False, found, remedy)
    if not form.get("use_immutable_subject"):
        more = "" if any(given) else f"Before you rename or transfer it: {remedy}"
        return Check(NAME, True, "names, without ids; the roles trust them", more)
    sent = Repository(settings.github_owner, settings.github_repository, owner_id, number)
    found = f"names with immutable ids ({form.get('sub_claim_prefix') or sent.subjects[-1]})"
    if not any(given):
        return Check(NAME, False, f"{found}, which the roles do not trust", remedy)
    return Check(NAME, True, f"{found}; the roles trust them")


def _read(url: str, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    answer = requests.get(url, headers=headers, timeout=SECONDS)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found

"""The local Git host as the driver sees it: GitHub's API at `GITHUB_BASE_URL`."""

from __future__ import annotations

import os

import requests

from automation.errors import DriverError
from automation.screen import Screen
from infra.settings.model import Settings

SECONDS = 30


def ensure_repository(settings: Settings, screen: Screen) -> None:
    """Make the repository that the settings name, as a person would at GitHub before `up`.

    It is empty until the first push; one that is there stays as it is.

    Raises:
        DriverError: the Git host refuses or does not answer.
    """
    if not settings.has_pipeline:
        return
    base = os.environ["GITHUB_BASE_URL"]
    owner, name = settings.github_owner, settings.github_repository
    try:
        found = requests.get(f"{base}api/v3/repos/{owner}/{name}", timeout=SECONDS)
        if found.status_code == requests.codes.not_found:
            url = f"{base}api/v3/orgs/{owner}/repos"
            found = requests.post(url, json={"name": name}, timeout=SECONDS)
            screen.note(f"Made the repository {owner}/{name} at {base}")
    except requests.RequestException as error:
        raise DriverError(f"The local Git host {base} does not answer: {error}") from error
    if not found.ok:
        raise DriverError(
            f"The local Git host does not make the repository {owner}/{name}: it answered "
            f"{found.status_code}, {found.text.strip()}. See github_owner and github_repository."
        )

"""Addresses of pages: on the local cloud the status page stands where AWS's console has its own."""

from __future__ import annotations

from localcloud.shared.service import Surroundings

PAGES = "/codesuite/codepipeline/pipelines"


def pipeline_url(surroundings: Surroundings, pipeline: str, region: str) -> str:
    """A pipeline's page."""
    return f"{surroundings.api_url}{PAGES}/{pipeline}/view?region={region}"

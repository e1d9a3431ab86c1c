"""Checks of what a call of ECR asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.ecr.lifecycle import InvalidPolicyError, parse_policy
from localcloud.shared.service import ServiceError

LONGEST_TAGS = 50


def wanted_mutability(wanted: Mapping[str, Any]) -> tuple[str, list[str]]:
    mutability = wanted.get("imageTagMutability", "MUTABLE")
    filters = [row["filter"] for row in wanted.get("imageTagMutabilityExclusionFilters", [])]
    if bool(filters) != mutability.endswith("_WITH_EXCLUSION"):
        raise ServiceError(
            "InvalidParameterException",
            "imageTagMutabilityExclusionFilters go with IMMUTABLE_WITH_EXCLUSION or "
            "MUTABLE_WITH_EXCLUSION, and those need them.",
        )
    return mutability, filters


def scan_on_push(wanted: Mapping[str, Any]) -> bool:
    return bool(wanted.get("imageScanningConfiguration", {}).get("scanOnPush", False))


def checked_lifecycle(text: str) -> str:
    try:
        parse_policy(text)
    except InvalidPolicyError as error:
        raise ServiceError(
            "InvalidParameterException",
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
            f"'Lifecycle policy validation failure: {error}'",
        ) from error
    return text


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > LONGEST_TAGS:
        raise ServiceError("TooManyTagsException", f"At most {LONGEST_TAGS} tags are allowed.")
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved:
        raise ServiceError(
            "InvalidTagParameterException", f"Tag keys may not start with aws: ({reserved[0]})."
        )
    return tags

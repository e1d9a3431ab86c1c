"""ECR's lifecycle policies: checked when they are put, and evaluated.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from localcloud.ecr.model import Image, Repository

DAY_SECONDS = 24 * 3600
COUNT_TYPES = ("imageCountMoreThan", "sinceImagePushed")
TAG_STATES = ("tagged", "untagged", "any")


class InvalidPolicyError(ValueError):
    """A lifecycle policy that ECR would refuse; the message says why."""


@dataclass(frozen=True)
class Rule:
    """One rule: which images it looks at, and which of those expire.

    Attributes:
        priority: lower ones go first.
        state: `tagged`, `untagged` or `any`.
        prefixes: an image is meant when each of these starts one of its tags.
        patterns: an image is meant when each of these wildcards fits one of its tags.
        count_type: `imageCountMoreThan` or `sinceImagePushed`.
        count: images to keep, or days.
    """

    priority: int
    state: str
    prefixes: tuple[str, ...]
    patterns: tuple[str, ...]
    count_type: str
    count: int


@dataclass(frozen=True)
class Expiry:
    """An image that a rule expires."""

    image: Image
    priority: int


def parse_policy(text: str) -> list[Rule]:
    """The rules of a policy, by priority.

    Raises:
        InvalidPolicyError: it is not a policy, or asks for what the local cloud doesn't do.
    """
    try:
        document = json.loads(text)
        rules = [_rule(row) for row in document["rules"]]
    except InvalidPolicyError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidPolicyError(f"the policy can't be read: {error!r}") from error
    if not rules:
        raise InvalidPolicyError("the policy has no rules")
    priorities = [rule.priority for rule in rules]
    if len(set(priorities)) != len(priorities):
        raise InvalidPolicyError("two rules have the same rulePriority")
    catch_all = [rule.priority for rule in rules if rule.state == "any"]
    if len(catch_all) > 1 or (catch_all and catch_all[0] != max(priorities)):
        raise InvalidPolicyError(
            "one rule only may have tagStatus any, and its rulePriority must be the highest"
        )
    return sorted(rules, key=lambda rule: rule.priority)


def _rule(row: dict[str, Any]) -> Rule:
    selection = row["selection"]
    state, count_type = selection["tagStatus"], selection["countType"]
    prefixes = tuple(selection.get("tagPrefixList") or ())
    patterns = tuple(selection.get("tagPatternList") or ())
    _check(state in TAG_STATES, f"tagStatus {state} is not one of {', '.join(TAG_STATES)}")
    _check(
        count_type in COUNT_TYPES,
        f"countType {count_type} is not one of {', '.join(COUNT_TYPES)}, which the local cloud has",
    )
    _check(
        row["action"] == {"type": "expire"},
        f"action {row['action']} is not supported by the local cloud; use expire",
    )
    _check(
        (state == "tagged") == bool(prefixes or patterns),
        "tagPrefixList or tagPatternList goes with tagStatus tagged, and only with it",
    )
    _check(not (prefixes and patterns), "tagPrefixList and tagPatternList exclude each other")
    _check(
        (count_type == "sinceImagePushed") == (selection.get("countUnit") == "days"),
        "countUnit days goes with sinceImagePushed, and only with it",
    )
    count, priority = selection["countNumber"], row["rulePriority"]
    _check(isinstance(count, int) and count > 0, "countNumber must be a positive number")
    _check(isinstance(priority, int) and priority > 0, "rulePriority must be a positive number")
    return Rule(priority, state, prefixes, patterns, count_type, count)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InvalidPolicyError(message)


def expiries(rules: Iterable[Rule], repository: Repository, now: float) -> list[Expiry]:
    """The images that a policy expires now. An image in an index is kept until the index goes.

    Each image belongs to the first rule, by priority, whose tags fit; no later one touches it.
    """
    left = sorted(repository.images.values(), key=lambda image: image.pushed_at)
    inside = {digest for image in left for digest in image.manifests}
    found: list[Expiry] = []
    for rule in rules:
        meant = [image for image in left if _means(rule, image)]
        left = [image for image in left if not _means(rule, image)]
        found += [
            Expiry(image, rule.priority)
            for image in _expired(rule, meant, now)
            if image.digest not in inside
        ]
    return found


def _means(rule: Rule, image: Image) -> bool:
    if rule.state == "any":
        return True
    if rule.state == "untagged":
        return not image.tags
    if rule.patterns:
        return all(any(fnmatchcase(tag, p) for tag in image.tags) for p in rule.patterns)
    return all(any(tag.startswith(p) for tag in image.tags) for p in rule.prefixes)


def _expired(rule: Rule, oldest_first: list[Image], now: float) -> list[Image]:
    if rule.count_type == "imageCountMoreThan":
        return oldest_first[: max(0, len(oldest_first) - rule.count)]
    limit = now - rule.count * DAY_SECONDS
    return [image for image in oldest_first if image.pushed_at < limit]

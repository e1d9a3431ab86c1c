"""What to do about requests that AWS refuses because of who sends them, or when."""

from __future__ import annotations

import re

LOGIN = "log in again, for example `aws sso login`"
CLOCK = "set this machine's clock, for example `sudo timedatectl set-ntp true`"

REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"RequestTimeTooSkewed|RequestInTheFuture|Signature (expired|not yet current)"),
        CLOCK,
    ),
    # EC2 says this of a token, and of a signature.
    (re.compile(r"\bRequestExpired\b"), f"{LOGIN}; if that changes nothing, {CLOCK}"),
    (
        re.compile(
            r"\bExpiredToken(Exception)?\b|\bInvalidClientTokenId\b|\bUnrecognizedClientException\b"
            r"|failed to refresh cached credentials|Token has expired|SSO .*has expired"
            r"|Error loading SSO Token"
        ),
        LOGIN,
    ),
)
"""What AWS, botocore and the providers say → what to do.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""


def remedy(said: str) -> str | None:
    """Return what to do about a refusal; None if it is about neither credentials nor the clock.

    Args:
        said: the error's code and message.
    """
    return next((words for pattern, words in REMEDIES if pattern.search(said)), None)


def advised(said: str) -> str:
    """Return what was said, with what to do about it if that is known."""
    advice = remedy(said)
    return f"{said}: {advice}." if advice else said

"""Whether the driver and the engine work in one account and one region."""

from __future__ import annotations

from pulumi import automation as auto

from automation.engine.progress import Progress
from automation.errors import ConfigurationError, EngineFailed
from automation.stack.operations import Session

Place = tuple[str, str]
"""An account and a region."""


def check_account(session: Session) -> None:
    """Compare the caller's account and region on both ways.

    Raises:
        ConfigurationError: they differ, or the stack's file does not allow the account.
    """
    if session.target.free:
        return  # the local cloud has one account, and gives both their credentials
    own = _of_the_driver(session)
    session.provider.check(own[0])
    other = _of_the_engine(session)
    if own != other:
        raise ConfigurationError(
            f"Pulumi would work in the account {other[0]}, {other[1]}, and the driver in "
            f"{own[0]}, {own[1]}: nothing was touched. Name the credentials for both in "
            f"{session.file.path.name} (aws:profile, aws:assumeRoles, aws:region), or unset the "
            "AWS_… variables that only one of them follows."
        )


def _of_the_driver(session: Session) -> Place:
    client = session.cloud.client("sts")
    return str(client.get_caller_identity()["Account"]), str(client.meta.region_name)


def _of_the_engine(session: Session) -> Place:
    """Ask through the engine's provider, by a preview of a program that only asks."""
    import pulumi_aws as aws  # `destroy` needs it for nothing else

    found: list[Place] = []

    def ask() -> None:
        found.append((aws.get_caller_identity().account_id, aws.get_region().region))

    def preview(stack: auto.Stack, progress: Progress) -> None:
        stack.preview(
            program=ask,
            on_event=lambda event: progress.on_event(event) if event.diagnostic_event else None,
            suppress_outputs=True,
            suppress_progress=True,
        )

    try:
        session.perform("Asking for the account", preview, preview=True)
    except EngineFailed:
        # A program without resources deletes all, which protected ones refuse after the answer.
        if not found:
            raise
    return found[0]

"""Explains that the running image is kept, whatever the application's files say."""

from __future__ import annotations

from automation.aws.ecs import describe_service
from automation.stack.operations import Session


def tell(session: Session, image: str | None, build: bool) -> None:
    """Note that nothing is built, and how the application's files are released.

    Args:
        session: the open stack.
        image: of `--image`; None without it.
        build: `--build`.
    """
    settings = session.file.settings
    named = image or settings.image
    if session.created or named or build or not settings.keeps_image:
        return
    if describe_service(session.cloud, session.service) is None:
        return
    releases = (
        "`up --image` promotes another one"
        if settings.promotion
        else f"a push to {settings.github_branch} releases another one"
    )
    session.screen.note(
        f"The running image is kept, and app_path ({settings.app_path}) is not built here: "
        f"{releases}, and `up --build` releases the files in app_path"
    )

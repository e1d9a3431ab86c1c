"""What a person asked to deploy, checked before anything starts."""

from __future__ import annotations

import pytest

from automation.errors import ConfigurationError
from automation.stack.program import release_program
from automation.stack.stack_file import load_stack_file


@pytest.mark.parametrize(
    ("image", "build", "said"),
    [
        ("", False, "--image is empty"),
        ("  ", False, "--image is empty"),
        ("host/app:1", True, "exclude each other"),
        ("an image", False, "must be an image with a tag or a digest"),
    ],
)
def test_what_can_not_be_deployed_is_refused(image: str, build: bool, said: str) -> None:
    """An empty image is a command that failed to name one, and no wish to build."""
    with pytest.raises(ConfigurationError, match=said) as refused:
        release_program(load_stack_file("local"), image, build)
    assert refused.value.exit_code == 2


def test_an_image_by_digest_or_none_is_accepted() -> None:
    for image in (f"host/app@sha256:{'0' * 64}", None):
        assert callable(release_program(load_stack_file("local"), image, False))

"""Ignore files and names of images that are anything: read, or refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.account import Account
from infra.image.build_context import BuildContext, BuildContextError
from infra.image.pull_permissions import other_repository, repository_arns
from infra.settings.model import Settings
from tests.unit.bad_input import bounded
from tests.unit.infra.settings.test_bad_settings import problems

REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
PLACE = Account("aws", "123456789012", "eu-central-1", "amazonaws.com")
PATTERNS = st.binary(max_size=80) | st.text("ab*?[]!\\/-^.# \n\r{}()|+$", max_size=80).map(
    str.encode
)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A small application."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "ab.txt").write_text("x")
    return tmp_path


@bounded(300)
@given(PATTERNS)
def test_any_ignore_file_is_read_or_refused(context: Path, content: bytes) -> None:
    dockerfile = context / "Dockerfile"
    (context / ".dockerignore").write_bytes(content)
    try:
        names = {entry.name for entry in BuildContext.read(context, dockerfile).entries}
    except BuildContextError as error:
        names = {"Dockerfile"} if ".dockerignore" in str(error) else set()
    assert "Dockerfile" in names, "it is sent whatever the file says"


IMAGES = st.text(max_size=80) | st.text("ab/:@.1-", max_size=20).map(REGISTRY.__add__)


@bounded(300)
@given(IMAGES)
def test_any_image_is_refused_or_gives_its_own_repository_alone(image: str) -> None:
    own = "arn:aws:ecr:eu-central-1:123456789012:repository/x"
    if problems(lambda: Settings.parse({"image": image})):
        return
    arns = repository_arns(image, f"{REGISTRY}/x", own, PLACE)
    assert arns[0] == own
    assert all("*" not in arn and "?" not in arn for arn in arns)
    assert "@" not in other_repository(image, "x")

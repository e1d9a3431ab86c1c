"""A checkout of its own for every end-to-end module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.checkout import Checkout, copy_tree


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A fresh checkout; afterwards its stack, its local cloud and its containers are gone."""
    copy = copy_tree(tmp_path_factory.mktemp("checkout"))
    try:
        yield copy
    finally:
        copy.run("destroy", "--stack", "local", "--yes")
        stopped = copy.run("local", "stop")
        assert stopped.returncode == 0, stopped.stderr

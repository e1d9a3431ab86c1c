"""Layers that the local clouds of one machine share."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from localcloud.ecr.shared_layers import LEAST_BYTES, SharedLayers

LARGE = b"x" * LEAST_BYTES


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    file = tmp_path / "pushed"
    file.write_bytes(LARGE)
    return file


def test_a_layer_is_given_to_another_local_cloud(tmp_path: Path, pushed: Path) -> None:
    SharedLayers(tmp_path / "layers").keep("sha256:aa", pushed)
    target = tmp_path / "other" / "aa"
    assert SharedLayers(tmp_path / "layers").give("sha256:aa", target)
    assert target.read_bytes() == LARGE
    assert pushed.exists()


def test_what_was_never_pushed_is_not_given(tmp_path: Path) -> None:
    assert not SharedLayers(tmp_path / "layers").give("sha256:aa", tmp_path / "aa")
    assert not (tmp_path / "aa").exists()


def test_a_small_layer_is_not_kept(tmp_path: Path, pushed: Path) -> None:
    pushed.write_bytes(LARGE[1:])
    layers = SharedLayers(tmp_path / "layers")
    layers.keep("sha256:aa", pushed)
    assert not layers.give("sha256:aa", tmp_path / "aa")


def test_another_disk_gets_a_copy(
    tmp_path: Path, pushed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)
    layers = SharedLayers(tmp_path / "layers")
    layers.keep("sha256:aa", pushed)
    assert layers.give("sha256:aa", tmp_path / "aa")
    assert (tmp_path / "aa").read_bytes() == LARGE


def test_the_layer_that_was_asked_for_longest_ago_goes_first(tmp_path: Path) -> None:
    folder = tmp_path / "layers"
    layers = SharedLayers(folder, most_bytes=2 * LEAST_BYTES)
    for age, name in enumerate("abc"):
        file = tmp_path / name
        file.write_bytes(LARGE)
        os.utime(file, (1_000 + age, 1_000 + age))
    layers.keep("sha256:a", tmp_path / "a")
    layers.keep("sha256:b", tmp_path / "b")
    assert layers.give("sha256:a", tmp_path / "given")
    layers.keep("sha256:c", tmp_path / "c")
    assert {file.name for file in folder.iterdir()} == {"a", "c"}

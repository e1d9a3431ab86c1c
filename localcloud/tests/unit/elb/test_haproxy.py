from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from localcloud.elb.haproxy import Haproxy, HaproxyError, socket_file
from localcloud.elb.model import Plane
from localcloud.tests.unit.elb.planes import group, plane


def test_a_missing_haproxy_is_told_with_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(HaproxyError, match="apt-get install haproxy"):
        Haproxy(tmp_path, "test").apply(plane(group()))


def test_without_listeners_nothing_is_started(tmp_path: Path) -> None:
    proxy = Haproxy(tmp_path, "test")
    proxy.apply(Plane((), (), {}))
    assert proxy.running_description() is None
    assert not proxy.missing()


@pytest.mark.parametrize("name", ["x" * 100, "two words", "a,b"])
def test_a_folder_that_haproxy_can_not_name_gets_a_private_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    private = tempfile.mkdtemp()
    monkeypatch.setattr(tempfile, "tempdir", private)
    deep = tmp_path / name
    short = socket_file(deep, "test")
    assert len(str(short)) < 107
    assert name not in str(short)
    assert short.parent.stat().st_mode & 0o777 == 0o700
    Haproxy(deep, "test").stop()
    assert not short.parent.exists()
    Path(private).rmdir()

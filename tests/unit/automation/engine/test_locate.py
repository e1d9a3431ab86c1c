"""The engine is taken from PATH, else from the cache, else installed, else built."""

from __future__ import annotations

import subprocess
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import PulumiCommand
from semver import VersionInfo

from automation.engine import locate
from automation.engine.build import build_engine, pinned_version
from automation.errors import DriverError
from tests.unit.automation.conftest import script


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an engine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def says(version: object) -> str:
    return f"echo v{version}"


def test_none_is_found_on_an_empty_machine(empty: Path) -> None:
    assert locate.find_engine() is None


def test_a_fitting_one_on_path_is_used(empty: Path) -> None:
    script(empty / "bin" / "pulumi", says(locate.VERSION))
    found = locate.find_engine()
    assert found is not None
    assert found.command == str(empty / "bin" / "pulumi")
    assert found.version == locate.VERSION


@pytest.mark.parametrize("version", ["2.0.0", "3.1.0", "4.0.0", "nonsense"])
def test_one_that_does_not_fit_is_left_alone(empty: Path, version: str) -> None:
    script(empty / "bin" / "pulumi", says(version))
    assert locate.find_engine() is None
    script(locate.cached_executable(), says(locate.VERSION))
    found = locate.find_engine()
    assert found is not None
    assert found.command == str(locate.cached_executable())


def test_the_one_in_the_cache_is_asked_once_until_it_changes(empty: Path) -> None:
    asked = empty / "asked"
    engine = locate.cached_executable()
    script(engine, f"echo . >> {asked}; {says(locate.VERSION)}")
    for _ in range(3):  # after the first time by the link that `make setup` makes
        found = locate.find_engine()
        assert found is not None
        assert found.version == locate.VERSION
        link = empty / "bin" / "pulumi"
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(engine)
    assert asked.read_text() == ".\n"
    script(engine, f"echo . >> {asked}; {says('3.1.0')}")
    assert locate.find_engine() is None, "another file has another version"
    script(engine, "exit 1")
    assert locate.find_engine() is None, "a file that does not run has none"


def test_one_on_path_is_asked_each_time(empty: Path) -> None:
    asked = empty / "asked"
    script(empty / "bin" / "pulumi", f"echo . >> {asked}; {says(locate.VERSION)}")
    for _ in range(2):
        assert locate.find_engine() is not None
    assert asked.read_text() == ".\n.\n"


def test_the_installer_comes_before_go(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(root: str, version: VersionInfo) -> None:
        script(Path(root) / "bin" / "pulumi", says(version))

    monkeypatch.setattr(PulumiCommand, "install", install)
    monkeypatch.setattr(locate, "build_engine", lambda *_: pytest.fail("Go is not needed"))
    assert locate.obtain_engine(lambda _: None).version == locate.VERSION


def test_without_the_download_host_go_builds(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(**_: Any) -> None:
        raise urllib.error.URLError("Name or service not known")

    def build(version: VersionInfo, target: Path, note: Any) -> None:
        script(target, says(version))

    monkeypatch.setattr(PulumiCommand, "install", install)
    monkeypatch.setattr(locate, "build_engine", build)
    notes: list[str] = []
    assert locate.obtain_engine(notes.append).command == str(locate.cached_executable())
    assert any("Name or service not known" in note for note in notes)
    assert locate.obtain_engine(lambda _: pytest.fail("it is there")).version == locate.VERSION


def test_a_failing_installer_says_its_last_line(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(**_: Any) -> None:
        raise subprocess.CalledProcessError(1, "install.sh", output=b"=> Downloading\nerror: 404\n")

    monkeypatch.setattr(PulumiCommand, "install", install)
    assert locate._install(empty / "x" / "bin" / "pulumi") == "error: 404"


def test_go_pins_the_version_of_the_sdk() -> None:
    assert pinned_version() == locate.VERSION


def test_without_go_one_sentence_says_what_to_install(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automation.engine.build._usual_place", lambda: None)
    with pytest.raises(DriverError, match=r"install Pulumi .* or Go"):
        build_engine(locate.VERSION, empty / "pulumi", lambda _: None)


def test_a_build_is_whole_or_not_there(empty: Path) -> None:
    target = empty / "out" / "pulumi"
    target.parent.mkdir()
    go = empty / "bin" / "go"
    script(go, '[ "$1" = mod ] && exit 0; echo engine > pulumi; echo "$@" > ../flags')
    build_engine(locate.VERSION, target, lambda _: None)
    assert target.read_text() == "engine\n"
    assert f"version.Version=v{locate.VERSION}" in (target.parent / "flags").read_text()
    target.unlink()
    script(go, '[ "$1" = mod ] && exit 0; echo half > pulumi; echo boom; exit 1')
    with pytest.raises(DriverError, match="go build ended with 1") as failed:
        build_engine(locate.VERSION, target, lambda _: None)
    assert failed.value.evidence == ["boom"]
    assert not target.exists()
    assert [path.name for path in target.parent.iterdir()] == ["flags"], "no scratch folder stays"


def test_another_sdk_needs_another_go_mod(empty: Path) -> None:
    script(empty / "bin" / "go", "exit 0")
    with pytest.raises(DriverError, match=r"go\.mod pins"):
        build_engine(VersionInfo(3, 999, 0), empty / "pulumi", lambda _: None)


def test_a_short_disk_is_named_before_the_build(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(empty / "bin" / "go", "exit 0")
    monkeypatch.setattr("automation.engine.build.FREE_BYTES", 10**18)
    with pytest.raises(DriverError, match="GB of disk"):
        build_engine(locate.VERSION, empty / "pulumi", lambda _: None)

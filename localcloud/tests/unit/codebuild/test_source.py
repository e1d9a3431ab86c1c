"""A source's ZIP file becomes the container's folder, and nothing beside it."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile

import pytest

from localcloud.codebuild.errors import PhaseError
from localcloud.codebuild.source import as_tar, buildspec_text


def _zip(entries: dict[str, tuple[int, bytes]]) -> zipfile.ZipFile:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, (mode, content) in entries.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return zipfile.ZipFile(packed)


def test_modes_links_and_folders_are_kept() -> None:
    archive = _zip(
        {
            "run.sh": (stat.S_IFREG | 0o755, b"true"),
            "link": (stat.S_IFLNK | 0o777, b"run.sh"),
            "plain.txt": (stat.S_IFREG | 0o640, b"text"),
        }
    )
    with tarfile.open(fileobj=as_tar(archive, "src")) as tar:
        assert tar.getmember("src/run.sh").mode == 0o755
        assert tar.getmember("src/plain.txt").mode == 0o640
        assert tar.getmember("src/link").linkname == "run.sh"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b"])
def test_files_outside_are_refused(name: str) -> None:
    with pytest.raises(PhaseError, match="is not inside it"):
        as_tar(_zip({name: (0, b"")}), "src")


def test_the_buildspec_is_inline_or_a_file_of_the_source() -> None:
    archive = _zip({"buildspec.yml": (0, b"default"), "ci/other.yml": (0, b"other")})
    assert buildspec_text({}, archive) == "default"
    assert buildspec_text({"buildspec": "ci/other.yml"}, archive) == "other"
    assert buildspec_text({"buildspec": "version: 0.2\n"}, archive) == "version: 0.2\n"
    for absent in ("absent.yml", "arn:aws:s3:::bucket/buildspec.yml"):
        with pytest.raises(PhaseError) as refused:
            buildspec_text({"buildspec": absent}, archive)
        assert refused.value.code == "YAML_FILE_ERROR"

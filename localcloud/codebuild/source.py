"""A build's source: a ZIP file in S3, into the container.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html
"""

from __future__ import annotations

import stat
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import IO, Any

from botocore.exceptions import ClientError

from localcloud.codebuild.buildspec import is_inline
from localcloud.codebuild.errors import PhaseError

DEFAULT_BUILDSPEC = "buildspec.yml"


def download(source: Mapping[str, Any], version: str | None, s3: Any) -> zipfile.ZipFile | None:
    """The source's ZIP file; None for a build without source.

    Raises:
        PhaseError: it can't be read, or is not a ZIP file.
    """
    if source["type"] == "NO_SOURCE":
        return None
    bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
    wanted = {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- lives as long as the archive
    try:
        for chunk in s3.get_object(**wanted)["Body"].iter_chunks(1 << 20):
            file.write(chunk)
        return zipfile.ZipFile(file)
    except ClientError as error:
        told = error.response["Error"]
        raise PhaseError(
            "CLIENT_ERROR",
            f"{told['Code']}: {told['Message']} for primary source and source version "
            f"arn:aws:s3:::{bucket}/{key}",
        ) from error
    except zipfile.BadZipFile as error:
        raise PhaseError(
            "CLIENT_ERROR", f"arn:aws:s3:::{bucket}/{key} is not a ZIP file"
        ) from error


def buildspec_text(source: Mapping[str, Any], archive: zipfile.ZipFile | None) -> str:
    """The project's inline buildspec, or the file of the source that it names.

    Raises:
        PhaseError: there is no such file.
    """
    named = source.get("buildspec") or DEFAULT_BUILDSPEC
    if is_inline(named):
        return str(named)
    if named.startswith("arn:"):
        raise PhaseError(
            "YAML_FILE_ERROR",
            f"the local cloud reads no buildspec from S3 ({named}); put it into the source",
        )
    if archive is None or named not in archive.namelist():
        raise PhaseError("YAML_FILE_ERROR", f"stat {named}: no such file or directory")
    return archive.read(named).decode("utf-8", "replace")


def as_tar(archive: zipfile.ZipFile, folder: str) -> IO[bytes]:
    """The files of a ZIP file as a tar archive, modes and links kept, below a folder.

    Raises:
        PhaseError: a file would lie outside the folder.
    """
    packed = tempfile.TemporaryFile()  # noqa: SIM115 -- the caller closes it
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename)
            if path.is_absolute() or ".." in path.parts:
                raise PhaseError("CLIENT_ERROR", f"the source's {entry.filename} is not inside it")
            _add(tar, archive, entry, str(PurePosixPath(folder) / path))
    packed.seek(0)
    return packed


def _add(tar: tarfile.TarFile, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
    mode = entry.external_attr >> 16
    row = tarfile.TarInfo(name)
    row.mtime = int(time.mktime((*entry.date_time, 0, 0, -1)))
    row.mode = stat.S_IMODE(mode) or (0o755 if entry.is_dir() else 0o644)
    if entry.is_dir():
        row.type = tarfile.DIRTYPE
        tar.addfile(row)
    elif stat.S_ISLNK(mode):
        row.type, row.linkname = tarfile.SYMTYPE, archive.read(entry).decode()
        tar.addfile(row)
    else:
        row.size = entry.file_size
        with archive.open(entry) as content:
            tar.addfile(row, content)

"""A build's artifacts: which files they are, and how they come to S3.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import IO, Any

from botocore.exceptions import ClientError

from localcloud.codebuild.buildspec import Artifact
from localcloud.codebuild.errors import PhaseError

CHUNK = 1 << 20


@dataclass(frozen=True)
class Upload:
    """Where an artifact went, and its sums; empty ones for files that were not packed."""

    location: str
    sha256: str = ""
    md5: str = ""


@dataclass(frozen=True)
class Place:
    """Where an artifact goes.

    Attributes:
        bucket: the bucket.
        key: of the ZIP file, or the folder of single files.
        zipped: whether the files are packed.
        encryption: parameters of PutObject.
    """

    bucket: str
    key: str
    zipped: bool
    encryption: Mapping[str, str]


def place(settings: Mapping[str, Any], name: str, uuid: str, key: str) -> Place:
    """Where the project's settings put an artifact.

    Args:
        settings: `ProjectArtifacts` of the API.
        name: its name, unless the settings have one.
        uuid: of the build, for a namespace of its own.
        key: the KMS key that the build encrypts with.
    """
    own_name = settings.get("name") or name
    namespace = uuid if settings.get("namespaceType") == "BUILD_ID" else ""
    parts = [settings.get("path", "").strip("/"), namespace, own_name.strip("/")]
    bucket = settings["location"].removeprefix("arn:aws:s3:::")
    encryption: dict[str, str] = {}
    if not settings.get("encryptionDisabled"):
        encryption = {"ServerSideEncryption": "aws:kms"}
        if not key.endswith("alias/aws/s3"):
            encryption["SSEKMSKeyId"] = key
    zipped = settings.get("packaging", "NONE") == "ZIP"
    return Place(bucket, "/".join(part for part in parts if part), zipped, encryption)


def matching(paths: Iterable[str], artifact: Artifact, base: str) -> dict[str, str]:
    """The files of an artifact: path in the source → name in the artifact.

    Args:
        paths: all files, relative to the source.
        artifact: what the buildspec says.
        base: its base directory, relative to the source or a pattern of top-level folders.
    """
    depth = 0 if base in (".", "./", "") else len(PurePosixPath(base).parts)
    chosen: dict[str, str] = {}
    for path in paths:
        parts = PurePosixPath(path).parts
        if depth and not fnmatch.fnmatchcase("/".join(parts[:depth]), str(PurePosixPath(base))):
            continue
        inner = "/".join(parts[depth:])
        if not inner or not any(_pattern(p).fullmatch(inner) for p in artifact.files):
            continue
        if any(_pattern(p).fullmatch(inner) for p in artifact.exclude):
            continue
        chosen[path] = PurePosixPath(inner).name if artifact.discard_paths else inner
    return chosen


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """`**/` is any folders or none, `*` and `?` stay in a name; a folder's name is all in it."""
    wanted = glob.removeprefix("./").rstrip("/")
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(
        pieces.get(piece, re.escape(piece))
        for piece in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", wanted)
    )
    return re.compile(text if any(c in wanted for c in "*?") else f"{text}(?:/.*)?")


def upload(
    archive: IO[bytes],
    artifact: Artifact,
    target: Place,
    s3: Any,
    said: Callable[[str], None],
) -> Upload:
    """Send the files of an artifact.

    Args:
        archive: a tar archive of the folder that holds them, whose name is its first part.
        artifact: which files.
        target: where to.
        s3: a client that signs as the build's role.
        said: gets the lines of the log.

    Raises:
        PhaseError: none matches, or S3 refuses.
    """
    said(f"Expanding base directory path: {artifact.base_directory}")
    said("Assembling file list")
    with tarfile.open(fileobj=archive) as tar:
        found = {row.name.partition("/")[2]: row for row in tar if row.isfile() or row.issym()}
        chosen = matching(found, artifact, artifact.base_directory)
        said(f"Found {len(chosen)} file(s)")
        if not chosen:
            raise PhaseError("CLIENT_ERROR", "no matching artifact paths found")
        files = {name: _resolved(tar, found[path]) for path, name in chosen.items()}
        try:
            return _send(tar, files, target, s3)
        except ClientError as error:
            told = error.response["Error"]
            raise PhaseError(
                "CLIENT_ERROR",
                f"Failed to upload artifacts: {told['Code']}: {told['Message']} "
                f"(arn:aws:s3:::{target.bucket}/{target.key})",
            ) from error


def _resolved(tar: tarfile.TarFile, row: tarfile.TarInfo) -> tarfile.TarInfo:
    """The file itself that a link inside the folder stands for."""
    if not row.issym():
        return row
    try:
        inside = tar.extractfile(row)
    except KeyError:
        inside = None
    if inside is None:
        raise PhaseError("CLIENT_ERROR", f"the artifact's {row.name} links to no file of the build")
    wanted = str(PurePosixPath(row.name).parent / row.linkname)
    return tar.getmember(wanted)


def _send(
    tar: tarfile.TarFile, files: Mapping[str, tarfile.TarInfo], target: Place, s3: Any
) -> Upload:
    if not target.zipped:
        for name, row in files.items():
            content = tar.extractfile(row)
            s3.put_object(
                Bucket=target.bucket, Key=f"{target.key}/{name}", Body=content, **target.encryption
            )
        return Upload(f"arn:aws:s3:::{target.bucket}/{target.key}")
    with tempfile.TemporaryFile() as packed:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, row in sorted(files.items()):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (stat.S_IFREG | row.mode) << 16
                content = tar.extractfile(row)
                archive.writestr(entry, content.read() if content else b"")
        packed.seek(0)
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        while chunk := packed.read(CHUNK):
            sha256.update(chunk)
            md5.update(chunk)
        packed.seek(0)
        s3.put_object(Bucket=target.bucket, Key=target.key, Body=packed, **target.encryption)
    return Upload(f"arn:aws:s3:::{target.bucket}/{target.key}", sha256.hexdigest(), md5.hexdigest())

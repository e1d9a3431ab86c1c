"""Which files an artifact has, where it goes, and what lands in S3."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import Any

import pytest

from localcloud.codebuild.artifacts import matching, place, upload
from localcloud.codebuild.buildspec import Artifact
from localcloud.codebuild.errors import PhaseError

PATHS = ["a.txt", "build/one.js", "build/sub/two.js", "build2/three.js", ".git/config"]


@pytest.mark.parametrize(
    ("artifact", "chosen"),
    [
        (Artifact(("a.txt",)), ["a.txt"]),
        (Artifact(("**/*",)), PATHS),
        (Artifact(("*",)), ["a.txt"]),
        (Artifact(("build",)), ["build/one.js", "build/sub/two.js"]),
        (Artifact(("build/*",)), ["build/one.js"]),
        (Artifact(("build/**/*",)), ["build/one.js", "build/sub/two.js"]),
        (Artifact(("**/*.js",), exclude=("**/two.js",)), ["build/one.js", "build2/three.js"]),
        (Artifact(("**/*",), "build"), ["one.js", "sub/two.js"]),
        (Artifact(("**/*",), "build*", discard_paths=True), ["one.js", "two.js", "three.js"]),
        (Artifact(("absent",)), []),
    ],
)
def test_files(artifact: Artifact, chosen: list[str]) -> None:
    assert list(matching(PATHS, artifact, artifact.base_directory).values()) == chosen


def test_place() -> None:
    settings = {
        "location": "bucket",
        "path": "pipeline/Build",
        "name": "xyz",
        "namespaceType": "BUILD_ID",
        "packaging": "ZIP",
    }
    found = place(settings, "project", "uuid", "arn:aws:kms:us-east-1:1:key/k")
    assert (found.bucket, found.key, found.zipped) == ("bucket", "pipeline/Build/uuid/xyz", True)
    assert found.encryption == {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "arn:aws:kms:us-east-1:1:key/k",
    }
    plain = place({"location": "bucket", "encryptionDisabled": True}, "project", "uuid", "key")
    assert (plain.key, plain.zipped, plain.encryption) == ("project", False, {})


class Bucket:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Key: str, Body: Any, **_: Any) -> None:  # noqa: N803 -- boto3's names
        self.objects[Key] = Body.read()


def _archive() -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        row = tarfile.TarInfo("src/out.json")
        row.size, row.mode = 2, 0o755
        tar.addfile(row, io.BytesIO(b"{}"))
        link = tarfile.TarInfo("src/link.json")
        link.type, link.linkname = tarfile.SYMTYPE, "out.json"
        tar.addfile(link)
    packed.seek(0)
    return packed


def test_upload_packs_files_and_what_links_stand_for() -> None:
    bucket, said = Bucket(), list[str]()
    target = place({"location": "b", "name": "n", "packaging": "ZIP"}, "", "", "alias/aws/s3")
    sent = upload(_archive(), Artifact(("*.json",)), target, bucket, said.append)
    assert sent.location == "arn:aws:s3:::b/n"
    with zipfile.ZipFile(io.BytesIO(bucket.objects["n"])) as packed:
        assert sorted(packed.namelist()) == ["link.json", "out.json"]
        assert packed.read("link.json") == b"{}"
        assert packed.getinfo("out.json").external_attr >> 16 & 0o777 == 0o755
    assert "Found 2 file(s)" in said


def test_nothing_that_matches_fails() -> None:
    target = place({"location": "b", "name": "n"}, "", "", "k")
    with pytest.raises(PhaseError, match="no matching artifact paths found"):
        upload(_archive(), Artifact(("absent",)), target, Bucket(), list[str]().append)

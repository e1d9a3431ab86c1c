"""Artifacts: zip files in the pipeline's artifact store, under the action's role.

https://docs.aws.amazon.com/codepipeline/latest/userguide/welcome-introducing-artifacts.html
"""

from __future__ import annotations

import io
import secrets
import string
import zipfile
from pathlib import Path

from localcloud.codepipeline.actions.work import ActionError, Work
from localcloud.codepipeline.model import Artifact

LARGEST_FILE_BYTES = 100 * 1024
"""Of an image definitions file: https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html"""


def location(bucket: str, pipeline: str, name: str) -> Artifact:
    """Where a new artifact goes."""
    letters = string.ascii_letters + string.digits
    unique = "".join(secrets.choice(letters) for _ in range(7))
    return Artifact(name, bucket, f"{pipeline[:20]}/{name[:10]}/{unique}")


def upload(work: Work, artifact: Artifact, file: Path) -> None:
    """Puts a zip file into the store, encrypted with the store's key where it has one."""
    encryption = (
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": work.encryption_key}
        if work.encryption_key
        else {}
    )
    with file.open("rb") as stream:
        work.client("s3").put_object(
            Bucket=artifact.bucket,
            Key=artifact.key,
            Body=stream,
            ContentType="application/zip",
            **encryption,
        )


def read_member(work: Work, artifact: Artifact, name: str) -> bytes:
    """One file of an artifact.

    Raises:
        ActionError: it is not in there, or the artifact is no zip file.
    """
    answer = work.client("s3").get_object(Bucket=artifact.bucket, Key=artifact.key)
    try:
        with zipfile.ZipFile(io.BytesIO(answer["Body"].read())) as packed:
            if packed.getinfo(name).file_size > LARGEST_FILE_BYTES:
                raise ActionError(f"The file {name} in artifact {artifact.name} is too large")
            return packed.read(name)
    except KeyError as error:
        raise ActionError(
            f"Did not find the image definition file {name} in the input artifacts ZIP file. "
            f"Verify the file is stored in your pipeline's Amazon S3 artifact bucket: "
            f"{artifact.bucket} key: {artifact.key}"
        ) from error
    except zipfile.BadZipFile as error:
        raise ActionError(f"The artifact {artifact.name} is no zip file: {error}") from error

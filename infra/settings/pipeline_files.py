"""Where the application lies in the repository that the pipeline fetches."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).resolve().parents[2]


class NotInRepositoryError(ValueError):
    """A file of the application that the pipeline's repository can't hold."""


def pipeline_files(app_path: str, dockerfile: str, pipeline_app_path: str) -> tuple[str, str]:
    """Return the application's folder and Dockerfile, from the top of the pipeline's repository.

    Args:
        app_path: the setting: a folder, from the top of this project.
        dockerfile: the setting: a file, from the top of this project; empty for the folder's own.
        pipeline_app_path: the setting; empty for its default. That is `.` for an application
            outside this project, which has a repository of its own, else the same as `app_path`.

    Returns:
        Both paths; the second one is empty for the Dockerfile at the top of the folder.

    Raises:
        NotInRepositoryError: the Dockerfile is neither in the application nor in this project.
    """
    app = _from_project(app_path)
    folder = pipeline_app_path or ("." if _outside(app) else app)
    if not dockerfile:
        return folder, ""
    file = _from_project(dockerfile)
    inside = os.path.relpath(file, app)
    if not _outside(inside):
        return folder, str(PurePosixPath(folder, inside))
    if _outside(file) or _outside(app) or pipeline_app_path not in {"", app}:
        raise NotInRepositoryError(
            "must lie in the folder `app_path`, since the pipeline builds from the application's "
            "own repository; move the Dockerfile there"
        )
    return folder, file


def _from_project(path: str) -> str:
    return os.path.relpath(os.path.normpath(PROJECT / path), PROJECT)


def _outside(path: str) -> bool:
    return path == os.pardir or path.startswith(os.pardir + os.sep)

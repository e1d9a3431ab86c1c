"""Exceptions that no command expects, in words: the cloud's, the machine's, and our own faults."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from automation import paths
from automation.aws.refusals import advised, remedy
from automation.errors import ConfigurationError, DriverError
from infra.settings.model import SettingsError

AGAIN = "What was done until then stays: run the same command again, and it goes on."

FULL = "The disk is full ({file}): free some."
DENIED = "This user may not write or read {file}: change its owner or mode, or be another user."
OF_THE_MACHINE: Mapping[int | None, str] = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EROFS: "{file} is on a read-only file system: work in a folder that can be written.",
    errno.EMFILE: "Too many files are open ({file}): raise the limit, such as `ulimit -n 4096`.",
}
"""The system's number of an error that is not the driver's → what is said."""


def in_words(error: Exception) -> DriverError:
    """Any exception as an error of the driver.

    A fault of the driver itself is a sentence too; its traceback goes to a file, for a report.
    """
    if isinstance(error, DriverError):
        return error
    if isinstance(error, SettingsError):
        return ConfigurationError("Wrong settings:", error.problems)
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, BotoCoreError):
        return DriverError(f"AWS can't be asked: {advised(str(error))}")
    if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
        file = error.filename or "no file named"
        return DriverError(OF_THE_MACHINE[error.errno].format(file=file))
    return _fault(error)


def _refused(error: ClientError) -> DriverError:
    code = error.response.get("Error", {}).get("Code", "")
    said = f"{error.response['Error'].get('Message', code)} ({code})"
    kind = ConfigurationError if remedy(said) else DriverError
    return kind(advised(f"{error.operation_name} was refused: {said}"))


@contextmanager
def after_changes() -> Iterator[None]:
    """Run a block in which changes are made already: a call that AWS refuses is a failure of it.

    Raises:
        DriverError: AWS refused a call or did not answer; exit code 1.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DriverError(in_words(error).message, [AGAIN]) from error


def _fault(error: Exception) -> DriverError:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" ({frame.filename}:{frame.lineno})" for frame in last)
    words = f"A fault of the driver: {type(error).__name__}: {error}{place}."
    file = paths.cache_dir() / "fault.txt"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(traceback.format_exception(error)))
    except OSError as why:
        return DriverError(f"{words} The traceback can't be written: {why}")
    return DriverError(f"{words} The traceback is in {file}.")

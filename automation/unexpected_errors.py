"""Exceptions that no command expects, in words: the cloud's, the machine's, and our own faults."""

from __future__ import annotations

import errno
import traceback

from botocore.exceptions import BotoCoreError, ClientError

from automation import paths
from automation.errors import ConfigurationError, DriverError
from infra.settings.model import SettingsError


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
        return DriverError(f"AWS can't be asked: {error}")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return DriverError(f"The disk is full ({error.filename or 'no file named'}): free some.")
    return _fault(error)


def _refused(error: ClientError) -> DriverError:
    code = error.response.get("Error", {}).get("Code", "")
    words = f"{error.operation_name} was refused: {error.response['Error'].get('Message', code)}"
    if code in {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId"}:
        return ConfigurationError(f"{words} ({code}): log in again, for example `aws sso login`.")
    return DriverError(f"{words} ({code})")


def _fault(error: Exception) -> DriverError:
    file = paths.cache_dir() / "fault.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(traceback.format_exception(error)))
    last = traceback.extract_tb(error.__traceback__)[-1]
    return DriverError(
        f"A fault of the driver: {type(error).__name__}: {error} "
        f"({last.filename}:{last.lineno}). The traceback is in {file}."
    )

"""What holds for every test."""

from __future__ import annotations

import gc
import os
import pickle
import signal
from functools import cache
from typing import Any

import botocore.session
from botocore.loaders import Loader

# A job in the background of a shell begins with SIGINT ignored, and hands that on to its children;
# the tests of Ctrl-C want it as it is in a terminal.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What is imported stays until the end, millions of objects: the collector need not look through it
# again and again, which took a quarter of the processor time of all unit tests.
gc.set_threshold(100_000, 20, 100)


class _ModelsOfAll(Loader):
    """Reads what all sessions share: each test has sessions of its own, and parsing is slow."""

    def load_service_model(
        self, service_name: str, type_name: str, *version: Any, **more: Any
    ) -> Any:
        if (service_name, type_name) == ("s3", "service-2"):  # a client of S3 changes its model
            return pickle.loads(self._model_of_s3(*version, **more))  # noqa: S301 - from below
        return super().load_service_model(service_name, type_name, *version, **more)

    @cache  # noqa: B019 - one loader lives as long as the tests
    def _model_of_s3(self, *version: Any, **more: Any) -> bytes:
        """Reading this takes an eighth of the time of a deep copy."""
        return pickle.dumps(super().load_service_model("s3", "service-2", *version, **more))


@cache
def _loader(data_path: str | None = None) -> Loader:
    """botocore's `create_loader`, which makes a new one for each session."""
    return _ModelsOfAll(data_path.split(os.pathsep) if data_path else None)


botocore.session.create_loader = _loader


def pytest_collection_finish() -> None:
    """Leave the modules and the collected tests out of every later look for garbage."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Leave what the tests have made to the end of the process, and look through none of it."""
    gc.freeze()

"""The emulator's state on disk: a snapshot after every change, brought back at the next start.

moto's backends refer to each other, so one snapshot holds all of them.
"""

from __future__ import annotations

import io
import json
import logging
import pickle
import platform
import sys
import threading
import time
from pathlib import Path
from typing import Any

import moto

from localcloud.emulator.emulator import EMULATED, Emulator, backends
from localcloud.emulator.pickling import Writer
from localcloud.shared.state_file import write_atomically

log = logging.getLogger("localcloud.emulator.persistence")

UNPICKLABLE = (TypeError, AttributeError, pickle.PicklingError, ValueError)
DEBOUNCE_SECONDS = 0.3
STREAMING = ("PutLogEvents", "PutMetricData", "SetAlarmState")
STREAMING_SECONDS = 10.0
ATTEMPTS = 3
# What a backend dictionary has by itself; anything else in it is state.
BACKEND_DICT_ATTRIBUTES = {
    "backend",
    "service_name",
    "_use_boto3_regions",
    "_additional_regions",
    "_id",
}

_State = dict[str, dict[str, Any]]


def _collect() -> _State:
    """moto's backends as they are: service → its regions by account, and its own attributes."""
    found: _State = {}
    for service, name in EMULATED.items():
        if f"moto.{name}.models" not in sys.modules:
            continue  # nobody has used it
        dictionary = backends(service)
        found[service] = {
            "backends": {
                (account, region): backend
                for account, region, backend in dictionary.iter_backends()
            },
            "attributes": {
                name: value
                for name, value in vars(dictionary).items()
                if name not in BACKEND_DICT_ATTRIBUTES
            },
        }
    return found


def _install(state: _State) -> None:
    for service, parts in state.items():
        dictionary = backends(service)
        for (account, region), backend in parts["backends"].items():
            dictionary[account][region] = backend
        vars(dictionary).update(parts["attributes"])


def versions() -> dict[str, str]:
    """What a snapshot is bound to."""
    return {"moto": moto.__version__, "python": platform.python_version()}


class Snapshots:
    """Keeps the emulator's state in a folder.

    Args:
        folder: where the snapshot and the objects' contents are.
        emulator: whose lock a snapshot is taken under.
    """

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self._folder = folder
        self._contents = folder / "objects"
        self._contents.mkdir(parents=True, exist_ok=True)
        self._emulator = emulator
        self._dirty = threading.Event()
        self._ended = threading.Event()
        self._saving = threading.Lock()
        self._lines_waiting = False
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    @property
    def _file(self) -> Path:
        return self._folder / "snapshot.pickle"

    @property
    def _facts_file(self) -> Path:
        return self._folder / "snapshot.json"

    def start(self) -> None:
        """Begins to save what changes."""
        self._thread.start()

    def stop(self) -> None:
        """Saves the last changes."""
        if not self._thread.is_alive():
            return  # never started: what is on disk was not read either
        self._ended.set()
        self._dirty.set()
        self._thread.join()
        self.save()

    def changed(self, service: str, operation: str) -> None:
        """Notes that a service's state may have changed; it is saved within a second.

        Log events and metrics come all the time, so they alone are saved every few seconds.
        """
        if service not in EMULATED:
            return
        self._lines_waiting = True
        if operation not in STREAMING:
            self._dirty.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            changed = self._dirty.wait(STREAMING_SECONDS)
            if not changed and not self._lines_waiting:
                continue
            self._ended.wait(DEBOUNCE_SECONDS)
            self._dirty.clear()
            self._lines_waiting = False
            try:
                self.save()
            except Exception:  # the process must go on; the next change tries again
                log.exception("the emulator's state could not be saved")

    def save(self) -> None:
        """Writes a snapshot; objects that are in it no longer lose their files."""
        with self._saving:
            with self._emulator.lock:
                content, kept, unsaved = self._dump()
            facts = {**versions(), "unsaved": unsaved}
            write_atomically(self._facts_file, json.dumps(facts).encode())
            write_atomically(self._file, content)
            for file in self._contents.iterdir():
                if file.name not in kept:
                    file.unlink()

    def _dump(self) -> tuple[bytes, set[str], list[str]]:
        """The snapshot, the objects in it, and the services that can't be saved."""
        state = _collect()
        unsaved: list[str] = []
        try:
            return *self._write(state), unsaved
        except UNPICKLABLE as error:
            log.error("a part of the emulator's state can't be saved: %s", error)
        for service in list(state):
            try:
                self._write({service: state[service]})
            except UNPICKLABLE as error:
                log.error("the state of %s can't be saved: %s", service, error)
                unsaved.append(service)
                del state[service]
        return *self._write(state), unsaved

    def _write(self, state: _State) -> tuple[bytes, set[str]]:
        for attempt in range(1, ATTEMPTS + 1):
            stream = io.BytesIO()
            writer = Writer(stream, self._contents)
            try:
                writer.dump(state)
                break
            except RuntimeError:  # a waiting call, outside the lock, changed a dictionary
                if attempt == ATTEMPTS:
                    raise
                time.sleep(0.05)
        return stream.getvalue(), writer.kept

    def restore(self) -> str | None:
        """Brings the last snapshot back.

        Returns:
            What is lost, in words; None where nothing is.
        """
        if not self._file.exists():
            return None
        facts = json.loads(self._facts_file.read_text())
        unsaved = facts.pop("unsaved")
        try:
            state = pickle.loads(self._file.read_bytes())  # noqa: S301 -- our own, owner's alone
        except Exception as error:
            aside = self._file.with_suffix(".unreadable")
            self._file.replace(aside)
            log.exception("the emulator's state could not be read")
            return (
                f"The local cloud's state could not be read ({type(error).__name__}: {error}; "
                f"saved with {facts}, read with {versions()}). Everything but images and ECS's own "
                f"records is gone; it was set aside as {aside}. Run `refresh`, then `up`."
            )
        _install(state)
        if unsaved:
            return (
                f"What {', '.join(unsaved)} held could not be saved and is gone since the restart. "
                "Run `refresh`, then `up`."
            )
        return None

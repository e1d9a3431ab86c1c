"""The emulator's state on disk: a snapshot after every change, brought back at the next start.

moto's backends refer to each other, so one snapshot holds all of them. What pickle can't take
as it is (keys, locks, functions made on the spot) is taken apart here; the contents of S3's
objects are files of their own, since they are large and never change.
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
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import moto
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from moto.logs.models import LogEvent, LogStream
from moto.s3.models import FakeKey

from localcloud.emulator import EMULATED, Emulator, backends
from localcloud.files import write_atomically

log = logging.getLogger("localcloud.persistence")

UNPICKLABLE = (TypeError, AttributeError, pickle.PicklingError, ValueError)
DEBOUNCE_SECONDS = 0.3
STREAMING = ("PutLogEvents", "PutMetricData", "SetAlarmState")
STREAMING_SECONDS = 10.0
ATTEMPTS = 3
LOCK_TYPES = (type(threading.Lock()), type(threading.RLock()), threading.Condition)
# What a backend dictionary has by itself; anything else in it is state.
BACKEND_DICT_ATTRIBUTES = {
    "backend",
    "service_name",
    "_use_boto3_regions",
    "_additional_regions",
    "_id",
}

_State = dict[str, dict[str, Any]]


def _load_private_key(pem: bytes) -> PrivateKeyTypes:
    return serialization.load_pem_private_key(pem, password=None)


def _load_certificate(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _new_lock(kind: str) -> Any:
    return {"lock": threading.Lock, "RLock": threading.RLock, "Condition": threading.Condition}[
        kind
    ]()


def _take_apart(value: Any) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """How to make a value again that pickle can't take; None for all that it can."""
    if isinstance(value, LOCK_TYPES):
        return _new_lock, (type(value).__name__,)
    if isinstance(value, x509.Certificate):
        return _load_certificate, (value.public_bytes(serialization.Encoding.DER),)
    if hasattr(value, "private_bytes"):
        pem = value.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return _load_private_key, (pem,)
    return None


def _own_dictionary(value: dict[Any, Any]) -> Any:
    """A dictionary class of moto's: filled without its own methods, which do more than keep."""
    factory = value.default_factory if isinstance(value, defaultdict) else None
    state = (dict(dict.items(value)), vars(value), factory)
    return type(value).__new__, (type(value),), state, None, None, _fill_dictionary


def _fill_dictionary(value: dict[Any, Any], state: tuple[Any, Any, Any]) -> None:
    rows, attributes, factory = state
    dict.update(value, rows)
    vars(value).update(attributes)
    if isinstance(value, defaultdict):
        value.default_factory = factory


def _log_stream(stream: LogStream) -> Any:
    """A log stream with its events as tuples: of tens of thousands, pickle takes those at once."""
    state = vars(stream).copy()
    events = [(e.event_id, e.ingestion_time, e.timestamp, e.message) for e in state.pop("events")]
    return LogStream.__new__, (LogStream,), (state, events), None, None, _fill_log_stream


def _fill_log_stream(stream: LogStream, state: tuple[dict[str, Any], list[Any]]) -> None:
    attributes, events = state
    vars(stream).update(attributes)
    stream.events = [_log_event(*event) for event in events]


def _log_event(number: int, ingested: int, timestamp: int, message: str) -> LogEvent:
    event: Any = LogEvent.__new__(LogEvent)
    event.event_id = number
    event.ingestion_time = ingested
    event.timestamp = timestamp
    event.message = message
    return event  # type: ignore[no-any-return]


class _Writer(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles backends; the contents of objects go to files in `contents`."""

    def __init__(self, stream: io.BytesIO, contents: Path) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self._contents = contents
        self.kept: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FakeKey):
            return self._object(obj)
        if isinstance(obj, LogStream):
            return _log_stream(obj)
        if isinstance(obj, dict) and type(obj).__module__.startswith("moto."):
            return _own_dictionary(obj)
        parts = _take_apart(obj)
        return super().reducer_override(obj) if parts is None else parts

    def _object(self, key: FakeKey) -> Any:
        state = key.__dict__.copy()
        for name in ("_value_buffer", "lock"):
            del state[name]
        if key._value_buffer.closed:  # it was deleted
            return _closed_object, (type(key), state)
        name = f"{key.etag.strip(chr(34))}-{key.contentsize}"
        file = self._contents / name
        if not file.exists():
            write_atomically(file, key.value)
        self.kept.add(name)
        return _object, (type(key), state, str(file))


def _object(kind: type[FakeKey], state: dict[str, Any], file: str) -> FakeKey:
    key: Any = kind.__new__(kind)
    key.__setstate__({**state, "value": Path(file).read_bytes()})
    return key  # type: ignore[no-any-return]


def _closed_object(kind: type[FakeKey], state: dict[str, Any]) -> FakeKey:
    key: Any = kind.__new__(kind)
    key.__setstate__({**state, "value": b""})
    key.dispose()
    return key  # type: ignore[no-any-return]


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
            writer = _Writer(stream, self._contents)
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

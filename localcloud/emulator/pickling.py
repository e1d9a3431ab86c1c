"""How moto's backends are pickled, where pickle can't take them as they are.

Keys, locks and functions made on the spot are taken apart; log events, of which there are tens of
thousands, become tuples; the contents of S3's objects are files of their own, since they are large
and never change. Reading needs nothing but `pickle.loads`.
"""

from __future__ import annotations

import io
import pickle
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from moto.logs.models import LogEvent, LogStream
from moto.s3.models import FakeKey

from localcloud.shared.state_file import write_atomically

LOCK_TYPES = (type(threading.Lock()), type(threading.RLock()), threading.Condition)


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


class Writer(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles backends; the contents of objects go to files.

    Args:
        stream: what is written to.
        contents: the folder of the objects' files.

    Attributes:
        kept: the names of the files that the pickle needs.
    """

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

"""The container that holds a task's network: a task's containers share its namespace.

Its image holds one program that waits for ever, written here byte by byte, since no image
registry need be in reach. As process 1 without handlers it ends by SIGKILL alone.
"""

from __future__ import annotations

import io
import struct
import tarfile
from typing import Any

IMAGE = "fargate-cd-sandbox:1"

# Docker's architecture → (ELF machine, code). x86-64: `1: mov $34,%eax; syscall; jmp 1b` (pause);
# arm64: `mov x0..x3,#0; mov x8,#73; svc #0; b` back to its start (ppoll without end).
_PROGRAMS: dict[str, tuple[int, bytes]] = {
    "x86_64": (62, bytes.fromhex("b8220000000f05ebf7")),
    "aarch64": (
        183,
        struct.pack(
            "<7I",
            0xD2800000,
            0xD2800001,
            0xD2800002,
            0xD2800003,
            0xD2800928,
            0xD4000001,
            0x17FFFFFA,
        ),
    ),
}
_BASE = 0x400000
_HEADERS = 64 + 56


def program(architecture: str) -> bytes:
    """An ELF executable that does nothing but wait.

    Raises:
        KeyError: the architecture is neither x86_64 nor aarch64.
    """
    machine, code = _PROGRAMS[architecture]
    size = _HEADERS + len(code)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01".ljust(16, b"\0"),
        2,
        machine,
        1,
        _BASE + _HEADERS,
        64,
        0,
        0,
        64,
        56,
        1,
        64,
        0,
        0,
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + code


def ensure_image(client: Any) -> None:
    """Import the sandbox's image into Docker unless it is there."""
    if client.images.list(name=IMAGE):
        return
    content = program(client.info()["Architecture"])
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("wait")
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    repository, tag = IMAGE.split(":")
    client.api.import_image_from_data(
        archive.getvalue(), repository=repository, tag=tag, changes=['ENTRYPOINT ["/wait"]']
    )

"""The health checks themselves: one thread, one event loop, every target in its interval."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.elb.health import FAILED, TIMED_OUT, Observation, judged
from localcloud.elb.model import HealthCheck

log = logging.getLogger("localcloud.elb")

LARGEST_ANSWER = 1_000_000
"""Bytes that are read of an answer to a health check."""

GOODBYE_SECONDS = 1.0
STOPPING_SECONDS = 10


@dataclass(frozen=True)
class Probe:
    """One target to check: its identity, its address and how to ask it."""

    key: tuple[str, str, int]
    address: str
    port: int
    check: HealthCheck


def _unverified() -> ssl.SSLContext:
    """Load balancers do not verify the certificates of their targets.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_TLS = _unverified()


async def _status(probe: Probe) -> int:
    """Ask the target once.

    Raises:
        OSError: it can't be reached.
        ValueError: what it answers is not HTTP.
    """
    tls = _TLS if probe.check.protocol == "HTTPS" else None
    reader, writer = await asyncio.open_connection(probe.address, probe.port, ssl=tls)
    try:
        writer.write(
            f"GET {probe.check.path} HTTP/1.1\r\nHost: {probe.address}:{probe.port}\r\n"
            "User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        line = (await reader.readline()).decode("latin-1").split(" ", 2)
        if len(line) < 2 or not line[0].startswith("HTTP/1."):
            raise ValueError(f"not an HTTP answer: {line}")
        await _drain(reader)
        return int(line[1])
    finally:
        writer.close()


async def _drain(reader: asyncio.StreamReader) -> None:
    """Read the rest, so that the target does not see its connection reset for a short answer."""
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(reader.read(LARGEST_ANSWER), GOODBYE_SECONDS)


async def ask(probe: Probe) -> Observation:
    """Check a target once, within the check's timeout."""
    try:
        status = await asyncio.wait_for(_status(probe), probe.check.timeout)
    except TimeoutError:
        return TIMED_OUT
    except (OSError, ValueError):
        return FAILED
    return judged(status, probe.check.matcher)


class Checker:
    """Checks targets until told otherwise, and reports every outcome.

    Args:
        report: called in the checker's thread with a target's key and the outcome.
    """

    def __init__(self, report: Callable[[tuple[str, str, int], Observation], None]) -> None:
        self._report = report
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="elb-health", daemon=True
        )
        self._running: dict[Probe, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End all checks and the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(STOPPING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOPPING_SECONDS)
        self._loop.close()

    def watch(self, probes: frozenset[Probe]) -> None:
        """Check these targets from now on and no others; those checked already go on."""
        self._loop.call_soon_threadsafe(self._replace, probes)

    async def _end(self) -> None:
        """Cancel every check and wait until it has ended."""
        ending = list(self._running.values())
        self._replace(frozenset())
        await asyncio.gather(*ending, return_exceptions=True)

    def _replace(self, probes: frozenset[Probe]) -> None:
        for probe in self._running.keys() - probes:
            self._running.pop(probe).cancel()
        for probe in probes - self._running.keys():
            task = self._loop.create_task(self._repeat(probe))
            task.add_done_callback(_tell)
            self._running[probe] = task

    async def _repeat(self, probe: Probe) -> None:
        while True:
            began = self._loop.time()
            observation = await ask(probe)
            await self._loop.run_in_executor(None, self._report, probe.key, observation)
            await asyncio.sleep(max(0.0, began + probe.check.interval - self._loop.time()))


def _tell(task: asyncio.Task[None]) -> None:
    """Log what ended the checks of a target, unless they were told to end."""
    if not task.cancelled() and task.exception() is not None:
        log.error("the health checks of a target ended", exc_info=task.exception())

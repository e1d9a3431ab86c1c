"""A steady load of keep-alive clients, that counts what each request came to."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

ANSWER_SECONDS = 30


@dataclass
class Outcome:
    """What a load came to.

    Attributes:
        answered: requests by status code.
        bodies: answers by their body, which tells who answered.
        lost: requests without a complete answer, by what went wrong.
        connections: connections that were opened.
        seconds: the duration of every answered request.
    """

    answered: Counter[int] = field(default_factory=Counter)
    bodies: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Requests that were lost or answered with another code than 2xx."""
        wrong = sum(number for status, number in self.answered.items() if status // 100 != 2)
        return wrong + self.lost.total()


class Load:
    """Clients that ask one after the other on connections that they keep.

    Args:
        host: the load balancer's address.
        port: its port.
        clients: how many.
        pause: seconds between an answer and the client's next request.
        path: what they ask for.
    """

    def __init__(
        self, host: str, port: int = 80, clients: int = 8, pause: float = 0.01, path: str = "/"
    ) -> None:
        self._host, self._port, self._path = host, port, path
        self._clients, self._pause = clients, pause
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.outcome = Outcome()

    def __enter__(self) -> Outcome:
        self._thread.start()
        return self.outcome

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join(ANSWER_SECONDS + 5)

    async def _run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self._clients)))

    async def _client(self) -> None:
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._ending.is_set():
            try:
                if streams is None:
                    streams = await asyncio.open_connection(self._host, self._port)
                    self.outcome.connections += 1
                keep = await asyncio.wait_for(self._ask(*streams), ANSWER_SECONDS)
            except (OSError, EOFError, ValueError) as error:
                self.outcome.lost[type(error).__name__] += 1
                keep = False
            if not keep and streams is not None:
                streams[1].close()
                streams = None
            await asyncio.sleep(self._pause)
        if streams is not None:
            streams[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection is kept."""
        began = time.perf_counter()
        writer.write(f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.outcome.seconds.append(time.perf_counter() - began)
        self.outcome.answered[int(head[0].split(" ")[1])] += 1
        self.outcome.bodies[body.decode(errors="replace")] += 1
        return headers.get("connection") != "close"

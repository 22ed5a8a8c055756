"""A plain HTTP client that costs as little as possible, so that the server is what is measured."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of many requests: how many a second, and the seconds that each took."""

    per_second: float
    latencies_s: list[float]


class Connection:
    """One connection that is kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes) -> int:
        """Send one request; the status of its answer."""
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in answer.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        await self._reader.readexactly(length)
        return int(answer.split(b" ", 2)[1])

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def burst(port: int, requests: Sequence[tuple[str, bytes]], *, at_once: int) -> Burst:
    """POST every (path, body) over `at_once` connections, each sending its next when the last was answered.

    Raises:
        RuntimeError: an answer was not 200.
    """
    connections = [await Connection.open(port) for _ in range(at_once)]
    latencies: list[float] = []
    left = iter(requests)
    began = time.perf_counter()
    await asyncio.gather(*(_work(connection, left, latencies) for connection in connections))
    spent_s = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return Burst(len(requests) / spent_s, latencies)


async def _work(connection: Connection, left: Iterator[tuple[str, bytes]], latencies: list[float]) -> None:
    for path, body in left:
        sent = time.perf_counter()
        status = await connection.post(path, body)
        if status != 200:
            raise RuntimeError(f"a callback was answered with {status}")
        latencies.append(time.perf_counter() - sent)

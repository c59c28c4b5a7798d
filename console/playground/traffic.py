"""Send requests to the product's public address and count every one that fails. A process of its own.

Requests leave at their rate however slowly they are answered, up to 64 in flight: a machine that cannot keep up sends
fewer (`held_back` counts them) instead of drowning the product in its own load.

Each line on stdin is a JSON object that may change `rps` and `keep_alive_share`; each is answered by one line on
stdout with everything counted so far. The end of stdin ends the process.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import time
from bisect import bisect_left
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

TIMEOUT_S = 5.0
MAX_RPS = 2000.0
MAX_IN_FLIGHT = 64
LATENCY_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_LAST_FAILURES = 20
_TICK_S = 0.01
_NOBODY = "none"


@dataclass(frozen=True)
class Failure:
    """One failed request: Unix time, reason, the release that answered and its status, as far as there were any."""

    at: float
    reason: str
    release: str | None
    status: int | None


@dataclass
class Totals:
    """Everything counted since the start. `latency_ms` has one count more than there are bounds: the rest."""

    requests: int = 0
    failed: int = 0
    held_back: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)
    by_release: dict[str, dict[str, int]] = field(default_factory=dict)
    latency_ms: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_MS) + 1))
    failures: deque[Failure] = field(default_factory=lambda: deque(maxlen=_LAST_FAILURES))

    def count(self, reason: str | None, release: str | None, status: int | None, latency_s: float) -> None:
        """Count one finished request; `reason` is None when it succeeded."""
        self.requests += 1
        self.latency_ms[bisect_left(LATENCY_BOUNDS_MS, latency_s * 1000)] += 1
        of_release = self.by_release.setdefault(release or _NOBODY, {"requests": 0, "failed": 0})
        of_release["requests"] += 1
        if reason is not None:
            self.failed += 1
            of_release["failed"] += 1
            self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
            self.failures.append(Failure(time.time(), reason, release, status))

    def as_json(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return {**asdict(self), "failures": [asdict(failure) for failure in self.failures]}


class _Exchange(asyncio.Protocol):
    """One connection to the edge, good for one request at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[tuple[int, str | None, bool]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, request: bytes) -> "asyncio.Future[tuple[int, str | None, bool]]":
        """Send a request; the result is status, release, and whether the connection may be used again."""
        assert self.transport is not None
        self._received = b""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or self._answer is None or self._answer.done():
            return
        status, headers = _parse_head(head)
        length = headers.get("content-length")
        if length is not None and len(body) < int(length):
            return
        reusable = length is not None and headers.get("connection", "").lower() != "close"
        self._answer.set_result((status, headers.get("x-release"), reusable))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionAbortedError())


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split(" ", 2)[1]), headers


class Load:
    """The load on one address. `rps` and `keep_alive_share` (0..1) may be changed at any time."""

    def __init__(self, port: int, rps: float, keep_alive_share: float) -> None:
        self._port = port
        self.rps = rps
        self.keep_alive_share = keep_alive_share
        self.totals = Totals()
        self._idle: list[_Exchange] = []
        self._running: set[asyncio.Task[None]] = set()
        self._random = random.Random()  # noqa: S311 - a mix of requests needs no secrecy

    async def run(self) -> None:
        """Send requests for ever."""
        owed, last = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            moment = time.monotonic()
            # After a pause of the machine at most a second's worth is sent at once.
            owed = min(owed + (moment - last) * self.rps, max(self.rps, 1.0))
            last = moment
            while owed >= 1:
                owed -= 1
                if len(self._running) >= MAX_IN_FLIGHT:
                    self.totals.held_back += 1
                    continue
                task = asyncio.create_task(self.send_one())
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def send_one(self) -> None:
        """Send one request of the mix, and count it."""
        keeps = self._random.random() < self.keep_alive_share
        request = self.pick(keeps)
        began = time.monotonic()
        reason: str | None = None
        release: str | None = None
        status: int | None = None
        exchange: _Exchange | None = None
        is_reusable = False
        try:
            async with asyncio.timeout(TIMEOUT_S):
                exchange = self._take_idle() if keeps else None
                if exchange is None:
                    loop = asyncio.get_running_loop()
                    _, exchange = await loop.create_connection(_Exchange, "127.0.0.1", self._port)
                status, release, is_reusable = await exchange.send(request)
            if status >= 500:
                reason = f"status {status}"
        except TimeoutError:
            reason = "timeout"
        except ConnectionRefusedError:
            reason = "refused"
        except ConnectionResetError:
            reason = "reset"
        except (OSError, ValueError) as error:
            reason = "cut" if isinstance(error, ConnectionAbortedError) else type(error).__name__
        if exchange is not None and exchange.transport is not None:
            if keeps and is_reusable and reason is None:
                self._idle.append(exchange)
            else:
                exchange.transport.abort() if reason == "timeout" else exchange.transport.close()
        self.totals.count(reason, release, status, time.monotonic() - began)

    def _take_idle(self) -> _Exchange | None:
        while self._idle:
            exchange = self._idle.pop()
            if exchange.transport is not None and not exchange.transport.is_closing():
                return exchange
        return None

    def pick(self, keeps: bool) -> bytes:
        """Pick what to send next; `keeps` says whether its connection is to be kept."""
        ending = "" if keeps else "Connection: close\r\n"
        toss = self._random.random()
        if toss < 0.8:
            return f"GET /api/items HTTP/1.1\r\nHost: shop\r\n{ending}\r\n".encode()
        if toss < 0.9:
            return f"GET / HTTP/1.1\r\nHost: shop\r\n{ending}\r\n".encode()
        body = '{"quantity": 1}'
        return (
            f"POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{ending}\r\n{body}"
        ).encode()


async def _obey(load: Load) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        told = json.loads(line)
        load.rps = min(max(float(told.get("rps", load.rps)), 0.0), MAX_RPS)
        load.keep_alive_share = float(told.get("keep_alive_share", load.keep_alive_share))
        answer = {"rps": load.rps, "keep_alive_share": load.keep_alive_share, **load.totals.as_json()}
        os.write(1, json.dumps(answer).encode() + b"\n")


async def _main(port: int, rps: float, keep_alive_share: float) -> None:
    load = Load(port, rps, keep_alive_share)
    sending = asyncio.create_task(load.run())
    await _obey(load)
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending


def main() -> None:
    """Read the arguments and send until stdin ends."""
    parser = argparse.ArgumentParser(prog="traffic")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rps", type=float, default=50.0)
    parser.add_argument("--keep-alive-share", type=float, default=0.0)
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.port, arguments.rps, arguments.keep_alive_share))


if __name__ == "__main__":
    main()

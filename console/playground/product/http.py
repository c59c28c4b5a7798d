"""Serve HTTP/1.1 with nothing but asyncio: one request a connection, bodies of known length only.

A platform's load balancer stands in front and opens a connection for each request, so keep-alive would only add
the race between an idle connection's end and the next request.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

_REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error"}
_MAX_HEAD = 16_384
_MAX_BODY = 65_536
# After the load balancer has been switched away, requests that it accepted just before may still arrive.
LINGER_S = 0.25


@dataclass(frozen=True)
class Request:
    """What was asked: method, path without its query, and the whole body."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True)
class Response:
    """What is answered; `headers` come on top of length, type and connection."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


class _Connection(asyncio.Protocol):
    def __init__(self, server: "HttpServer") -> None:
        self._server = server
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._asked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._asked or self._transport is None:
            return
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            if len(self._received) > _MAX_HEAD:
                self._transport.close()
            return
        first, *lines = bytes(self._received[:head_end]).decode("latin-1").split("\r\n")
        length = next((int(line[15:]) for line in lines if line[:15].lower() == "content-length:"), 0)
        if length > _MAX_BODY:
            self._transport.close()
            return
        body = bytes(self._received[head_end + 4 :])
        if len(body) < length:
            return
        self._asked = True
        method, _, rest = first.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        self._server.answer(Request(method, path, body[:length]), self._transport)


class HttpServer:
    """One listening port on loopback; counts what is in flight so that `drain` can wait for it."""

    def __init__(self, handler: Handler, headers: dict[str, str]) -> None:
        self._handler = handler
        self._common = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._in_flight: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> None:
        """Begin to accept connections on 127.0.0.1.

        Raises:
            OSError: The port is in use.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=1024)

    def answer(self, request: Request, transport: asyncio.Transport) -> None:
        """Handle one request in a task of its own and close the connection after the reply."""
        task = asyncio.create_task(self._answer(request, transport))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _answer(self, request: Request, transport: asyncio.Transport) -> None:
        response = await self._handler(request)
        extra = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
        head = (
            f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}\r\n"
            f"Content-Type: {response.content_type}\r\nContent-Length: {len(response.body)}\r\n"
            f"Connection: close\r\n{self._common}{extra}\r\n"
        )
        transport.write(head.encode("latin-1") + response.body)
        transport.close()

    async def drain(self, grace_s: float) -> None:
        """Accept a little longer, then no more, and wait up to `grace_s` seconds for what is in flight."""
        await asyncio.sleep(LINGER_S)
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._in_flight:
                    await asyncio.wait(self._in_flight)

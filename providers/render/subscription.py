"""Render's live log: one WebSocket a resource, each text frame one line as `/logs` lists it.

Opening one is a GET with our token, counted against the same limit as reading. What opens sockets is a `Connector`,
so that nothing of WebSockets is loaded before somebody follows a log.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from console.domain.errors import ProviderError, RateLimited, Unauthorized
from providers.http import ProviderHttp
from providers.refusals import Refusals, read_words
from providers.render import wire
from providers.render.client import write_time
from providers.tail import Entry

READING = "reading"


class NoSocket(Exception):
    """No WebSocket could be opened. `status` is 0 where nobody answered the handshake."""

    def __init__(self, reason: str, status: int = 0, headers: Mapping[str, str] | None = None, body: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.headers = dict(headers or {})
        self.body = body


class Socket(Protocol):
    """One open WebSocket. `headers` are those of the handshake's answer, names in lower case."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    async def receive(self) -> str | None:
        """Wait for the next frame; None once the socket has ended, whatever ended it."""
        ...

    async def close(self) -> None:
        """End it. Twice is harmless."""
        ...


Connector = Callable[[str, Mapping[str, str]], Awaitable[Socket]]
"""Opens a WebSocket at an address with headers, or raises `NoSocket`."""


async def connect_by_network(address: str, headers: Mapping[str, str]) -> Socket:
    from providers.render.websocket import open_websocket

    return await open_websocket(address, headers)


class NotLive(Exception):
    """The live log cannot be had now. `refused` says that asking again soon is of no use."""

    def __init__(self, reason: str, wait: timedelta = timedelta(0), refused: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.refused = refused


class Subscription:
    """One live log while it lasts."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    async def receive(self) -> Entry | None:
        """Wait for the next line; None once the subscription has ended.

        Raises:
            NotLive: What comes is not log lines, so that they have to be had in another way.
        """
        frame = await self._socket.receive()
        if frame is None:
            return None
        try:
            entry = wire.parse_log_entry(json.loads(frame))
        except (ValueError, RecursionError):
            entry = None
        if entry is None:
            raise NotLive("a frame that is not a line of a log", refused=True)
        return entry

    async def close(self) -> None:
        await self._socket.close()


class Subscriptions:
    """Opens live logs with the token of a connection, within its rate limit."""

    def __init__(self, http: ProviderHttp, base_url: str, token: str, connect: Connector) -> None:
        self._http = http
        self._base = httpx.URL(base_url.rstrip("/") + "/logs/subscribe")
        self._token = token
        self._connect = connect
        self._refusals = Refusals(http.provider, http.platform, (), self._words, lambda response: False)

    async def open(self, owner: str, target: str, start: datetime) -> Subscription:
        """Subscribe to what a resource says from `start` on, by Render's clock.

        Raises:
            Unauthorized: Render does not let this token.
            NotLive: There is no live log now, for any other reason; lines can still be asked for by range.
        """
        asked = self._base.copy_merge_params({"ownerId": owner, "resource": target, "startTime": write_time(start)})
        wait = self._http.rates.wait(READING)
        if wait > timedelta(0):
            raise NotLive("the rate limit for reading is used up", wait)
        self._http.rates.spend(READING)
        scheme = "wss" if asked.scheme == "https" else "ws"
        try:
            socket = await self._connect(
                str(asked.copy_with(scheme=scheme)), {"authorization": f"Bearer {self._token}"}
            )
        except NoSocket as problem:
            raise self._refusal(asked, problem) from problem
        self._http.rates.learn(READING, socket.headers)
        return Subscription(socket)

    def _refusal(self, asked: httpx.URL, problem: NoSocket) -> ProviderError | NotLive:
        if not problem.status:
            return NotLive(self._http.redact(str(problem)))
        self._http.rates.learn(READING, problem.headers)
        headers = {name: value for name, value in problem.headers.items() if name != "content-encoding"}
        answer = httpx.Response(problem.status, headers=headers, content=problem.body.encode())
        error = self._refusals.of_status(httpx.Request("GET", asked), answer, self._http.clock())
        if isinstance(error, Unauthorized):
            return error
        wait = error.retry_after if isinstance(error, RateLimited) else timedelta(0)
        return NotLive(error.what, wait, refused=not error.transient)

    def _words(self, response: httpx.Response) -> str:
        return self._http.redact(read_words(response))

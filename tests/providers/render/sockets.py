"""WebSockets without a network: a `Connector` that speaks to the emulator itself, and its troubles."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from providers.render.subscription import NoSocket
from tests.playground.emulators.world import settle

ENDED = object()


class AppSocket:
    """One open WebSocket to an ASGI application."""

    def __init__(self, headers: Mapping[str, str], frames: asyncio.Queue[Any], running: asyncio.Task[None]) -> None:
        self.headers = headers
        self.frames = frames
        self._running = running
        self.is_closed = False

    async def receive(self) -> str | None:
        frame = await self.frames.get()
        return None if frame is ENDED else frame

    async def close(self) -> None:
        self.is_closed = True
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    def cut(self) -> None:
        """The connection breaks: nothing that comes later arrives."""
        self._running.cancel()
        self.frames.put_nowait(ENDED)


class Sockets:
    """Opens them. `asked` keeps every handshake, `opened` every socket."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.asked: list[httpx.Request] = []
        self.opened: list[AppSocket] = []
        self.trouble: list[NoSocket] = []
        """Each is raised once, before anything opens."""
        self.closed_for_good: NoSocket | None = None

    async def __call__(self, address: str, headers: Mapping[str, str]) -> AppSocket:
        url = httpx.URL(address)
        self.asked.append(httpx.Request("GET", url.copy_with(scheme="http"), headers=dict(headers)))
        if self.closed_for_good:
            raise self.closed_for_good
        if self.trouble:
            raise self.trouble.pop(0)
        return await self._open(url, headers)

    async def _open(self, url: httpx.URL, headers: Mapping[str, str]) -> AppSocket:
        frames: asyncio.Queue[Any] = asyncio.Queue()
        begun: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        connected = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not connected.is_set():
                connected.set()
                return {"type": "websocket.connect"}
            await asyncio.get_running_loop().create_future()
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                frames.put_nowait(message["text"])
            elif message["type"] == "websocket.close":
                frames.put_nowait(ENDED)
            else:
                begun.put_nowait(message)

        scope = {
            "type": "websocket",
            "path": url.path,
            "raw_path": url.raw_path,
            "root_path": "",
            "query_string": url.query,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        running = asyncio.create_task(self._app(scope, receive, send))
        await settle()
        first = begun.get_nowait()
        told = {name.decode().lower(): value.decode() for name, value in first.get("headers", ())}
        if first["type"] != "websocket.accept":
            raise NoSocket("no WebSocket", first["status"], told, begun.get_nowait()["body"].decode())
        self.opened.append(AppSocket(told, frames, running))
        return self.opened[-1]

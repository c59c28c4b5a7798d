"""Render's `/logs/subscribe`: a WebSocket on which every line that fits is one text frame.

Render ends subscriptions from time to time; clients come back with `startTime`, and get again what lies after it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.playground.emulators.clock import Clock
from console.playground.emulators.render_readings import Readings
from console.playground.emulators.wire import Refusal

LOOK_EVERY_S = 0.5
LASTS_S = 600.0
LATE_NS = 2_000_000_000
"""Lines of several processes come out of order, by less than this."""
GOING_AWAY = 1001


async def no_websocket(_: Request) -> Response:
    """Answer a plain GET of the same path."""
    raise Refusal(400, "Bad Request")


class LiveLogs:
    """Subscriptions to what the services say."""

    def __init__(self, readings: Readings, clock: Clock) -> None:
        self._readings = readings
        self._clock = clock

    async def open(self, request: Request) -> Callable[[WebSocket], Awaitable[None]]:
        """Refuse what cannot be subscribed to; else give the conversation that follows."""
        start = self._readings.start_of(request)
        self._readings.live(request, start)

        async def talk(websocket: WebSocket) -> None:
            leaving = asyncio.create_task(_gone(websocket))
            try:
                with suppress(WebSocketDisconnect):
                    await self._tell(websocket, request, start, leaving)
            finally:
                leaving.cancel()

        return talk

    async def _tell(self, websocket: WebSocket, request: Request, start: int, leaving: "asyncio.Task[None]") -> None:
        ends = self._clock.now() + LASTS_S
        told: dict[str, int] = {}
        since = start
        while not leaving.done():
            for at, line in self._readings.live(request, since):
                if line["id"] not in told:
                    told[line["id"]] = at
                    await websocket.send_text(json.dumps(line, separators=(",", ":")))
            since = max([start, *(at - LATE_NS for at in told.values())])
            told = {name: at for name, at in told.items() if at >= since}
            if self._clock.now() >= ends:
                await websocket.close(GOING_AWAY)
                return
            await self._wait(leaving)

    async def _wait(self, leaving: "asyncio.Task[None]") -> None:
        look = asyncio.create_task(self._clock.sleep(LOOK_EVERY_S))
        try:
            await asyncio.wait({look, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            look.cancel()


async def _gone(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass

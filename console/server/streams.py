"""Server-sent events: a response that costs nothing when its reader is slow, gone, or quiet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from console.client.wire import HEARTBEAT, Message, error_to_json
from console.domain.errors import ConsoleError

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
SEND_SECONDS = 20.0
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
]


@dataclass(frozen=True)
class Pace:
    """Seconds between signs of life, and how long one piece may take to be accepted before the reader is dropped."""

    heartbeat: float = HEARTBEAT_SECONDS
    send: float = SEND_SECONDS


async def with_heartbeat(
    source: AsyncIterator[Message], stopping: asyncio.Event, seconds: float
) -> AsyncIterator[bytes]:
    """Encode messages as they come, a comment when nothing comes for a while, and a goodbye when the worker stops."""
    ending = asyncio.ensure_future(stopping.wait())
    following = asyncio.ensure_future(anext(source))
    try:
        while True:
            done, _ = await asyncio.wait({following, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if following in done:
                try:
                    yield following.result().encode()
                except StopAsyncIteration:
                    return
                following = asyncio.ensure_future(anext(source))
            elif ending in done:
                yield Message("goodbye").encode()
                return
            else:
                yield HEARTBEAT
    finally:
        for task in (ending, following):
            task.cancel()
        await asyncio.gather(ending, following, return_exceptions=True)


class SseResponse:
    """An ASGI response. Nothing is queued for the reader beyond the socket's own buffer.

    A reader that does not take a piece within `pace.send` is cut off; it comes back with the number that it has.
    """

    def __init__(
        self,
        source: AsyncIterator[Message],
        stopping: asyncio.Event,
        abort: Callable[[], None],
        pace: Pace,
    ) -> None:
        self._source = source
        self._stopping = stopping
        self._abort = abort
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pumping = asyncio.ensure_future(self._pump(send))
        leaving = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait({pumping, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            pumping.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            with suppress(asyncio.CancelledError):
                await pumping

    async def _pump(self, send: Send) -> None:
        pieces = with_heartbeat(self._source, self._stopping, self._pace.heartbeat)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            async for piece in pieces:
                async with asyncio.timeout(self._pace.send):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            self._abort()
        except Exception as problem:
            await send({"type": "http.response.body", "body": _farewell(problem).encode()})
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]  # an async generator, typed as what it is used as
            close = getattr(self._source, "aclose", None)
            if close is not None:
                await close()


def _farewell(problem: Exception) -> Message:
    if not isinstance(problem, ConsoleError):
        log.exception("A stream failed")
        problem = ConsoleError("The worker failed on this stream.", "", "worker.log has the details.")
    return Message("error", error_to_json(problem))


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

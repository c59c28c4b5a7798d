"""What a platform that misbehaves says, and how its good answers are spoilt on the way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.playground.scene import Platform

SLOWEST_S = 15.0
"""The longest that a slow answer takes; clients of ours give up after 10 s."""
_ASK_AGAIN_S = 3
_NOT_SENT = 64
_GARBAGE = (
    (b"text/html", b"<html><head><title>502 Bad Gateway</title></head><body><h1>upstream sent"),
    (b"application/json", b'{"id": "dep-'),
)

Spoil = Callable[[ASGIApp, Scope, Receive, Send], Any]


class _Enough(Exception):
    """Nothing more of this answer is wanted."""


async def talk_nonsense(toss: float, send: Send) -> None:
    """Answer 200 with a web page or with half a document; `toss` (0..1) says which."""
    kind, body = _GARBAGE[int(toss * len(_GARBAGE)) % len(_GARBAGE)]
    await answer(send, 200, kind, body, {})


async def refuse_for_now(platform: Platform, send: Send) -> None:
    """Answer as the platform does when too much was asked, to be asked again in 3 seconds.

    Render and Supabase say seconds left, Vercel and GitHub the moment; only Vercel and GitHub send Retry-After.
    """
    moment = int(time.time()) + _ASK_AGAIN_S
    if platform == "render":
        names, reset = ("Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset"), _ASK_AGAIN_S
    elif platform == "supabase":
        names, reset = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"), _ASK_AGAIN_S
    else:
        names, reset = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"), moment
    headers = dict(zip(names, ("100", "0", str(reset)), strict=True))
    if platform in ("vercel", "github", "caddy"):
        headers["Retry-After"] = str(_ASK_AGAIN_S)
    if platform == "vercel":
        limit = {"remaining": 0, "reset": moment * 1000, "total": 100}
        body: dict[str, Any] = {"error": {"code": "rate_limited", "message": "Too many requests", "limit": limit}}
    elif platform == "github":
        body = {"message": "API rate limit exceeded", "documentation_url": "https://docs.github.com/rest"}
    else:
        body = {"message": "rate limit exceeded"}
    await answer(send, 429, b"application/json", json.dumps(body).encode(), headers)


async def fail(platform: Platform, status: int, send: Send) -> None:
    """Answer with an error status in the platform's own shape."""
    words = f"fault injected by the playground: {status}"
    body: dict[str, Any] = {"message": words}
    if platform == "vercel":
        body = {"error": {"code": "internal_server_error", "message": words}}
    elif platform == "caddy":
        body = {"error": words}
    await answer(send, status, b"application/json", json.dumps(body).encode(), {})


async def answer(send: Send, status: int, kind: bytes, body: bytes, extra: dict[str, str]) -> None:
    """Send one whole answer."""
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in extra.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def cut(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the app answer, and break the connection after half of it."""
    begun: list[Message] = []

    async def half(message: Message) -> None:
        if message["type"] == "http.response.start":
            begun.append(message)
        elif begun:
            start, body = begun.pop(), message.get("body", b"")
            promised = str(len(body) + _NOT_SENT).encode()
            kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await send({**start, "status": 200, "headers": [*kept, (b"content-length", promised)]})
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        _end_a_stream(message)

    await _until_enough(app, scope, receive, half)


async def empty(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the app answer, and pass on nothing but 200."""

    async def nothing(message: Message) -> None:
        if message["type"] == "http.response.start":
            await answer(send, 200, b"application/json", b"", {})
        _end_a_stream(message)

    await _until_enough(app, scope, receive, nothing)


def slowly(toss: Callable[[], float]) -> Spoil:
    """Let the app answer, and hold the answer back for up to `SLOWEST_S`."""

    async def spoil(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def later(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(toss() * SLOWEST_S)
            await send(message)

        await app(scope, receive, later)

    return spoil


async def never(receive: Receive) -> None:
    """Say nothing until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def nowhere(message: Message) -> None:
    """Drop what an app says."""
    _end_a_stream(message)


async def unheard(app: ASGIApp, scope: Scope, receive: Receive) -> None:
    """Let the app do what it was asked, and tell nobody."""
    await _until_enough(app, scope, receive, nowhere)


def _end_a_stream(message: Message) -> None:
    if message.get("more_body"):
        raise _Enough


async def _until_enough(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await app(scope, receive, send)
    except* _Enough:
        pass

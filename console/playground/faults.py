"""Make a platform's API misbehave: a middleware around each emulator, and the settings that switch it.

Faults concern the way to the platform, never what it does: what an emulator has begun goes on.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.domain.errors import UsageError
from console.playground.scene import Platform

_MUTATING = ("POST", "PUT", "PATCH", "DELETE")
_ASK_AGAIN_S = 3
_GARBAGE = (
    (b"text/html", b"<html><head><title>502 Bad Gateway</title></head><body><h1>upstream sent"),
    (b"application/json", b'{"id": "dep-'),
)


@dataclass(frozen=True)
class PlatformFault:
    """What one platform's API suffers.

    `rate` is the share of requests (0..1) that `status`, `garbage` or `rate_limit` strike; latency and hanging
    strike all. With `lose_replies` half of the struck requests that change something take effect first, and only
    their reply is lost.
    """

    status: int | None = None
    rate: float = 1.0
    latency_ms: int = 0
    hang: bool = False
    garbage: bool = False
    rate_limit: bool = False
    lose_replies: bool = False

    def as_json(self) -> dict[str, Any]:
        """Give the settings that differ from none."""
        none = asdict(PlatformFault())
        return {name: value for name, value in asdict(self).items() if value != none[name]}


def read_fault(told: dict[str, Any]) -> PlatformFault:
    """Read settings by name.

    Raises:
        UsageError: A name is unknown or a value is out of range.
    """
    known = {field.name for field in fields(PlatformFault)}
    unknown = sorted(set(told) - known)
    if unknown:
        raise UsageError(f"Unknown fault setting: {', '.join(unknown)}.", "", f"Known are {', '.join(sorted(known))}.")
    fault = PlatformFault(**told)
    if not 0 <= fault.rate <= 1:
        raise UsageError(f"The rate {fault.rate} is not a share.", "", "Give a number between 0 and 1.")
    if fault.status is not None and not 400 <= fault.status <= 599:
        raise UsageError(f"Status {fault.status} is no failure.", "", "Give a status from 400 to 599.")
    return fault


class FaultyApp:
    """An app that suffers `fault`, which may be replaced at any time."""

    def __init__(self, platform: Platform, app: ASGIApp, toss: Callable[[], float] = random.random) -> None:
        self._platform = platform
        self._app = app
        self._toss = toss
        self.fault = PlatformFault()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or make it suffer."""
        fault = self.fault
        if scope["type"] != "http" or fault == PlatformFault():
            await self._app(scope, receive, send)
            return
        if fault.latency_ms:
            await asyncio.sleep(fault.latency_ms / 1000)
        if fault.hang:
            await _until_gone(receive)
            return
        strikes = fault.status is not None or fault.garbage or fault.rate_limit
        if not strikes or self._toss() >= fault.rate:
            await self._app(scope, receive, send)
            return
        if fault.lose_replies and scope["method"] in _MUTATING and self._toss() < 0.5:
            await self._app(scope, receive, _nowhere)
        await self._refuse(fault, send)

    async def _refuse(self, fault: PlatformFault, send: Send) -> None:
        if fault.garbage:
            kind, body = _GARBAGE[int(self._toss() * len(_GARBAGE)) % len(_GARBAGE)]
            await _answer(send, 200, kind, body, {})
        elif fault.rate_limit:
            headers, body = _rate_limit(self._platform)
            await _answer(send, 429, b"application/json", body, headers)
        elif fault.status is not None:
            await _answer(send, fault.status, b"application/json", _error_body(self._platform, fault.status), {})


def _rate_limit(platform: Platform) -> tuple[dict[str, str], bytes]:
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
    return headers, json.dumps(body).encode()


def _error_body(platform: Platform, status: int) -> bytes:
    words = f"fault injected by the playground: {status}"
    if platform == "vercel":
        return json.dumps({"error": {"code": "internal_server_error", "message": words}}).encode()
    if platform == "caddy":
        return json.dumps({"error": words}).encode()
    return json.dumps({"message": words}).encode()


async def _answer(send: Send, status: int, kind: bytes, body: bytes, extra: dict[str, str]) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in extra.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _nowhere(message: Message) -> None:
    del message


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""One HTTP question and its answer, as far as a probe needs it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import httpx

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
LARGEST_BODY = 1024 * 1024
"""Bytes of a body in which an expected text is looked for; the rest is read and thrown away."""
AT_ONCE = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=2.0)
"""Idle connections go after 2 s: servers close theirs from 5 s on, and a probe must not fall into that moment."""


@dataclass(frozen=True)
class Answer:
    """`latency` is seconds until the whole answer was read; `expires` is the end of the server's certificate."""

    status: int
    text: str
    location: str
    latency: float
    expires: datetime | None = None


class NoAnswer(Exception):
    """There was none; `reason` says why in a few words."""

    def __init__(self, reason: str, latency: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.latency = latency


class WebClient:
    """Asks each question once: no redirects, no repetition, no proxy of the environment."""

    def __init__(
        self,
        *,
        headers: Mapping[str, str],
        fresh: bool,
        verify: bool,
        transport: httpx.AsyncBaseTransport | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._fresh = fresh
        self._timer = timer
        self._build: Callable[[], httpx.AsyncClient] = lambda: httpx.AsyncClient(
            headers={"user-agent": "quarterdeck-probe", **headers, **({"connection": "close"} if fresh else {})},
            verify=verify,
            transport=transport,
            limits=AT_ONCE,
            timeout=None,  # noqa: S113 - `ask` limits the whole exchange
            trust_env=False,
        )
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def ask(self, method: str, url: str, timeout: timedelta, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        """Raises NoAnswer, and nothing else."""
        # Built at the first question: loading the certificates takes tens of milliseconds.
        self._client = self._client or self._build()
        began = self._timer()
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._ask(self._client, method, url, headers, began)
        except (TimeoutError, httpx.TimeoutException):
            reason = f"no answer within {timeout.total_seconds():g} s"
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as problem:
            reason = _explain(problem)
        raise NoAnswer(reason, self._timer() - began)

    async def _ask(
        self, client: httpx.AsyncClient, method: str, url: str, headers: Mapping[str, str], began: float
    ) -> Answer:
        async with client.stream(method, url, headers=dict(headers)) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                if len(body) < LARGEST_BODY:
                    body += chunk
            expires = _expiry(response)
        latency = self._timer() - began
        text = bytes(body[:LARGEST_BODY]).decode(response.encoding or "utf-8", errors="replace")
        return Answer(response.status_code, text, response.headers.get("location", ""), latency, expires)


def _explain(problem: Exception) -> str:
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid: {cause.verify_message}"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        cause = cause.__cause__ or cause.__context__
    if isinstance(problem, httpx.ConnectError):
        return f"cannot connect: {problem}" if str(problem) else "cannot connect"
    return str(problem) or type(problem).__name__


def _expiry(response: httpx.Response) -> datetime | None:
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = tls.getpeercert() if tls is not None else None
    ends = certificate.get("notAfter") if certificate else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None

"""One thin HTTP client for every platform: time limits, rate limits, careful repetition, and errors in words.

An adapter asks and decodes; what goes wrong on the way arrives as the contract's errors (`providers.refusals`).

Requests that may be repeated are, a few times within a few seconds; lasting trouble is the caller's to wait out. A
request that never left, or was turned away by a rate limit, had no effect and may always be repeated.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from console.domain.errors import ProviderError, RateLimited, Unreachable
from providers.pacing import RateBudget, read_date
from providers.redaction import redact
from providers.refusals import Refusals, describe, read_words
from providers.wire import ShapeError

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]
Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
T = TypeVar("T")

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
GUARDED_FROM = 12
TELLS_THE_TIME_WITHIN = timedelta(seconds=2)
"""Slower answers say too little about the difference of the clocks."""
REMEMBERED_LAGS = 30
CLOCK_WAS_SET = timedelta(seconds=6)
"""A difference that moved further than delays explain: one of the clocks was set, what was learned is void."""
LARGEST_ANSWER = 32 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """How long to wait and how often to ask.

    `answer` bounds one whole exchange, `budget` all repetitions together; both seconds. A rate limit that asks for
    more than what is left of the budget is raised, not waited for.
    """

    connect: float = 3.0
    read: float = 10.0
    answer: float = 20.0
    attempts: int = 3
    budget: float = 10.0
    first_wait: float = 0.25
    longest_wait: float = 3.0


@dataclass(frozen=True)
class Reply:
    """A whole answer. `json` is None when the body was empty or was asked for as text."""

    status: int
    headers: httpx.Headers
    json: Any
    text: str


def utc_now() -> datetime:
    return datetime.now(UTC)


def segment(text: str) -> str:
    """Quote one part of a path, slashes included."""
    return quote(text, safe="")


def read_or_write(method: str, path: str) -> str:
    """The coarsest classes of rate limits."""
    return "read" if method in ("GET", "HEAD") else "write"


class ProviderHttp:
    """The exchanges of one open connection, over one shared client.

    Args:
        provider: The connection's name in the configuration; errors carry it.
        base_url: Where the API lives; paths are appended to it.
        platform: The platform's name as people say it, for messages; the provider's name by default.
        params: Query parameters of every call, e.g. a team; a call overrides one, or takes it away with None.
        secrets: Values that must not appear in any text; those of the Authorization header are added by themselves.
        error_words: Reads the platform's own words out of an error's body.
        is_limited: Recognises a refusal that is a rate limit though its status is not 429.
        limit_class: Names the rate limit that a method and path count against.
        clock, sleep, jitter: Time and chance, for tests to hold.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        *,
        platform: str = "",
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        auth: httpx.Auth | tuple[str, str] | None = None,
        secrets: Collection[str] = (),
        error_words: Callable[[httpx.Response], str] = read_words,
        is_limited: Callable[[httpx.Response], bool] = lambda response: False,
        limit_class: Callable[[str, str], str] = read_or_write,
        limits: Limits | None = None,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        transport: httpx.AsyncBaseTransport | None = None,
        follow_redirects: bool = False,
    ) -> None:
        self.provider = provider
        self.platform = platform or provider
        self.rates = RateBudget(clock)
        self._lags: deque[timedelta] = deque(maxlen=REMEMBERED_LAGS)
        self.clock = clock
        self.sleep = sleep
        self._limits = limits or Limits()
        self._limit_class = limit_class
        self._jitter = jitter
        self._params = params
        self._secrets = {*secrets, *_secrets_in(headers or {}), *(auth[1:] if isinstance(auth, tuple) else ())}
        self._refusals = Refusals(provider, self.platform, self._secrets, error_words, is_limited)
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"user-agent": "quarterdeck", "accept": "application/json", **(headers or {})},
            auth=auth,
            timeout=httpx.Timeout(self._limits.read, connect=self._limits.connect),
            transport=transport,
            follow_redirects=follow_redirects,
            trust_env=transport is None,
        )

    async def close(self) -> None:
        await self._client.aclose()

    def redact(self, text: str) -> str:
        """Remove this connection's secrets, and whatever looks like one, from a text."""
        return redact(text, self._secrets)

    def guard(self, values: Iterable[str]) -> None:
        """Keep further values out of every text from now on. Short ones are left alone: they may be plain words."""
        self._secrets.update(value for value in values if len(value) >= GUARDED_FROM)

    @property
    def skew(self) -> timedelta:
        """How far the platform's clock is ahead of ours, at least; zero until an answer told.

        A `Date` header is cut to seconds, may be cached by the server, and travels: it is always behind. The one that
        was least behind is nearest to the truth.
        """
        return max(self._lags, default=timedelta(0))

    def platform_time(self, ours: datetime) -> datetime:
        """Translate a time of our clock to the platform's. Never later than it was there, at worst a little earlier."""
        return ours + self.skew

    async def get_json(self, path: str, params: Params | None = None) -> Any:
        """GET something that must be JSON."""
        return await self.fetch(path, lambda body: body, params)

    async def fetch(self, path: str, parse: Callable[[Any], T], params: Params | None = None) -> T:
        """GET and decode. A `ShapeError` of the parser becomes an UnexpectedReply that shows the answer."""
        return self.decode(await self.send("GET", path, params=params), parse)

    async def fetch_or_none(self, path: str, parse: Callable[[Any], T], params: Params | None = None) -> T | None:
        """The same, with None for a thing that the platform does not know (404)."""
        reply = await self.send("GET", path, params=params, accept=(404,))
        return None if reply.status == 404 else self.decode(reply, parse)

    def decode(self, reply: Reply, parse: Callable[[Any], T]) -> T:
        """Read an answer's JSON with `parse`.

        Raises:
            UnexpectedReply: There is no JSON, or the parser does not find what it needs.
        """
        if reply.json is None:
            raise self._refusals.unexpected(
                "an empty answer where one with content belongs", reply.status, reply.headers
            )
        try:
            return parse(reply.json)
        except ShapeError as error:
            what = f"an answer of a shape not known here: {error}"
            raise self._refusals.unexpected(what, reply.status, reply.headers, reply.text) from error

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        accept: Collection[int] = (),
        as_text: bool = False,
    ) -> Reply:
        """Ask once, or a few times where that cannot do harm.

        Args:
            repeatable: Whether doing it twice is the same as once; by default decided by the method.
            accept: Statuses from 300 up that are an answer rather than an error (304, 404).
            as_text: The body is not JSON; `Reply.json` stays None.
        """
        request = self._client.build_request(
            method, path, json=json, content=content, params=self._query(params), headers=headers
        )
        may_repeat = method in REPEATABLE if repeatable is None else repeatable
        began = self.clock()
        attempt = 1
        while True:
            try:
                await self._keep_pace(method, path, began)
                return await self._exchange(request, path, accept, as_text)
            except (Unreachable, RateLimited) as error:
                wait = self._wait_before_repeating(error, attempt)
                left = self._limits.budget - (self.clock() - began).total_seconds() - wait
                harmless = may_repeat or isinstance(error, RateLimited) or isinstance(error.__cause__, _NEVER_SENT)
                if not harmless or attempt >= self._limits.attempts or left < 0:
                    raise
            attempt += 1
            await self.sleep(wait)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, params: Params | None = None, read_timeout: float | None = None
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Open an answer that goes on, as lines. Never repeated; `read_timeout` is how long silence may last."""
        timeout = httpx.Timeout(self._limits.read, connect=self._limits.connect, read=read_timeout)
        request = self._client.build_request(method, path, params=self._query(params), timeout=timeout)
        await self._keep_pace(method, path, self.clock())
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise self._refusals.unreachable(request, error) from error
        try:
            self._learn(method, path, response, self.clock())
            if not response.is_success:
                await response.aread()
                raise self._refusals.of_status(request, response, self.clock())
            yield response.aiter_lines()
        except httpx.HTTPError as error:
            raise self._refusals.unreachable(request, error) from error
        finally:
            await response.aclose()

    def _query(self, params: Params | None) -> httpx.QueryParams | None:
        """Parameters of every call, overridden by those of this one; None takes one away."""
        return _flat([*_pairs(self._params, but=_names(params)), *_pairs(params)])

    async def _keep_pace(self, method: str, path: str, began: datetime) -> None:
        limit_class = self._limit_class(method, path)
        wait = self.rates.wait(limit_class)
        if wait > timedelta(0):
            spent = (self.clock() - began).total_seconds()
            if spent + wait.total_seconds() > self._limits.budget:
                raise self._refusals.used_up(limit_class, f"{method} {path}", wait)
            await self.sleep(wait.total_seconds())
        self.rates.spend(limit_class)

    async def _exchange(self, request: httpx.Request, path: str, accept: Collection[int], as_text: bool) -> Reply:
        sent_at = self.clock()
        try:
            async with asyncio.timeout(self._limits.answer):
                response = await self._client.send(request, stream=True)
                try:
                    body = await self._read(response)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._refusals.unreachable(request, error) from error
        whole = httpx.Response(response.status_code, headers=_plain(response.headers), content=body)
        self._learn(request.method, path, whole, sent_at)
        if not whole.is_success and whole.status_code not in accept:
            raise self._refusals.of_status(request, whole, self.clock())
        return self._reply(request, whole, as_text)

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise self._refusals.unexpected("an answer larger than 32 MiB", response.status_code, response.headers)
        return bytes(body)

    def _reply(self, request: httpx.Request, response: httpx.Response, as_text: bool) -> Reply:
        content = response.text
        if as_text or not content.strip():
            return Reply(response.status_code, response.headers, None, content)
        try:
            decoded = json.loads(content)
        except (ValueError, RecursionError) as error:
            if not response.is_success:
                return Reply(response.status_code, response.headers, None, content)
            what = f"an answer to {describe(request)} that is not JSON"
            raise self._refusals.unexpected(what, response.status_code, response.headers, content) from error
        return Reply(response.status_code, response.headers, decoded, content)

    def _learn(self, method: str, path: str, response: httpx.Response, sent_at: datetime) -> None:
        self.rates.learn(self._limit_class(method, path), response.headers)
        date, now = read_date(response.headers.get("date", "")), self.clock()
        if date is None or not timedelta(0) <= now - sent_at <= TELLS_THE_TIME_WITHIN:
            return
        if self._lags and abs(date - now - self.skew) > CLOCK_WAS_SET:
            self._lags.clear()
        self._lags.append(date - now)

    def _wait_before_repeating(self, error: ProviderError, attempt: int) -> float:
        backoff = min(self._limits.longest_wait, self._limits.first_wait * 2.0 ** (attempt - 1))
        wait = backoff * (0.5 + self._jitter())
        return max(wait, error.retry_after.total_seconds()) if isinstance(error, RateLimited) else wait


_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def _pairs(params: Params | None, but: Collection[str] = ()) -> list[tuple[str, Any]]:
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    return [(name, value) for name, value in pairs if name not in but]


def _names(params: Params | None) -> set[str]:
    return {name for name, _ in _pairs(params)}


def _flat(pairs: Sequence[tuple[str, Any]]) -> httpx.QueryParams | None:
    """Repeat the names of lists, leave out what is None. None for nothing, which keeps a query inside the path."""
    flat: list[tuple[str, Any]] = []
    for name, value in pairs:
        values = value if isinstance(value, list | tuple | set | frozenset) else [value]
        flat += [(name, one) for one in values if one is not None]
    return httpx.QueryParams(flat) if flat else None


def _plain(headers: httpx.Headers) -> httpx.Headers:
    """The headers of a body that has been decoded already."""
    return httpx.Headers([(name, value) for name, value in headers.multi_items() if name != "content-encoding"])


def _secrets_in(headers: Mapping[str, str]) -> list[str]:
    secret = ("authorization", "apikey", "api-key", "x-api-key")
    return [value.split(" ", 1)[-1] for name, value in headers.items() if name.lower() in secret]

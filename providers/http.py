"""One thin HTTP client for every platform: time limits, rate limits, careful repetition, and errors in words.

An adapter asks and decodes; what goes wrong on the way arrives as the contract's errors (`providers.refusals`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from console.domain.errors import ProviderError, RateLimited, Unauthorized, UnexpectedReply, Unreachable
from providers.allowances import Allowance, Allowances
from providers.exchange import Ask, read_reply
from providers.exchange import Limits as Limits
from providers.exchange import Reply as Reply
from providers.kept import NOT_MODIFIED, Kept, KeptAnswers
from providers.pacing import RateBudget, wait_after_refusal
from providers.query import Params as Params
from providers.query import merged
from providers.redaction import SECRET_HEADERS, redact, secrets_in
from providers.refusals import Refusals, describe, read_words
from providers.repeating import REPEATABLE, Patience
from providers.skew import Skew
from providers.wire import ShapeError

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")

GUARDED_FROM = 12
LARGEST_ANSWER = 32 * 1024 * 1024
MOVED = frozenset({301, 302, 303, 307, 308})
HANDED_OVER = frozenset({302, 303})
REDIRECTS_AT_MOST = 3


def utc_now() -> datetime:
    return datetime.now(UTC)


def segment(text: str) -> str:
    """Quote one part of a path, slashes included."""
    return quote(text, safe="")


def read_or_write(method: str, path: str) -> str:
    """The coarsest classes of rate limits."""
    return "read" if method in ("GET", "HEAD") else "write"


async def no_incident() -> str:
    """Nobody says that the platform has one."""
    return ""


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
        allowances: Limits that the platform's headers do not count, so that we do.
        keeps_answers: Keep what GETs answer, and ask for it conditionally from then on.
        at_once: How many requests may be under way together.
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
        allowances: Sequence[Allowance] = (),
        keeps_answers: bool = False,
        at_once: int = 100,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        transport: httpx.AsyncBaseTransport | None = None,
        follow_redirects: bool = False,
    ) -> None:
        self.provider = provider
        self.platform = platform or provider
        self.rates = RateBudget(clock)
        self._skew = Skew(clock)
        self.clock = clock
        self.sleep = sleep
        self.incident: Callable[[], Awaitable[str]] = no_incident
        """What the platform's status page says while it has an incident; set where the platform has a page."""
        self.refused_at: datetime | None = None
        """When the platform last refused the token something."""
        self._limits = limits or Limits()
        self._limit_class = limit_class
        self._patience = Patience(self._limits, jitter)
        self._params = params
        self._secrets = {*secrets, *secrets_in(headers or {}), *(auth[1:] if isinstance(auth, tuple) else ())}
        self._allowances = Allowances(clock, allowances) if allowances else None
        self._kept: KeptAnswers[Reply] | None = KeptAnswers() if keeps_answers else None
        self._gate = asyncio.Semaphore(at_once)
        wait_of = self._allowances.refuse if self._allowances else wait_after_refusal
        self._refusals = Refusals(provider, self.platform, self._secrets, error_words, is_limited, wait_of)
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

    def describe_limits(self) -> dict[str, str]:
        """What is left of each limit, as `doctor` shows it."""
        return {**self.rates.describe(), **(self._allowances.describe() if self._allowances else {})}

    @property
    def skew(self) -> timedelta:
        """How far the platform's clock is ahead of ours, at least; zero until an answer told."""
        return self._skew.ahead

    def platform_time(self, ours: datetime) -> datetime:
        """Translate a time of our clock to the platform's. Never later than it was there, at worst a little earlier."""
        return ours + self.skew

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
                "an empty answer where one with content belongs", reply.status, reply.headers, garbled=True
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
        as_bytes: bool = False,
        answer: float | None = None,
    ) -> Reply:
        """Ask once, or a few times where that cannot do harm.

        Args:
            repeatable: Whether doing it twice is the same as once; by default decided by the method.
            accept: Statuses from 300 up that are an answer rather than an error (304, 404).
            as_text: The body is not JSON; `Reply.json` stays None.
            as_bytes: The body is a file's; it is only in `Reply.content`.
            answer: Seconds for the whole exchange where the usual ones are too few, as for an upload.
        """
        request = self._client.build_request(
            method,
            path,
            json=json,
            content=content,
            params=merged(self._params, params),
            headers=headers,
            timeout=httpx.Timeout(max(answer or 0.0, self._limits.read), connect=self._limits.connect),
        )
        may_repeat = method in REPEATABLE if repeatable is None else repeatable
        ask = Ask(accept, as_text, as_bytes, answer=answer)
        is_json = not as_text and not as_bytes
        key = f"{request.headers['accept']} {request.url}" if method == "GET" and is_json else ""
        kept = self._kept.find(key) if self._kept and key else None
        if kept is None:
            reply = await self._repeat(request, path, ask, may_repeat)
        else:
            reply = await self._ask_again(request, path, ask, kept)
        if self._kept and key and reply.status == 200 and (kept is None or reply is not kept.value):
            self._kept.keep(key, replace(reply, text=""), reply.headers, len(reply.text))
        return reply

    async def download(self, path: str, *, params: Params | None = None, answer: float = 60.0) -> Reply:
        """GET a file that the platform hands over to a store of files (302): asked there without our token.

        Raises:
            UnexpectedReply: It was not handed over, or is larger than 32 MiB.
        """
        request = self._client.build_request("GET", path, params=merged(self._params, params))
        ask = Ask(accept=MOVED, follow=False)
        for _ in range(REDIRECTS_AT_MOST):
            reply = await self._repeat(request, path, ask, True)
            address = request.url.join(reply.headers.get("location", ""))
            if reply.status not in MOVED or "location" not in reply.headers:
                raise self._refusals.unexpected(
                    f"the file itself where its address belongs, to {describe(request)}", reply.status, reply.headers
                )
            if reply.status in HANDED_OVER or address.host != request.url.host:
                return await self._fetch_handed_over(address, answer)
            request = self._client.build_request("GET", address)
        raise self._refusals.unexpected(f"one redirection after another to {describe(request)}", 302, {})

    async def _fetch_handed_over(self, address: httpx.URL, answer: float) -> Reply:
        request = self._client.build_request("GET", address, headers={"accept": "*/*"})
        for name in [name for name in request.headers if name in SECRET_HEADERS]:
            del request.headers[name]
        ask = Ask(as_bytes=True, follow=True, answer=answer, bare=True)
        reply = await self._repeat(request, "", ask, True)
        if "html" in reply.headers.get("content-type", ""):
            raise self._refusals.unexpected("a web page in the place of a file", reply.status, reply.headers)
        return reply

    async def _ask_again(self, request: httpx.Request, path: str, ask: Ask, kept: Kept[Reply]) -> Reply:
        request.headers.update(kept.condition)
        reply = await self._repeat(request, path, replace(ask, accept=(NOT_MODIFIED, *ask.accept)), True)
        return kept.value if reply.status == NOT_MODIFIED else reply

    async def _repeat(self, request: httpx.Request, path: str, ask: Ask, may_repeat: bool) -> Reply:
        method = request.method
        began = self.clock()
        attempt = 1
        while True:
            if may_repeat and ask.answer is None:
                request.extensions["timeout"]["read"] = self._limits.silence(attempt)
            try:
                if not ask.bare:
                    await self._keep_pace(method, path, began)
                return await self._exchange(request, path, ask)
            except (Unreachable, RateLimited, UnexpectedReply) as error:
                spent = (self.clock() - began).total_seconds()
                wait = self._patience.wait_after(error, attempt, spent, may_repeat=may_repeat)
                if wait is None:
                    if isinstance(error, Unreachable) and (words := await self.incident()):
                        error.add(f"Its status page tells of an incident: {words}.")
                    raise
            attempt += 1
            await self.sleep(wait)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, params: Params | None = None, read_timeout: float | None = None
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Open an answer that goes on, as lines. Never repeated; `read_timeout` is how long silence may last."""
        timeout = httpx.Timeout(self._limits.read, connect=self._limits.connect, read=read_timeout)
        request = self._client.build_request(method, path, params=merged(self._params, params), timeout=timeout)
        await self._keep_pace(method, path, self.clock())
        try:
            with self.rates.outstanding(self._limit_class(method, path)):
                response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise self._refusals.unreachable(request, error) from error
        try:
            self._learn(method, path, response, self.clock())
            if not response.is_success:
                await response.aread()
                raise self._refusal(request, response)
            yield response.aiter_lines()
        except httpx.HTTPError as error:
            raise self._refusals.unreachable(request, error) from error
        finally:
            await response.aclose()

    async def _keep_pace(self, method: str, path: str, began: datetime) -> None:
        limit_class = self._limit_class(method, path)
        waits = [(self.rates.wait(limit_class), limit_class)]
        if self._allowances:
            waits.append(self._allowances.wait(method, path))
        wait, limit = max(waits, key=lambda one: one[0])
        spent = (self.clock() - began).total_seconds()
        if wait > timedelta(0) and spent + wait.total_seconds() > self._limits.budget:
            raise self._refusals.used_up(limit, f"{method} {path}", wait)
        if self._allowances:
            self._allowances.book(method, path, wait)
        if wait > timedelta(0):
            await self.sleep(wait.total_seconds())
        self.rates.spend(limit_class)

    async def _exchange(self, request: httpx.Request, path: str, ask: Ask) -> Reply:
        sent_at = self.clock()
        how: dict[str, Any] = {} if ask.follow is None else {"follow_redirects": ask.follow}
        if ask.bare:
            how["auth"] = None
        limit_class = "" if ask.bare else self._limit_class(request.method, path)
        try:
            with self.rates.outstanding(limit_class):
                async with self._gate, asyncio.timeout(ask.answer or self._limits.answer):
                    response = await self._client.send(request, stream=True, **how)
                    try:
                        body = await self._read(response)
                    finally:
                        await response.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._refusals.unreachable(request, error) from error
        whole = httpx.Response(response.status_code, headers=_plain(response.headers), content=body)
        if not ask.bare:
            self._learn(request.method, path, whole, sent_at)
        if not whole.is_success and whole.status_code not in ask.accept:
            raise self._refusal(request, whole)
        if self._allowances and not ask.bare:
            self._allowances.admit()
        return read_reply(request, whole, ask, self._refusals)

    def _refusal(self, request: httpx.Request, response: httpx.Response) -> ProviderError:
        error = self._refusals.of_status(request, response, self.clock())
        if isinstance(error, Unauthorized):
            self.refused_at = self.clock()
        return error

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise self._refusals.unexpected("an answer larger than 32 MiB", response.status_code, response.headers)
        return bytes(body)

    def _learn(self, method: str, path: str, response: httpx.Response, sent_at: datetime) -> None:
        self.rates.learn(self._limit_class(method, path), response.headers)
        self._skew.learn(response.headers.get("date", ""), sent_at)


def _plain(headers: httpx.Headers) -> httpx.Headers:
    """The headers of a body that has been decoded already."""
    return httpx.Headers([(name, value) for name, value in headers.multi_items() if name != "content-encoding"])

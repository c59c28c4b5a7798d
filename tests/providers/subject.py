"""How a provider joins the contract suite: one `Subject`, against a fake platform that keeps state.

Put a module into `tests/providers/subjects/` with

    KIND = "render"
    ACTUATORS = ("deploy", "cancel")            # every capability of it that changes something
    READINGS = {"account": lambda can: can.account.fetch_account()}
    ACTIONS = ("scale",)                        # every action of its desk; `wish("do:scale")` prepares one
    ASKS = {"events": Events("srv-…")}          # a request for every reading of its desk
    def strangers(sent): ...                    # what was sent and the platform's own document does not allow
    def subject() -> AbstractAsyncContextManager[Subject]: ...

and every law of `test_contract.py` runs on it. `ACTIONS` and `ASKS` may be left out where there is no desk, `strangers`
where there is no document.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import httpx

from providers.contract import Connection

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Faults(httpx.AsyncBaseTransport):
    """Stands between an adapter and its platform, and spoils what passes.

    `sent` holds every request that left the adapter, also the spoilt ones, in order.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._fault: Callable[[httpx.Request], Awaitable[httpx.Response]] | None = None
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return await (self._fault or self._pass)(request)

    def clear(self) -> None:
        self._fault = None

    def lose_next_reply(self) -> None:
        """The next changing request takes effect, its answer never arrives. Later ones pass."""

        async def lose(request: httpx.Request) -> httpx.Response:
            answer = await self._pass(request)
            if request.method not in CHANGING:
                return answer
            self.clear()
            raise httpx.ReadError("connection reset by peer", request=request)

        self._fault = lose

    def answer(
        self,
        status: int,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        to: str = "",
        times: int | None = None,
    ) -> None:
        """Answer everything so, and let none of it reach the platform. `body` may be JSON or text.

        Args:
            to: Only requests whose path ends so.
            times: Only that many; then everything passes again.
        """
        left = itertools.count(times, -1) if times is not None else itertools.repeat(1)

        async def refuse(request: httpx.Request) -> httpx.Response:
            if not request.url.path.endswith(to) or next(left) <= 0:
                return await self._pass(request)
            content = body if isinstance(body, str) else json.dumps(body)
            told = {"content-type": "text/html" if isinstance(body, str) else "application/json", **(headers or {})}
            return httpx.Response(status, headers=told, content=content, request=request)

        self._fault = refuse

    def stay_silent(self) -> None:
        """No answer in time."""

        async def wait(request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("timed out", request=request)

        self._fault = wait

    def vanish(self) -> None:
        """Nobody listens there."""

        async def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("connection refused", request=request)

        self._fault = refuse

    def cut_bodies(self) -> None:
        """Every answer with a body loses the second half of it."""
        self._rewrite(lambda text: text[: max(1, len(text) // 2)])

    def replace(self, old: str, new: str) -> None:
        """Every answer has one text instead of another."""
        self._rewrite(lambda text: text.replace(old, new))

    def _rewrite(self, change: Callable[[str], str]) -> None:
        async def spoil(request: httpx.Request) -> httpx.Response:
            answer = await self._pass(request)
            headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
            return httpx.Response(answer.status_code, headers=headers, content=change(answer.text), request=request)

        self._fault = spoil

    async def _pass(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        return answer


@dataclass(frozen=True)
class Wish:
    """Something to ask an actuator for, in a world prepared for it.

    Args:
        request: What is asked.
        effects: Counts how often the platform was made to do it.
        unknown: References in this actuator's form that the platform does not know.
        word: A status of the operation while it runs, as the platform writes it; "" where there is none. The suite
            replaces it by a word that nobody knows.
    """

    request: Any
    effects: Callable[[], int]
    unknown: tuple[str, ...]
    word: str = ""


@dataclass
class Subject(Protocol):
    """One provider under the laws."""

    secret: str
    faults: Faults

    def open(self) -> Connection:
        """Open a new connection to the same platform; the suite closes it."""
        ...

    def now(self) -> datetime:
        """The connection's clock."""
        ...

    async def wish(self, capability: str) -> Wish:
        """Prepare the world for one actuator, and say what to ask."""
        ...

    async def finish(self) -> None:
        """Let the platform do everything that it has begun."""
        ...


@dataclass
class Opened:
    """Connections that the suite opened and has to close."""

    subject: Subject
    connections: list[Connection] = field(default_factory=list)

    def connect(self) -> Connection:
        self.connections.append(self.subject.open())
        return self.connections[-1]

    async def close(self) -> None:
        for connection in self.connections:
            await connection.close()

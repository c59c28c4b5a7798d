"""Make a platform's API misbehave: a middleware around each emulator, and the settings that switch it.

Faults concern the way to the platform, never what it does: what an emulator has begun goes on.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from console.domain.errors import UsageError
from console.playground import fault_answers as answers
from console.playground.emulators.wire import STRUCK
from console.playground.scene import Platform

_MUTATING = ("POST", "PUT", "PATCH", "DELETE")
_REFUSING = ("status", "garbage", "rate_limit", "hang")
_SPOILING = ("cut", "empty", "slow")


@dataclass(frozen=True)
class PlatformFault:
    """What one platform's API suffers.

    `rate` is the share of requests (0..1) that are struck, each by one of the kinds that are set, drawn by lot;
    `latency_ms` strikes all. `status`, `garbage`, `rate_limit` and `hang` (no answer at all) come instead of what was
    asked; with `lose_replies` half of the struck requests that change something take effect first, and only their
    reply is lost. `cut`, `empty` and `slow` spoil the answer to what was done. `seed` makes the lots repeatable, as far
    as requests come in the same order.
    """

    status: int | None = None
    rate: float = 1.0
    latency_ms: int = 0
    hang: bool = False
    garbage: bool = False
    rate_limit: bool = False
    lose_replies: bool = False
    cut: bool = False
    empty: bool = False
    slow: bool = False
    seed: int | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """What a struck request may suffer."""
        return tuple(name for name in (*_REFUSING, *_SPOILING) if getattr(self, name))

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
    """An app that suffers `fault`, which may be replaced at any time, and counts what came and what was spoilt.

    With `counts_struck` the app hears of a request that is refused on the way too, marked so that it counts it against
    its limits and does nothing: to the platform it was one.
    """

    def __init__(
        self,
        platform: Platform,
        app: ASGIApp,
        toss: Callable[[], float] = random.random,
        counts_struck: bool = False,
    ) -> None:
        self._platform = platform
        self._app = app
        self._unseeded = toss
        self._toss = toss
        self._counts_struck = counts_struck
        self._fault = PlatformFault()
        self.came = 0
        self.spoilt: Counter[str] = Counter()

    @property
    def fault(self) -> PlatformFault:
        """What it suffers now."""
        return self._fault

    @fault.setter
    def fault(self, fault: PlatformFault) -> None:
        self._fault = fault
        seeded = random.Random(f"{fault.seed} {self._platform}")  # noqa: S311 - faults need no secrecy
        self._toss = self._unseeded if fault.seed is None else seeded.random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or make it suffer."""
        fault = self.fault
        self.came += scope["type"] == "http"
        if scope["type"] != "http" or fault == PlatformFault():
            await self._app(scope, receive, send)
            return
        if fault.latency_ms:
            await asyncio.sleep(fault.latency_ms / 1000)
        kinds = fault.kinds
        if not kinds or self._toss() >= fault.rate:
            await self._app(scope, receive, send)
            return
        kind = kinds[int(self._toss() * len(kinds))] if len(kinds) > 1 else kinds[0]
        self.spoilt[kind] += 1
        if kind in _SPOILING:
            spoil = {"cut": answers.cut, "empty": answers.empty, "slow": answers.slowly(self._toss)}[kind]
            await spoil(self._app, scope, receive, send)
            return
        if fault.lose_replies and scope["method"] in _MUTATING and self._toss() < 0.5:
            await answers.unheard(self._app, scope, receive)
        elif self._counts_struck:
            await answers.unheard(self._app, {**scope, STRUCK: True}, receive)
        await self._refuse(kind, fault, receive, send)

    async def _refuse(self, kind: str, fault: PlatformFault, receive: Receive, send: Send) -> None:
        if kind == "hang":
            await answers.never(receive)
        elif kind == "garbage":
            await answers.talk_nonsense(self._toss(), send)
        elif kind == "rate_limit":
            await answers.refuse_for_now(self._platform, send)
        else:
            await answers.fail(self._platform, fault.status or 500, send)

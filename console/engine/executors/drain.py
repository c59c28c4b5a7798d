"""Before an arm is stopped: wait until its router sends it nobody and nothing is under way there.

Bounded by a time of the configuration, after which what is still under way is left to the platform's own shutdown. An
arm that gets traffic even then is somebody else's by now, and is not stopped; nor is one whose router stays silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from console.domain.errors import ProviderError
from console.engine.work import Skipped, Work
from providers.contract import Capabilities, Unsupported

LOOK_FIRST = 0.2
LOOK_MOST = 5.0
"""Seconds between two looks: soon at first, since most often nothing is under way."""


@dataclass(frozen=True)
class Drained:
    """How it went in words, empty where nothing had to be waited for, and for the record."""

    words: str = ""
    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Seen:
    """`weight` is None where the router did not answer, `underway` where it does not count them."""

    weight: int | None
    underway: int | None


async def await_drained(work: Work) -> Drained | Skipped:
    """Wait as the step's argument `drain` says; steps without it are not behind a router."""
    wanted: Mapping[str, Any] = work.argument("drain", {})
    if not wanted or work.state.operation is not None:
        return Drained()
    capabilities, arm = work.capabilities(str(wanted["router"])), str(wanted["arm"])
    began = work.state.started_at or work.clock.now()
    until = began + timedelta(seconds=float(wanted["limit_s"]))
    pause = LOOK_FIRST
    while True:
        seen = await _look(capabilities, str(wanted["route"]), arm)
        now = work.clock.now()
        if seen == _Seen(0, 0) or now >= (until if seen.weight is not None else began + work.step.time_limit):
            return _conclude(arm, seen, (now - began).total_seconds())
        await work.progress(_say(arm, seen))
        await work.sleep(pause)
        pause = min(pause * 1.5, LOOK_MOST)


async def _look(capabilities: Capabilities, route: str, arm: str) -> _Seen:
    router, source = capabilities.router, capabilities.underway
    weight: int | None = None
    try:
        weight = 0 if isinstance(router, Unsupported) else (await router.fetch_weights(route)).get(arm, 0)
        if isinstance(source, Unsupported):
            return _Seen(weight, None)
        return _Seen(weight, (await source.fetch_underway(route)).get(arm, 0))
    except ProviderError:
        return _Seen(weight, None)


def _say(arm: str, seen: _Seen) -> str:
    if seen.weight is None:
        return f"the router does not say whether {arm} still gets requests"
    if seen.weight:
        return f"{arm} still gets {seen.weight} % of requests"
    if seen.underway is None:
        return f"letting {arm} finish; its router does not count what is under way"
    return f"{_requests(seen.underway)} under way on {arm}"


def _conclude(arm: str, seen: _Seen, seconds: float) -> Drained | Skipped:
    if seen.weight is None:
        words = f"The router does not say whether {arm} still gets requests: it is left running. Suspend it by hand."
        return Skipped(words)
    if seen.weight:
        return Skipped(
            f"The router gives {arm} {seen.weight} % of requests, which this deployment did not: it is left running. "
            "Suspend it by hand once it gets none."
        )
    outputs = {"drained_s": seconds, "under_way": seen.underway}
    if seen.underway is None:
        return Drained(f"{arm} had {seconds:.0f} s to finish what was under way", outputs)
    left = f"{_requests(seen.underway)} still under way" if seen.underway else "nothing under way"
    return Drained(f"{left} on {arm} after {seconds:.1f} s", outputs)


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count} requests"

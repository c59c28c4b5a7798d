"""Measure every metric with a name of the operator's once, and say what could not be measured, why and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from console.domain.errors import ConsoleError
from console.watch.feeds.port import ArmPlace, Checkable
from providers.contract import Unsupported


@dataclass(frozen=True)
class Found:
    """`problem` is empty where `value` was measured; `may_pass` says that asking again may help."""

    name: str
    value: float | None = None
    words: str = ""
    problem: str = ""
    remedy: str = ""
    may_pass: bool = False


async def evaluate_all(feeds: Mapping[str, Checkable | Unsupported], place: ArmPlace) -> tuple[Found, ...]:
    """Each metric of one arm, all at the same time."""
    return tuple(await asyncio.gather(*(_evaluate(name, feed, place) for name, feed in feeds.items())))


async def _evaluate(name: str, feed: Checkable | Unsupported, place: ArmPlace) -> Found:
    if isinstance(feed, Unsupported):
        return Found(name, problem=feed.reason, remedy=feed.remedy)
    try:
        found = await feed.evaluate(place)
    except ConsoleError as problem:
        return Found(name, problem=problem.what, remedy=problem.remedy, may_pass=problem.transient)
    if found.value is None:
        return Found(name, problem=found.words, remedy=found.remedy, may_pass=True)
    return Found(name, found.value, found.words)

"""Platforms, a router and a clock in memory, that obey the contract as far as watching needs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from console.domain.errors import Unreachable
from providers.contract import ArmCounters, Capabilities, ProbeRequest, ProbeResult

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


class MovableClock:
    """Time moves when somebody sleeps or a test says so."""

    def __init__(self) -> None:
        self.time = START
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def pass_time(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class FakeRouter:
    """Counts requests by arm and, like Caddy, forgets its totals when its weights are changed."""

    def __init__(self, weights: Mapping[str, int] | None = None) -> None:
        self.weights = dict(weights or {"blue": 100, "green": 0})
        self.answers = True
        self._counts: dict[str, list[float]] = {}

    def shift(self, weights: Mapping[str, int]) -> None:
        self.weights = dict(weights)
        self._counts = {}

    def serve(
        self, arm: str, good: int = 0, bad: int = 0, slow: int = 0, latency: float = 0.004, slow_latency: float = 0.2
    ) -> None:
        """Let an arm answer: `slow` of the good ones take 200 ms, or what is said."""
        counts = self._counts.setdefault(arm, [0, 0, 0.0, 0])
        counts[0] += good + bad
        counts[1] += bad
        counts[2] += (good + bad - slow) * latency + slow * slow_latency
        counts[3] += slow

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        self._check()
        return dict(self.weights)

    async def fetch_sticky(self, route: str) -> str:
        return ""

    async def fetch_run(self, route: str) -> str:
        return ""

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]:
        self._check()
        return {
            arm: ArmCounters(
                int(requests),
                int(errors),
                seconds,
                {0.005: int(requests - slow), 0.25: int(requests), math.inf: int(requests)},
            )
            for arm, (requests, errors, seconds, slow) in self._counts.items()
        }

    def _check(self) -> None:
        if not self.answers:
            raise Unreachable("edge", "The edge does not answer.")


class FakeProber:
    """Answers by URL: a list of results that is used up, the last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[ProbeResult]] = {}
        self.asked: list[ProbeRequest] = []

    def given(self, url: str, *results: ProbeResult) -> None:
        self.answers[url] = list(results)

    async def probe(self, request: ProbeRequest) -> ProbeResult:
        self.asked.append(request)
        await asyncio.sleep(0)
        results = self.answers.get(request.url, [ProbeResult(False, 0.0, reason="connection refused")])
        return results.pop(0) if len(results) > 1 else results[0]


class FakeConnection:
    def __init__(self, name: str, kind: str, capabilities: Capabilities) -> None:
        self.name = name
        self.kind = kind
        self.capabilities = capabilities

    async def close(self) -> None:
        return None


GOOD = ProbeResult(True, 0.010, 200)
BAD = ProbeResult(False, 0.010, 503, "expected 200")
REFUSED = ProbeResult(False, 0.0, None, "connection refused")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def prober() -> FakeProber:
    return FakeProber()

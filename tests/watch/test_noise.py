"""Whole rollouts on a simulated machine with stalls: good releases go through, bad ones are found within seconds.

Seeded, 50 requests a second, looked at every second, counted in the buckets that Caddy counts in. A stall takes both
arms at once, for one to eight seconds, as on a machine with more to do than it has cores.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from console.analysis.judge import judge
from console.domain.verdict import VerdictKind
from console.watch.benchmark import Benchmark, judge_benchmark
from console.watch.collector import RolloutCollector
from providers.contract import ArmCounters, ProbeRequest

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf)
RPS = 50
STALLS_A_SECOND = 0.06
PATIENCE = 60


@dataclass(frozen=True)
class Behaviour:
    """How one release differs from a good one: share of errors 0..1, added seconds."""

    errors: float = 0.0
    slower: float = 0.0


class NoisyMachine:
    """A router in front of two arms that share a machine; counts like the edge does."""

    def __init__(self, dice: random.Random, candidate: Behaviour, stalls: float) -> None:
        self.share = 0.0
        self._stalls = stalls
        self._dice = dice
        self._candidate = candidate
        self._stalled = 0
        self._depth = 0.0
        self._counts = {arm: [0, 0, 0.0, *[0] * len(BOUNDS)] for arm in ("blue", "green")}

    def live_a_second(self) -> None:
        if self._stalled:
            self._stalled -= 1
        elif self._dice.random() < self._stalls:
            self._stalled, self._depth = self._dice.randint(1, 8), self._dice.uniform(0.1, 1.5)
        for _ in range(RPS):
            is_candidate = self._dice.random() < self.share
            behaviour = self._candidate if is_candidate else Behaviour()
            seconds = self._dice.lognormvariate(math.log(0.010), 0.6) + behaviour.slower
            if self._stalled:
                seconds += self._dice.expovariate(1 / self._depth)
            self._count("green" if is_candidate else "blue", seconds, self._dice.random() < behaviour.errors + 0.001)

    def _count(self, arm: str, seconds: float, failed: bool) -> None:
        counts = self._counts[arm]
        counts[0] += 1
        counts[1] += failed
        counts[2] += seconds
        for place, bound in enumerate(BOUNDS, start=3):
            counts[place] += seconds <= bound

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        return {"blue": round(100 * (1 - self.share)), "green": round(100 * self.share)}

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]:
        return {
            arm: ArmCounters(
                int(counts[0]), int(counts[1]), counts[2], dict(zip(BOUNDS, map(int, counts[3:]), strict=True))
            )
            for arm, counts in self._counts.items()
        }


@dataclass(frozen=True)
class Outcome:
    """How it ended, and how many seconds each stage took; requests are those the candidate had got."""

    kind: VerdictKind
    seconds: tuple[int, ...]
    requests: int


async def roll_out(seed: int, candidate: Behaviour, stalls: float) -> Outcome:
    machine = NoisyMachine(random.Random(seed), candidate, stalls)
    collector = RolloutCollector(machine, "shop", candidate="green", stable="blue")
    seconds: list[int] = []
    for weight in (10, 50, 100):
        machine.share = weight / 100
        await collector.enter(weight)
        for second in range(1, PATIENCE + 1):
            machine.live_a_second()
            verdict = judge(await collector.sample())
            if verdict.is_fail or (verdict.is_pass and second >= 5):
                break
        seconds.append(second)
        if not verdict.is_pass:
            break
    return Outcome(verdict.kind, tuple(seconds), collector.evidence.candidate.requests)


async def outcomes(candidate: Behaviour, count: int, stalls: float = STALLS_A_SECOND) -> list[Outcome]:
    return [await roll_out(seed, candidate, stalls) for seed in range(count)]


class TestGivenAGoodReleaseOnANoisyMachine:
    async def test_then_it_is_hardly_ever_held_or_taken_back(self):
        ended = await outcomes(Behaviour(), 40)
        assert sum(one.kind is VerdictKind.FAIL for one in ended) == 0
        assert sum(one.kind is VerdictKind.INCONCLUSIVE for one in ended) <= 1

    async def test_then_its_first_stage_takes_seconds(self):
        ended = await outcomes(Behaviour(), 20)
        assert statistics.median(one.seconds[0] for one in ended) <= 16


class TestGivenABadRelease:
    @pytest.mark.parametrize(
        ("candidate", "requests"),
        [(Behaviour(errors=0.08), 150), (Behaviour(slower=0.150), 80)],
        ids=["errors", "slow"],
    )
    async def test_then_it_is_taken_back_after_few_requests(self, candidate, requests):
        ended = await outcomes(candidate, 30)
        assert sum(one.kind is VerdictKind.FAIL for one in ended) >= 27
        assert statistics.median(one.requests for one in ended) <= requests


class TestGivenAQuietMachine:
    @pytest.mark.parametrize("candidate", [Behaviour(errors=0.08), Behaviour(slower=0.150)], ids=["errors", "slow"])
    async def test_when_the_release_is_bad_then_it_is_always_taken_back(self, candidate):
        ended = await outcomes(candidate, 15, stalls=0.0)
        assert all(one.kind is VerdictKind.FAIL for one in ended)


class TestGivenABenchmarkOnANoisyMachine:
    """Pairs are asked one after the other, so that a stall may hit one of them, or both."""

    @staticmethod
    def verdict(seed: int, slower: float = 0.0) -> VerdictKind:
        dice = random.Random(seed)
        pairs: list[tuple[float, float]] = []
        stalled = 0
        for _ in range(60):
            stalled = stalled - 1 if stalled else dice.choice([0] * 9 + [dice.randint(1, 12)])
            pair = [dice.lognormvariate(math.log(0.010), 0.6) for _ in range(2)]
            if stalled:
                pair[dice.randrange(2)] += dice.expovariate(1 / 0.5)
            pairs.append((pair[0] + slower, pair[1]))
        asked = Benchmark(ProbeRequest("http://green"), ProbeRequest("http://blue"))
        return judge_benchmark(asked, pairs).kind

    def test_when_the_release_is_good_then_it_passes(self):
        kinds = [self.verdict(seed) for seed in range(300)]
        assert kinds.count(VerdictKind.FAIL) == 0
        assert kinds.count(VerdictKind.INCONCLUSIVE) <= 3

    def test_when_it_is_slower_by_150_ms_then_it_fails(self):
        kinds = [self.verdict(seed, 0.150) for seed in range(100)]
        assert kinds.count(VerdictKind.FAIL) >= 95
        assert VerdictKind.PASS not in kinds

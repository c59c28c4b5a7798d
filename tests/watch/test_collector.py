"""Counts end up in the stage in which they happened, also when the router forgets its totals."""

from __future__ import annotations

import pytest

from console.analysis.evidence import Evidence
from console.analysis.judge import judge
from console.domain.codec import from_json, to_json
from console.domain.verdict import VerdictKind
from console.watch.collector import RolloutCollector


@pytest.fixture
def collector(router):
    return RolloutCollector(router, "shop", candidate="green", stable="blue")


class TestGivenARolloutInStages:
    async def test_then_each_stage_has_its_own_counts(self, router, collector):
        await collector.sample()
        router.shift({"blue": 90, "green": 10})
        await collector.enter(10)
        router.serve("blue", good=90)
        router.serve("green", good=9, bad=1)
        await collector.sample()
        router.serve("blue", good=90)
        await collector.close_stage()

        router.shift({"blue": 50, "green": 50})
        await collector.enter(50)
        router.serve("blue", good=5)
        router.serve("green", good=5)
        evidence = await collector.sample()

        first, second = evidence.stages
        assert (first.share, first.candidate.requests, first.candidate.errors) == (0.1, 10, 1)
        assert first.stable.requests == 180
        assert (second.share, second.candidate.requests, second.stable.requests) == (0.5, 5, 5)

    async def test_when_totals_are_of_an_unknown_past_then_they_are_not_counted(self, router, collector):
        router.serve("blue", good=10_000, bad=500)
        evidence = await collector.enter(10)
        assert evidence.stages[0].stable.requests == 0

    async def test_when_the_router_does_not_forget_then_what_is_between_stages_is_left_out(self, router, collector):
        await collector.enter(10)
        router.serve("blue", good=90)
        await collector.sample()
        router.serve("blue", good=7)
        evidence = await collector.enter(50)
        assert [stage.stable.requests for stage in evidence.stages] == [90, 0]

    async def test_when_the_same_weight_is_entered_again_then_the_stage_goes_on(self, router, collector):
        await collector.enter(100)
        router.serve("green", good=10)
        await collector.enter(100)
        router.serve("green", good=10)
        evidence = await collector.sample()
        assert [stage.candidate.requests for stage in evidence.stages] == [20]

    async def test_when_the_router_is_silent_then_nothing_is_lost_and_the_trouble_is_known(self, router, collector):
        await collector.enter(10)
        router.serve("blue", good=10)
        router.answers = False
        await collector.sample()
        assert collector.trouble is not None
        router.answers = True
        evidence = await collector.sample()
        assert collector.trouble is None
        assert evidence.stages[0].stable.requests == 10


class TestGivenARestartOfTheWorker:
    async def test_then_the_recorded_counts_go_on(self, router, collector):
        await collector.enter(10)
        router.serve("blue", good=90)
        recorded = to_json(await collector.sample())

        again = RolloutCollector(
            router, "shop", candidate="green", stable="blue", evidence=from_json(Evidence, recorded)
        )
        await again.enter(10)
        router.serve("blue", good=10)
        evidence = await again.sample()
        assert [stage.stable.requests for stage in evidence.stages] == [100]


class TestGivenLatencies:
    async def test_then_the_threshold_comes_from_the_baseline_and_only_later_requests_count(self, router, collector):
        await collector.enter(10)
        router.serve("blue", good=100, slow=10)
        router.serve("green", good=10, slow=10)
        first = await collector.sample()
        assert first.slow_threshold == 0.005
        assert first.stages[0].candidate.slow == 0
        router.serve("blue", good=90, slow=9)
        router.serve("green", good=10, slow=10)
        evidence = await collector.sample()
        stage = evidence.stages[0]
        assert (stage.candidate.slow, stage.candidate.timed, stage.stable.slow) == (10, 10, 9)

    async def test_when_every_answer_is_slower_then_the_judge_finds_it(self, router, collector):
        await collector.enter(10)
        verdicts = []
        for _ in range(12):
            router.serve("blue", good=63, slow=5)
            router.serve("green", good=7, slow=7)
            verdicts.append(judge(await collector.sample()))
        failed = next(verdict for verdict in verdicts if verdict.is_fail)
        assert failed.evidence["trigger"] == "latency"
        assert verdicts.index(failed) <= 8


class TestGivenOneHiccup:
    async def test_when_many_requests_are_slow_at_once_then_it_is_not_taken_for_a_slow_release(self, router, collector):
        await collector.enter(10)
        for second in range(12):
            hiccup = second == 4
            router.serve("blue", good=63, slow=2)
            router.serve("green", good=7, slow=7 if hiccup else 0)
            assert not judge(await collector.sample()).is_fail
        assert collector.evidence.stages[0].blocks >= 10


class TestGivenAllTraffic:
    @staticmethod
    async def rollout(router, collector, slow_seconds: int) -> VerdictKind:
        await collector.enter(50)
        for _ in range(4):
            router.serve("blue", good=50, slow=5)
            router.serve("green", good=50, slow=5)
            await collector.sample()
        await collector.enter(100)
        for second in range(25):
            slow = 60 if second < slow_seconds else 6
            router.serve("green", good=60, slow=slow, slow_latency=1.0)
            await collector.sample()
        return judge(collector.evidence).kind

    async def test_when_the_machine_stalls_for_a_while_then_it_passes_all_the_same(self, router, collector):
        assert await self.rollout(router, collector, 4) is VerdictKind.PASS

    async def test_when_the_stall_was_long_but_is_over_then_it_passes(self, router, collector):
        assert await self.rollout(router, collector, 16) is VerdictKind.PASS

    async def test_when_it_stays_slow_then_it_is_doubt(self, router, collector):
        assert await self.rollout(router, collector, 25) is VerdictKind.INCONCLUSIVE


class TestGivenOtherNamesAtTheRouter:
    async def test_then_they_are_used(self, router):
        collector = RolloutCollector(
            router, "shop", candidate="green", stable="blue", metrics={"green": "shop-green:80", "blue": "shop-blue:80"}
        )
        await collector.enter(50)
        router.serve("shop-green:80", good=4)
        router.serve("shop-blue:80", good=6)
        stage = (await collector.sample()).stages[0]
        assert (stage.candidate.requests, stage.stable.requests) == (4, 6)


class TestGivenInstancesThatChangeSides:
    async def test_then_each_stage_has_those_that_were_updated_on_one_side_and_the_rest_on_the_other(self, router):
        router.shift({"a": 34, "b": 33, "c": 33})
        collector = RolloutCollector(router, "shop", candidate=["a"], stable=["b", "c"])
        await collector.enter(34)
        router.serve("a", good=9, bad=1)
        router.serve("b", good=10)
        router.serve("c", good=20)
        await collector.sample()
        router.serve("b", good=7)

        collector.compare(["a", "b"], ["c"])
        await collector.enter(67)
        router.serve("a", good=3)
        router.serve("b", good=4)
        router.serve("c", good=5)
        evidence = await collector.sample()

        first, second = evidence.stages
        assert (first.candidate.requests, first.candidate.errors, first.stable.requests) == (10, 1, 30)
        assert (second.candidate.requests, second.stable.requests) == (7, 5)

    async def test_when_nothing_is_left_beside_them_then_they_are_counted_alone(self, router):
        router.shift({"a": 50, "b": 50})
        collector = RolloutCollector(router, "shop", candidate=["a"], stable=["b"])
        await collector.enter(50)

        collector.compare(["a", "b"], [])
        await collector.enter(100)
        router.serve("a", good=3)
        await collector.sample()
        router.serve("b", good=4)
        evidence = await collector.sample()

        assert (evidence.stages[-1].candidate.requests, evidence.stages[-1].stable.requests) == (7, 0)

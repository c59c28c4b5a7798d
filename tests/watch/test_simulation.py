"""The simulation that the judge's own figures come from: repeatable, true to the edge, and honest about failures."""

from __future__ import annotations

import math
from random import Random

import pytest

from console.analysis.settings import JudgeSettings
from console.config import environments as configured
from console.config.strategies import SHIPPED_STAGES
from console.planning.draft import judge_arguments
from console.watch.judgement import judge_settings
from console.watch.simulation import scenarios as of
from console.watch.simulation.edge import BOUNDS, Behaviour, SimulatedEdge
from console.watch.simulation.figures import FOUND_BY, Bar, gather, most_false
from console.watch.simulation.rollout import PATIENCE, Ended, finish, run_rollout
from console.watch.simulation.run import simulate
from console.watch.simulation.scenarios import SCENARIOS


@pytest.fixture(scope="module")
def figures():
    return simulate(7, 6, processes=1)


class TestGivenWhatIsShipped:
    """What is simulated is what a configuration gets that says nothing about it."""

    def test_then_the_tolerances_are_those_of_the_judge(self):
        assert judge_settings(judge_arguments(configured.JudgeSettings())) == JudgeSettings()

    def test_then_ladders_and_times_are_those_of_an_environment(self):
        shipped = configured.EnvironmentSettings(tier="production", services={})
        for ladder in (of.BLUE_GREEN, of.CANARY):
            assert ladder.weights == SHIPPED_STAGES[ladder.name]
            assert (ladder.bake, ladder.verify) == (
                shipped.bake_time.total_seconds(),
                shipped.verify_time.total_seconds(),
            )
        assert shipped.judge.hold.total_seconds() == PATIENCE


class TestGivenTheSimulatedEdge:
    def test_then_its_counts_are_those_of_the_behaviour(self):
        edge = SimulatedEdge(Random(3), rate=100.0)
        edge.shift(25)
        for _ in range(60):
            edge.pass_time(10.0, Behaviour(errors=0.02), Behaviour(errors=0.08, median=0.2))
        counted = finish(edge.fetch_counters("shop"))
        canary, stable = counted["candidate"], counted["stable"]
        assert canary.requests / (canary.requests + stable.requests) == pytest.approx(0.25, abs=0.01)
        assert canary.errors / canary.requests == pytest.approx(0.08, abs=0.01)
        assert stable.latency_sum / stable.requests == pytest.approx(0.1 * math.exp(0.125), rel=0.03)
        assert canary.latency_buckets[0.25] / canary.requests == pytest.approx(0.672, abs=0.02)
        assert tuple(canary.latency_buckets) == BOUNDS

    def test_when_weights_change_then_its_totals_begin_anew(self):
        edge = SimulatedEdge(Random(3), rate=100.0)
        edge.shift(50)
        edge.pass_time(10.0, Behaviour(), Behaviour())
        edge.shift(100)
        assert finish(edge.fetch_counters("shop"))["stable"].requests == 0


class TestGivenASeed:
    def test_then_a_rollout_is_always_the_same(self):
        first, again = (run_rollout(SCENARIOS[of.ERRORS], "5", 3, JudgeSettings()) for _ in range(2))
        assert first == again

    def test_when_the_seed_is_another_then_so_is_the_rollout(self):
        ended = {run_rollout(SCENARIOS[of.ERRORS], str(seed), 3, JudgeSettings()).all_requests for seed in range(5)}
        assert len(ended) > 1


@pytest.mark.xdist_group("simulation")
class TestGivenFewRollouts:
    def test_then_bad_releases_are_found_and_good_ones_finish(self, figures):
        assert figures.detection["errors"].detected == figures.detection["latency"].detected == 1.0
        assert figures.false_rollbacks <= 1
        assert figures.finished["same"] >= 0.8

    def test_then_silence_never_passes(self, figures):
        assert figures.silent_rollouts >= 3
        assert figures.silent_passes == 0

    def test_when_the_router_falls_silent_later_then_what_it_said_before_carries_one_stage(self):
        ended = [run_rollout(SCENARIOS[of.SILENT_LATER], "3", number, JudgeSettings()) for number in range(2)]
        assert [(one.passes, one.is_finished, one.trigger) for one in ended] == [(1, False, "silent")] * 2

    def test_then_an_unfair_split_is_held(self, figures):
        assert figures.split.held == 1.0


class TestGivenTheBars:
    def test_then_thirty_one_of_two_thousand_may_be_rolled_back_wrongly(self):
        assert most_false(2000) == 31

    def test_when_something_is_found_by_luck_then_it_counts_as_missed(self):
        ended = {name: [] for name in SCENARIOS}
        for name in FOUND_BY:
            ended[name] = [Ended("", True, "reports", 5, 100, 0), Ended("", True, FOUND_BY[name], 90, 1800, 0)]
        figures = gather(1, 2, of.LOOK, ended, 0.0)
        assert {found.detected for found in figures.detection.values()} == {0.5}

    def test_when_a_value_is_above_then_the_bar_does_not_hold(self):
        assert not Bar("errors, median", 111, 110).holds

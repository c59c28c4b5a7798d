"""The simulation that the judge's own figures come from: repeatable, true to the edge, and honest about failures."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from console.analysis.budget import AlphaBudget
from console.analysis.judge import judge
from console.analysis.settings import JudgeSettings
from console.cli.judge import shipped_rules
from console.config import environments as configured
from console.config.strategies import SHIPPED_STAGES
from console.watch.simulation import scenarios as of
from console.watch.simulation.counting import Counted
from console.watch.simulation.draws import Poisson, failing
from console.watch.simulation.edge import SimulatedEdge
from console.watch.simulation.figures import FOUND_BY, Bar, gather, most_false
from console.watch.simulation.rollout import Ended, Rules, course_of, run_rollout
from console.watch.simulation.run import simulate
from console.watch.simulation.scenarios import SCENARIOS
from console.watch.simulation.stepping import Stepping, finish
from console.watch.simulation.traffic import BOUNDS, Behaviour, Traffic

TOUCHY = Rules(
    JudgeSettings(alpha=AlphaBudget(0.6), floor=0.0, latency_ratio=1.0, latency_floor=0.0, split_alpha=0.2),
    look=5.0,
)
"""So easily alarmed that good releases are rolled back and held by everything there is."""


@pytest.fixture(scope="module")
def figures():
    return simulate(7, 6, processes=1)


class TestGivenWhatIsShipped:
    """What is simulated is what a configuration gets that says nothing about it."""

    def test_then_the_rules_are_those_of_the_judge_and_of_the_simulation(self):
        assert shipped_rules() == Rules()
        assert Rules().settings == JudgeSettings()

    def test_then_ladders_and_times_are_those_of_an_environment(self):
        shipped = configured.EnvironmentSettings(tier="production", services={})
        for ladder in (of.BLUE_GREEN, of.CANARY):
            assert ladder.weights == SHIPPED_STAGES[ladder.name]
            assert (ladder.bake, ladder.verify) == (
                shipped.bake_time.total_seconds(),
                shipped.verify_time.total_seconds(),
            )


class TestGivenTheSimulatedEdge:
    @pytest.fixture(scope="class")
    def edge(self):
        traffic = Traffic("3", 100.0, 1.0, Behaviour(), Behaviour(median=0.2))
        edge = SimulatedEdge(traffic)
        edge.shift(25)
        for _ in range(6):
            traffic.serve(0.25, [(0.02, 0.08)] * 100)
        edge.look = 600
        return edge

    def test_then_its_counts_are_those_of_the_behaviour(self, edge):
        counted = finish(edge.fetch_counters("shop"))
        canary, stable = counted["candidate"], counted["stable"]
        assert canary.requests / (canary.requests + stable.requests) == pytest.approx(0.25, abs=0.01)
        assert canary.errors / canary.requests == pytest.approx(0.08, abs=0.01)
        assert stable.latency_sum / stable.requests == pytest.approx(0.1 * math.exp(0.125), rel=0.03)
        assert canary.latency_buckets[0.25] / canary.requests == pytest.approx(0.672, abs=0.02)
        assert tuple(canary.latency_buckets) == BOUNDS

    def test_when_weights_change_then_its_totals_begin_anew(self, edge):
        edge.shift(100)
        assert finish(edge.fetch_counters("shop"))["stable"].requests == 0


class TestGivenDraws:
    @pytest.mark.parametrize("expected", [0.03, 1.0, 19.0, 300.0])
    def test_then_numbers_have_mean_and_variance_of_their_distribution(self, expected):
        numbers = Poisson(expected).column(Random(5), 40_000)
        mean = sum(numbers) / len(numbers)
        spread = math.sqrt(expected / len(numbers))
        assert mean == pytest.approx(expected, abs=4 * spread)
        assert sum((one - mean) ** 2 for one in numbers) / len(numbers) == pytest.approx(expected, rel=0.15)

    def test_then_of_many_requests_the_share_fails_each_alone(self):
        failed = failing(Random(5), 1, 40_000, 0.05)
        assert len(failed) == pytest.approx(2000, abs=180)
        assert list(failed) == sorted(set(failed))


class TestGivenASeed:
    def test_then_a_rollout_is_always_the_same(self):
        first, again = (run_rollout(SCENARIOS[of.ERRORS], "5", 3, Rules()) for _ in range(2))
        assert first == again

    def test_when_the_seed_is_another_then_so_is_the_rollout(self):
        ended = {run_rollout(SCENARIOS[of.ERRORS], str(seed), 3, Rules()).all_requests for seed in range(5)}
        assert len(ended) > 1


class TestGivenThatTheJudgeIsAskedOnlyWhereItMayMatter:
    """The same rollouts once more with a worker's collector and judge at every look."""

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_then_every_rollout_ends_as_if_it_were_asked_at_every_look(self, name):
        rolled_back = 0
        for number in range(4):
            screened, full = (
                run_rollout(SCENARIOS[name], "9", number, TOUCHY, in_full=in_full) for in_full in (False, True)
            )
            assert replace(screened, asked=0) == replace(full, asked=0)
            assert screened.asked < full.asked
            rolled_back += screened.is_rolled_back
        assert name in of.SILENT or rolled_back or name == of.SPLIT

    def test_when_it_is_what_ships_then_that_is_so_as_well(self):
        screened, full = (run_rollout(SCENARIOS[of.LATENCY], "9", 2, Rules(), in_full=full) for full in (False, True))
        assert replace(screened, asked=0) == replace(full, asked=0)

    @pytest.mark.parametrize("number", [4, 5])
    def test_then_the_counts_at_any_look_are_the_collectors_to_the_last_digit(self, number):
        course = course_of(SCENARIOS[of.SAME_OUTAGE], "9", number, 1.0)
        stepping, counted = Stepping(course, JudgeSettings()), Counted(course.traffic)
        look = 0
        for weight, _ in course.ladder.holds:
            hold = course.begin(weight, 60.0, look)
            stepping.enter(hold)
            counted.enter(weight, hold.began)
            for look, verdict in stepping.verdicts(hold, hold.over):
                if look % 7 == 0 or look == hold.over:
                    evidence = counted.evidence_at(look)
                    assert evidence == stepping.evidence
                    assert judge(evidence) == verdict


@pytest.mark.xdist_group("simulation")
class TestGivenFewRollouts:
    def test_then_bad_releases_are_found_and_good_ones_finish(self, figures):
        assert figures.detection["errors"].detected == figures.detection["latency"].detected == 1.0
        assert figures.false_rollbacks <= 1
        assert figures.finished["same"] >= 0.8

    def test_then_every_scenario_says_how_it_ended(self, figures):
        assert set(figures.scenarios) == set(SCENARIOS)
        for one in figures.scenarios.values():
            assert one.rolled_back + one.finished + one.held == pytest.approx(1.0)
            assert one.asked < one.looks

    def test_then_silence_never_passes(self, figures):
        assert figures.silent_rollouts >= 3
        assert figures.silent_passes == 0

    def test_when_the_router_falls_silent_later_then_what_it_said_before_carries_one_stage(self):
        ended = [run_rollout(SCENARIOS[of.SILENT_LATER], "3", number, Rules()) for number in range(2)]
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
        figures = gather(1, 2, 1.0, ended, 0.0)
        assert {found.detected for found in figures.detection.values()} == {0.5}

    def test_when_a_value_is_above_then_the_bar_does_not_hold(self):
        assert not Bar("errors, median", 111, 110).holds

"""What a stage came to, for people: intervals, effects of gauges, and a score that decides nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from console.analysis.evidence import ArmCounts, Evidence, GaugePair, StageCounts
from console.analysis.final import summarise
from console.analysis.settings import Action, JudgeSettings

DEFAULTS = JudgeSettings()
MEMORY = GaugePair("memory", tuple(200.0 + i for i in range(10)), tuple(100.0 + i for i in range(10)))


def arm(requests: int, errors: int = 0, histogram: tuple[int, ...] = ()) -> ArmCounts:
    return ArmCounts(requests, errors, 0, requests, requests * 0.1, histogram)


def seen(candidate: ArmCounts, stable: ArmCounts, share: float = 0.5, **more: object) -> Evidence:
    return Evidence((StageCounts(share, candidate, stable),), **more)


class TestGivenAStageThatWentWell:
    def test_then_each_rate_has_an_interval_around_it(self):
        found = summarise(seen(arm(2000, 20), arm(2000, 22)), DEFAULTS)
        assert 0.0 < found["canary_error_rate_low"] < 0.01 < found["canary_error_rate_high"] < 0.03
        assert found["score"] == 100.0
        assert found["labels"] == ("errors: Pass",)

    def test_when_latencies_were_counted_then_the_slow_end_lies_between_bounds(self):
        counts = arm(1000, histogram=(100, 700, 160, 35, 5))
        found = summarise(seen(counts, counts, bounds=(0.05, 0.1, 0.25, 0.5)), DEFAULTS)
        assert (found["canary_latency_p95_low"], found["canary_latency_p95_high"]) == (0.1, 0.5)
        assert found["labels"] == ("errors: Pass", "latency: Pass")

    def test_when_the_slow_end_is_beyond_all_bounds_then_the_figures_are_still_json(self):
        counts = arm(5, histogram=(1, 4))
        found = summarise(seen(counts, counts, bounds=(0.05,)), DEFAULTS)
        assert found["canary_latency_p95_high"] is None
        assert json.dumps(found, allow_nan=False)

    def test_when_all_traffic_went_over_then_the_baseline_is_what_it_was_beside_it(self):
        stages = (StageCounts(0.5, arm(1000, 10), arm(1000, 10)), StageCounts(1.0, arm(3000, 30), arm(7)))
        found = summarise(Evidence(stages), DEFAULTS)
        assert found["baseline_error_rate_high"] > found["canary_error_rate_high"]


class TestGivenDamage:
    def test_when_it_takes_back_then_the_score_is_nothing(self):
        found = summarise(seen(arm(500, 50), arm(500, 5), gauges=(MEMORY,)), DEFAULTS)
        assert found["score"] == 0.0
        assert found["labels"] == ("errors: High", "memory: High")

    def test_when_it_is_only_observed_then_it_weighs_as_much_as_its_group(self):
        settings = replace(DEFAULTS, on_errors=Action.OBSERVE)
        well = replace(MEMORY, candidate=MEMORY.stable)
        assert summarise(seen(arm(500, 50), arm(500, 5), gauges=(well,)), settings)["score"] == 25.0

    def test_when_only_a_gauge_differs_then_three_quarters_are_left_and_the_words_say_how_much(self):
        found = summarise(seen(arm(500, 5), arm(500, 5), gauges=(MEMORY,)), DEFAULTS)
        assert found["score"] == 75.0
        (effect,) = found["gauge_effects"]
        assert effect == (
            "memory: median 204.5 beside 104.5, mean × 1.96, shift +100 (+96 to +104), larger in 100% of pairs, "
            "p 0.000183, +33.03 standard deviations"
        )

    def test_when_less_memory_is_used_then_that_is_no_harm(self):
        turned = GaugePair("memory", MEMORY.stable, MEMORY.candidate)
        assert summarise(seen(arm(500), arm(500), gauges=(turned,)), DEFAULTS)["score"] == 100.0


class TestGivenNothingBeside:
    @pytest.mark.parametrize("evidence", [Evidence(), seen(arm(100), arm(0), 1.0)])
    def test_then_nothing_is_said_to_be_well(self, evidence):
        found = summarise(evidence, DEFAULTS)
        assert found["labels"] == ("errors: No data",)
        assert found["score"] == 0.0

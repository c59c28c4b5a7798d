"""Intervals that hold at every look: against published cases, and how seldom the truth is ever outside."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.analysis.sequential.error_share import log_evidence_above
from console.analysis.sequential.intervals import (
    log_evidence_of_other,
    prior_strength,
    quantile_interval,
    rate_interval,
)
from tests.analysis.vectors import used

CASES = used("confidence_sequences_confseq")
BETA = [case for case in CASES if case["function"].startswith("beta_binomial")]
BUCKETS = {0.05: 100, 0.1: 800, 0.25: 960, 0.5: 995, math.inf: 1000}


class TestGivenPublishedCases:
    @pytest.mark.parametrize(
        "case",
        [one for one in CASES if one["function"] == "bernoulli_confidence_interval"],
        ids=lambda one: f"{one['successes']}-of-{one['trials']}",
    )
    def test_then_the_interval_of_a_rate_is_that_of_confseq(self, case):
        ours = rate_interval(case["successes"], case["trials"], case["alpha"], case["t_opt"])
        assert ours == pytest.approx(tuple(case["expected"]), abs=1e-5)

    @pytest.mark.parametrize("case", BETA, ids=lambda one: f"{one['function']}-{one['one_sided']}")
    def test_then_evidence_is_that_of_the_mixture(self, case):
        """`s` is hits less those expected, `v` their variance; of a bound, evidence there is what alpha asks for."""
        rate, alpha = case["g"], case.get("alpha", 0.05)
        trials = case["v"] / (rate * (1.0 - rate))
        hits = case.get("s", case["expected"]) + rate * trials
        evidence = log_evidence_above if case["one_sided"] else log_evidence_of_other
        strength = prior_strength(trials, alpha * (2 if case["one_sided"] else 1))
        expected = case["expected"] if "s" in case else -math.log(alpha)
        assert evidence(hits, trials - hits, rate, strength) == pytest.approx(expected, abs=1e-5)


class TestGivenARate:
    @given(hits=st.integers(0, 60), more=st.integers(1, 4000))
    @settings(max_examples=40)
    def test_then_its_interval_encloses_what_was_measured(self, hits, more):
        low, high = rate_interval(hits, hits + more, 0.05)
        assert 0.0 <= low <= hits / (hits + more) <= high <= 1.0

    def test_when_nothing_is_known_then_it_may_be_anything(self):
        assert rate_interval(0, 0, 0.05) == (0.0, 1.0)

    def test_when_looking_after_every_ten_requests_then_the_truth_is_hardly_ever_outside(self):
        outside = 0
        for seed in range(60):
            dice, hits = random.Random(seed), 0
            for trials in range(10, 1501, 10):
                hits += sum(dice.random() < 0.05 for _ in range(10))
                if log_evidence_of_other(hits, trials - hits, 0.05, prior_strength(1000)) >= -math.log(0.05):
                    outside += 1
                    break
        assert outside <= 3 + 2.33 * math.sqrt(3)


class TestGivenBucketsOfLatencies:
    def test_then_a_quantile_lies_between_the_nearest_bounds_that_are_sure(self):
        assert quantile_interval(BUCKETS, 0.95, 0.05) == (0.1, 0.5)
        assert quantile_interval(BUCKETS, 0.5, 0.05) == (0.05, 0.1)

    def test_when_there_are_more_requests_then_it_is_narrower(self):
        assert quantile_interval({bound: 20 * count for bound, count in BUCKETS.items()}, 0.95, 0.05) == (0.1, 0.25)

    def test_when_little_is_known_then_it_may_be_in_the_open_bucket(self):
        assert quantile_interval({0.1: 3, math.inf: 4}, 0.95, 0.05) == (0.0, math.inf)

    def test_when_nothing_was_counted_then_nothing_is_claimed(self):
        assert quantile_interval({}, 0.95, 0.05) is None
        assert quantile_interval({0.1: 0, math.inf: 0}, 0.95, 0.05) is None

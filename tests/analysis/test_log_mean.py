"""Means of ln(latency) from buckets: what the estimate is, and how seldom equal arms look different."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from itertools import pairwise
from operator import mul
from statistics import NormalDist

import pytest

from console.analysis.sequential.log_mean import (
    half_width,
    log_evidence_of_more,
    log_latency,
    log_middles,
    mixing_variance,
)
from tests.analysis.vectors import used

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


ALPHA, TUNED_FOR = 0.05, 100
"""Of the published cases of `confseq`."""


def of(function: str):
    return [case for case in used("confidence_sequences_confseq") if case["function"] == function]


def histogram(values: list[float]) -> tuple[int, ...]:
    counts = [0] * (len(BOUNDS) + 1)
    for value in values:
        counts[bisect_left(BOUNDS, value)] += 1
    return tuple(counts)


def latencies(dice: random.Random, number: int, median: float, sigma: float = 0.5) -> list[float]:
    return [dice.lognormvariate(math.log(median), sigma) for _ in range(number)]


class TestGivenBuckets:
    def test_then_each_is_taken_at_its_geometric_middle(self):
        middles = log_middles(BOUNDS)
        assert math.exp(middles[5]) == pytest.approx(math.sqrt(0.1 * 0.25))
        assert list(middles) == sorted(middles)

    def test_when_nothing_was_counted_then_there_is_no_estimate(self):
        assert log_latency((0,) * 12, BOUNDS) is None
        assert log_latency((), BOUNDS) is None

    @pytest.mark.parametrize("median", [0.08, 0.13, 0.2, 0.32])
    def test_when_every_answer_is_a_fifth_slower_then_the_means_differ_by_about_that(self, median):
        dice = random.Random(7)
        slow = log_latency(histogram(latencies(dice, 20_000, median * 1.2)), BOUNDS)
        fast = log_latency(histogram(latencies(dice, 20_000, median)), BOUNDS)
        assert slow.mean - fast.mean == pytest.approx(math.log(1.2), abs=0.03)

    def test_when_all_answers_fall_into_one_bucket_then_the_variance_is_not_thought_to_be_nothing(self):
        assert log_latency(histogram([0.2] * 500), BOUNDS).variance > 0.0

    def test_when_buckets_are_coarse_then_a_slowdown_costs_about_a_quarter_more_requests(self):
        """A fifth slower around 0.15 s, where Caddy has bounds at 0.1 s and 0.25 s, beside single latencies."""

        def moments(median: float) -> tuple[float, float]:
            normal = NormalDist(math.log(median), 0.5)
            below = [0.0, *(normal.cdf(math.log(bound)) for bound in BOUNDS), 1.0]
            parts = [after - before for before, after in pairwise(below)]
            mean = math.fsum(map(mul, parts, log_middles(BOUNDS)))
            return mean, math.fsum(
                part * one**2 for part, one in zip(parts, log_middles(BOUNDS), strict=True)
            ) - mean**2

        (fast, spread), (slow, more) = moments(0.15), moments(0.18)
        exact = math.log(1.2) ** 2 / 0.25
        assert exact / ((slow - fast) ** 2 / ((spread + more) / 2)) == pytest.approx(1.25, abs=0.03)


class TestGivenEqualArms:
    @pytest.mark.parametrize("sigma", [0.2, 0.5, 1.5])
    def test_when_looked_at_after_every_canary_request_then_evidence_hardly_ever_reaches_one_in_a_hundred(self, sigma):
        alpha, found, runs = 0.05, 0, 60
        for seed in range(runs):
            dice = random.Random(seed)
            ours, theirs = [0] * 12, [0] * 12
            for look in range(90):
                for counts, number in ((ours, 2), (theirs, 8)):
                    for value in latencies(dice, number, 0.12, sigma):
                        counts[bisect_left(BOUNDS, value)] += 1
                if look < 24:
                    continue
                a, b = log_latency(tuple(ours), BOUNDS), log_latency(tuple(theirs), BOUNDS)
                variance = a.variance / a.requests + b.variance / b.requests
                if log_evidence_of_more(a.mean - b.mean, variance, a.requests, alpha) >= -math.log(alpha):
                    found += 1
                    break
        assert found <= alpha * runs + 2.33 * math.sqrt(alpha * runs)

    def test_when_the_difference_is_larger_then_the_evidence_is(self):
        found = [log_evidence_of_more(difference / 10, 0.01, 100, 0.0025) for difference in range(-5, 6)]
        assert found == sorted(found)


class TestGivenPublishedCases:
    @pytest.mark.parametrize("case", used("growthbook_asymptotic_cs"), ids=lambda one: str(one["N"]))
    def test_then_the_width_is_that_of_the_published_sequence(self, case):
        ours = half_width(case["standard_error"] ** 2, case["N"], case["alpha"], case["N_star"])
        assert ours == pytest.approx(case["half_width"], rel=1e-9)

    @pytest.mark.parametrize("case", of("two_sided_normal_best_rho"))
    def test_then_the_prior_is_the_sharpest_one(self, case):
        assert 1.0 / mixing_variance(case["alpha"] / 2, case["v"]) == pytest.approx(case["expected"], abs=1e-5)

    @pytest.mark.parametrize("case", of("normal_log_mixture"))
    def test_then_evidence_is_that_of_the_mixture(self, case):
        """`s` is a sum of `v` observations of variance one."""
        ours = log_evidence_of_more(case["s"] / case["v"], 1.0 / case["v"], case["v"], ALPHA, TUNED_FOR)
        assert ours == pytest.approx(case["expected"], abs=1e-5)

    @pytest.mark.parametrize("case", of("normal_mixture_bound"), ids=lambda one: f"one-sided {one['one_sided']}")
    def test_then_bounds_lie_where_evidence_reaches_what_is_needed(self, case):
        mean = case["expected"] / case["v"]
        if case["one_sided"]:
            ours = log_evidence_of_more(mean, 1.0 / case["v"], case["v"], case["alpha"], TUNED_FOR)
            assert ours == pytest.approx(-math.log(case["alpha"]), abs=1e-5)
        else:
            assert half_width(1.0 / case["v"], case["v"], case["alpha"], TUNED_FOR) == pytest.approx(mean, abs=1e-7)

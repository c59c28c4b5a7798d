"""The error-share evidence against published vectors, an independent computation, and its own promise."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.analysis.sequential.beta import log_above, log_below, log_beta
from console.analysis.sequential.bounds import lower_bound, upper_bound
from console.analysis.sequential.error_share import log_e, log_e_of_stages, theta_at_most
from console.analysis.sequential.split_check import log_evidence_of_other_split
from tests.analysis.vectors import used

NOTHING = 1e-18


def exact_below(a: int, b: int, x: Fraction) -> float:
    """P[Beta(a, b) < x] for whole a and b: a binomial tail, in exact fractions."""
    n = a + b - 1
    return float(sum(math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(a, n + 1)))


def integrated_below(a: float, b: float, x: float, panels: int = 40_000) -> float:
    """P[Beta(a, b) < x] by Simpson's rule after t = x·u^(1/a), which removes the singularity at 0 for small a."""
    total = 0.0
    for i in range(panels + 1):
        u = i / panels
        value = (1.0 - x * u ** (1.0 / a)) ** (b - 1.0) if u > 0 else 1.0
        total += value * (1 if i in (0, panels) else 4 if i % 2 else 2)
    return total / (3 * panels) * x**a / a / math.exp(log_beta(a, b))


def false_rollback_probability(share: float, alpha: float, horizon: int) -> float:
    """Exact: follow the distribution of canary errors under the boundary null, absorbing whatever crosses."""
    theta, bound = theta_at_most(share), -math.log(alpha)
    alive, first, crossed = [1.0], 0, 0.0  # chances of `first`, `first` + 1, … canary errors
    lowest = 0  # the fewest canary errors that cross; it only rises with the number of errors
    for errors in range(1, horizon + 1):
        alive = [one * theta + same * (1.0 - theta) for one, same in pairwise([0.0, *alive, 0.0])]
        while lowest <= errors and log_e(lowest, errors - lowest, share) < bound:
            lowest += 1
        crossed += math.fsum(alive[lowest - first :])
        del alive[lowest - first :]
        while alive[0] < NOTHING:
            del alive[0]
            first += 1
    return crossed


def integral_above(log_density, low: float, step: float = 1 / 64) -> float:
    """Logarithm of the integral from `low` to 1, by the double exponential rule, which bears singular ends.

    The density is given a place and, exactly also where that is nearly 1, what is left from there to 1.
    """
    logs = []
    for place in range(-256, 257):
        u = place * step
        half = (1.0 - low) / 2
        left = half * 2.0 / (1.0 + math.exp(math.pi * math.sinh(u)))
        if not 0.0 < left < 1.0 - low:
            continue
        weight = math.pi / 2 * math.cosh(u) / math.cosh(math.pi / 2 * math.sinh(u)) ** 2
        if weight > 0.0:
            logs.append(log_density(1.0 - left, left) + math.log(half * weight * step))
    top = max(logs)
    return top + math.log(math.fsum(math.exp(one - top) for one in logs))


class TestGivenTheBetaDistribution:
    @pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 5), (30, 4), (12, 200), (150, 150)])
    @pytest.mark.parametrize("x", [Fraction(1, 100), Fraction(1, 3), Fraction(9, 10)])
    def test_when_both_are_whole_then_it_equals_the_exact_binomial_tail(self, a, b, x):
        expected = exact_below(a, b, x)
        if expected > 1e-300:
            assert log_below(a, b, float(x)) == pytest.approx(math.log(expected), rel=1e-9, abs=1e-9)

    @pytest.mark.parametrize(("a", "b", "x"), [(0.2, 3.8, 0.05), (2.5, 3.5, 0.4), (5.2, 3.8, 0.05), (1.7, 40.3, 0.02)])
    def test_when_they_are_not_whole_then_it_equals_numerical_integration(self, a, b, x):
        assert math.exp(log_below(a, b, x)) == pytest.approx(integrated_below(a, b, x), rel=1e-6)

    @given(a=st.floats(0.05, 5000), b=st.floats(0.05, 5000), x=st.floats(0.001, 0.999))
    @settings(max_examples=200)
    def test_then_both_sides_sum_to_one(self, a, b, x):
        assert math.exp(log_below(a, b, x)) + math.exp(log_above(a, b, x)) == pytest.approx(1.0, abs=1e-9)

    def test_when_counts_are_huge_then_it_stays_finite_and_quick(self):
        assert math.isfinite(log_above(40_000, 960_000, 0.04))
        assert log_above(40_000, 960_000, 0.04) == pytest.approx(math.log(0.5), abs=0.01)


class TestGivenThePublishedVectors:
    @pytest.mark.parametrize("case", used("error_share_e_process"), ids=lambda one: f"{one['log_e']:.3g}")
    def test_then_every_log_evidence_agrees_to_nine_digits(self, case):
        ours = log_e(case["canary_errors"], case["baseline_errors"], case["canary_share"], case["tolerated_ratio"])
        assert ours == pytest.approx(case["log_e"], rel=1e-9, abs=1e-12)

    @pytest.mark.parametrize(
        "case", used("exact_false_rollback_probability"), ids=lambda one: f"{one['canary_share']}-{one['alpha']}"
    )
    def test_then_the_exact_false_rollback_probability_agrees(self, case):
        ours = false_rollback_probability(case["canary_share"], case["alpha"], case["errors_horizon"])
        assert ours == pytest.approx(case["probability_of_false_rollback"], rel=1e-6)
        assert ours <= case["alpha"]


class TestGivenAnIndependentComputation:
    @pytest.mark.parametrize(("share", "ratio"), [(0.05, 1.0), (0.25, 1.0), (0.5, 1.0), (0.1, 2.0)])
    @pytest.mark.parametrize(("canary", "baseline"), [(0, 7), (1, 0), (4, 6), (12, 40), (30, 3)])
    def test_then_log_evidence_agrees_to_nine_digits(self, canary, baseline, share, ratio):
        """The integral over the prior itself, in the logarithm of theta, by another rule than the product's."""
        theta = theta_at_most(share, ratio)
        a, b = 4.0 * theta, 4.0 * (1.0 - theta)
        weight = integral_above(lambda t, left: (a - 1.0) * math.log(t) + (b - 1.0) * math.log(left), theta)
        both = integral_above(
            lambda t, left: (a + canary - 1.0) * math.log(t) + (b + baseline - 1.0) * math.log(left), theta
        )
        expected = both - weight - canary * math.log(theta) - baseline * math.log1p(-theta)
        assert log_e(canary, baseline, share, ratio) == pytest.approx(expected, rel=1e-9, abs=1e-9)


class TestGivenACanaryThatIsNoWorse:
    @pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.25, 0.5, 0.9])
    @pytest.mark.parametrize("alpha", [0.05, 0.01, 0.004])
    def test_when_looking_after_every_error_then_the_chance_of_a_rollback_stays_within_alpha(self, share, alpha):
        assert false_rollback_probability(share, alpha, 300) <= alpha

    def test_when_nothing_failed_then_there_is_no_evidence(self):
        assert log_e(0, 0, 0.1) == 0.0

    def test_when_both_suffer_the_same_outage_then_there_is_no_evidence(self):
        assert log_e(100, 900, 0.1) < 0.0


class TestGivenStages:
    def test_then_evidence_is_frozen_and_multiplied(self):
        together = log_e_of_stages([(0.1, 4, 1), (0.5, 3, 0)])
        assert together == pytest.approx(log_e(4, 1, 0.1) + log_e(3, 0, 0.5))

    def test_when_nothing_runs_beside_then_the_stage_adds_nothing(self):
        assert log_e_of_stages([(0.0, 0, 7), (1.0, 7, 0)]) == 0.0


class TestGivenBounds:
    @given(hits=st.integers(0, 40), more=st.integers(1, 400))
    @settings(max_examples=60)
    def test_then_they_enclose_what_was_measured(self, hits, more):
        trials = hits + more
        assert lower_bound(hits, trials, 0.01) <= hits / trials <= upper_bound(hits, trials, 0.01)


class TestGivenASplit:
    def test_when_it_is_fair_then_there_is_no_evidence_against_it(self):
        assert log_evidence_of_other_split([(0.05, 500, 9_500)]) < 0.0

    @pytest.mark.parametrize("canary", [350, 170])
    def test_when_other_shares_come_than_five_percent_then_it_is_found_within_five_thousand(self, canary):
        assert log_evidence_of_other_split([(0.05, canary, 5_000 - canary)]) > -math.log(0.001)

    def test_then_stages_multiply(self):
        both = log_evidence_of_other_split([(0.05, 60, 900), (0.5, 300, 260)])
        each = log_evidence_of_other_split([(0.05, 60, 900)]) + log_evidence_of_other_split([(0.5, 300, 260)])
        assert both == pytest.approx(each)

"""Likelihood ratios of a few sizes: an independent computation, the exact chance of misleading, and what they obey."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.analysis.sequential.ratios import LESS, MORE, SLIGHTLY_MORE, Sizes, log_evidence
from console.analysis.sequential.split_check import OTHER

ALL = pytest.mark.parametrize("sizes", [MORE, SLIGHTLY_MORE, LESS, OTHER], ids=["more", "slightly", "less", "other"])
counts = st.integers(0, 60)


def exact(hits: int, misses: int, bound: Fraction, sizes: Sizes) -> Fraction:
    """The same evidence in exact fractions, from the probabilities themselves."""
    total = Fraction(0)
    for ratio, weight in sizes.ratios:
        odds = bound / (1 - bound) * Fraction(ratio)
        chance = odds / (1 + odds)
        total += Fraction(weight) * (chance / bound) ** hits * ((1 - chance) / (1 - bound)) ** misses
    return total


def misleading_probability(bound: float, alpha: float, sizes: Sizes, horizon: int) -> float:
    """Exact, by dynamic programming over the number of hits, under the boundary of the null; looked at every time."""
    needed = -math.log(alpha)
    alive, crossed = {0: 1.0}, 0.0
    for trials in range(1, horizon + 1):
        after: dict[int, float] = {}
        for hits, weight in alive.items():
            after[hits] = after.get(hits, 0.0) + weight * (1.0 - bound)
            after[hits + 1] = after.get(hits + 1, 0.0) + weight * bound
        over = [hits for hits in after if log_evidence(hits, trials - hits, bound, sizes) >= needed]
        crossed += sum(after.pop(hits) for hits in over)
        alive = {hits: weight for hits, weight in after.items() if weight > 1e-15}
    return crossed


class TestGivenSizes:
    @ALL
    def test_then_their_weights_sum_to_one(self, sizes):
        assert math.fsum(weight for _, weight in sizes.ratios) == pytest.approx(1.0, abs=1e-12)

    @ALL
    @pytest.mark.parametrize(("hits", "misses"), [(0, 0), (1, 0), (0, 1), (5, 20), (8, 18), (20, 60), (30, 400)])
    @pytest.mark.parametrize("bound", [Fraction(1, 20), Fraction(1, 4), Fraction(1, 2), Fraction(9, 10)])
    def test_then_evidence_equals_an_exact_computation_to_nine_digits(self, sizes, hits, misses, bound):
        expected = exact(hits, misses, bound, sizes)
        log = math.log(expected.numerator) - math.log(expected.denominator)
        assert log_evidence(hits, misses, float(bound), sizes) == pytest.approx(log, rel=1e-9, abs=1e-9)


class TestGivenThatNothingIsWrong:
    @pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
    @pytest.mark.parametrize("alpha", [0.05, 0.01, 0.0025])
    @pytest.mark.parametrize("sizes", [MORE, OTHER], ids=["more", "other"])
    def test_when_looking_every_time_then_the_chance_of_misleading_stays_within_alpha(self, share, alpha, sizes):
        assert 0.0 < misleading_probability(share, alpha, sizes, 150) <= alpha

    def test_when_looking_more_often_then_the_evidence_is_the_same(self):
        """It is made of the counts alone: looks leave no trace in it."""
        for hits in range(10):
            log_evidence(hits, 100, 0.05)
        assert log_evidence(9, 100, 0.05) == log_evidence.__wrapped__(9, 100, 0.05)


def requests_until_found(dice: random.Random, share: float, ours: float, theirs: float, alpha: float) -> int:
    """Canary requests until errors tell, jumping from one failed request to the next."""
    failing = share * ours + (1.0 - share) * theirs
    sound = share * (1.0 - ours) / (1.0 - failing)
    canary = requests = hits = misses = 0
    while log_evidence(hits, misses, share) < -math.log(alpha):
        good = int(math.log(1.0 - dice.random()) / math.log1p(-failing))
        requests += good + 1
        canary += round(good * sound + dice.gauss(0.0, math.sqrt(good * sound * (1.0 - sound))))
        failed = dice.random() < share * ours / failing
        hits, misses, canary = hits + failed, misses + (not failed), canary + failed
    return canary


def requests_until_split(dice: random.Random, share: float, real: float, alpha: float) -> int:
    canary = requests = 0
    while log_evidence(canary, requests - canary, share, OTHER) < -math.log(alpha):
        canary += sum(dice.random() < real for _ in range(25))
        requests += 25
    return requests


class TestGivenTheFiguresThatDocstringsName:
    """Medians and 95th percentiles as written there, up to what so few runs can tell."""

    def test_then_five_points_of_errors_are_found_as_soon_as_said(self):
        dice = random.Random(1)
        found = sorted(requests_until_found(dice, 0.05, 0.06, 0.01, 0.0065) for _ in range(1200))
        assert found[600] == pytest.approx(101, abs=8)
        assert found[1140] == pytest.approx(255, abs=25)

    def test_then_an_unfair_split_is_found_as_soon_as_said(self):
        dice = random.Random(1)
        found = sorted(requests_until_split(dice, 0.05, 0.07, 0.001) for _ in range(200))
        assert found[100] == pytest.approx(1850, abs=300)
        assert found[190] == pytest.approx(4100, abs=800)


class TestGivenMoreOfOneSort:
    @given(hits=counts, misses=counts, bound=st.floats(0.01, 0.9))
    def test_when_another_hit_comes_then_evidence_of_more_rises_and_of_less_falls(self, hits, misses, bound):
        assert log_evidence(hits + 1, misses, bound) >= log_evidence(hits, misses, bound)
        assert log_evidence(hits + 1, misses, bound, LESS) <= log_evidence(hits, misses, bound, LESS)

    @given(hits=counts, misses=counts, bound=st.floats(0.01, 0.4))
    def test_when_the_bound_is_higher_then_evidence_of_more_is_less(self, hits, misses, bound):
        assert log_evidence(hits, misses, bound * 2) <= log_evidence(hits, misses, bound) + 1e-9

"""Totals that restart, and what is read from buckets."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.analysis.counters import Window, bound_near, increment, quantile, slower_than
from providers.contract import ArmCounters


def totals(requests: int, errors: int = 0, seconds: float = 0.0, buckets: dict[float, int] | None = None):
    return ArmCounters(requests, errors, seconds, buckets or {})


class TestGivenTotals:
    def test_when_they_grow_then_the_difference_is_new(self):
        step = increment(totals(100, 3, 1.0, {0.1: 90, math.inf: 100}), totals(150, 4, 1.5, {0.1: 130, math.inf: 150}))
        assert (step.requests, step.errors, step.latency_sum) == (50, 1, 0.5)
        assert step.buckets == {0.1: 40, math.inf: 50}
        assert not step.is_seam

    def test_when_they_fall_then_all_they_show_came_since(self):
        step = increment(totals(100, 3, 1.0), totals(7, 1, 0.1))
        assert (step.requests, step.errors, step.is_seam) == (7, 1, True)

    def test_when_nothing_was_seen_before_then_the_past_is_not_counted(self):
        assert increment(None, totals(5000, 20)).requests == 0

    @given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=30))
    def test_then_no_request_is_counted_twice_or_lost_between_looks(self, story):
        """A router that restarts right after a look loses nothing; the sum of all steps is what was answered."""
        shown, before, counted, answered = 1, totals(1), 0, 0
        for requests, restarts in story:
            if restarts:
                shown = 0
            shown += requests
            after = totals(shown)
            step = increment(before, after)
            if restarts and shown >= before.requests:
                return  # indistinguishable from growth, which is why a collector looks right after a change
            counted += step.requests
            answered += requests
            before = after
        assert counted == answered


BUCKETS = {0.01: 50, 0.1: 90, 1.0: 100, math.inf: 100}


class TestGivenBuckets:
    def test_then_quantiles_are_interpolated(self):
        assert quantile(BUCKETS, 0.5) == pytest.approx(0.01)
        assert quantile(BUCKETS, 0.7) == pytest.approx(0.055)
        assert quantile(BUCKETS, 0.95) == pytest.approx(0.55)

    def test_when_it_lies_in_the_open_bucket_then_its_lower_bound_is_told(self):
        assert quantile({0.1: 50, math.inf: 100}, 0.9) == pytest.approx(0.1)

    def test_when_there_is_nothing_then_there_is_no_quantile(self):
        assert quantile({}, 0.5) is None
        assert quantile({0.1: 0, math.inf: 0}, 0.5) is None

    def test_then_a_threshold_is_one_of_the_bounds(self):
        assert bound_near(BUCKETS, 0.75) == 0.1
        assert bound_near({}, 0.75) is None
        assert slower_than(BUCKETS, 0.1) == 10

    @given(st.lists(st.integers(0, 100), min_size=3, max_size=8), st.floats(0.01, 0.99))
    def test_then_a_quantile_never_falls_as_its_part_rises(self, counts, part):
        cumulative, buckets = 0, {}
        for number, count in enumerate(counts):
            cumulative += count
            buckets[math.inf if number == len(counts) - 1 else 0.01 * 2**number] = cumulative
        low, high = quantile(buckets, part / 2), quantile(buckets, part)
        assert (low is None) == (high is None)
        assert low is None or low <= high + 1e-12


class TestGivenAWindow:
    def test_then_rates_are_taken_over_what_it_covers(self):
        window = Window(10)
        for second in range(5):
            window.look(second, totals(second * 20, second * 2))
        assert window.request_rate == pytest.approx(20)
        assert window.error_rate == pytest.approx(0.1)

    def test_when_the_router_restarts_then_no_rate_is_taken_across_the_seam(self):
        window = Window(10)
        window.look(0, totals(1000))
        window.look(1, totals(1020))
        window.look(2, totals(5))
        window.look(3, totals(25))
        assert window.request_rate == pytest.approx(20)
        assert window.seconds == pytest.approx(2)

    def test_when_time_passes_then_the_old_is_forgotten(self):
        window = Window(5)
        window.look(0, totals(0))
        window.look(1, totals(100))
        window.look(20, totals(100))
        window.look(21, totals(100))
        assert window.error_rate is None

    def test_when_nothing_was_seen_then_nothing_is_said(self):
        window = Window()
        window.look(0, totals(500))
        assert window.request_rate is None
        assert window.latency(0.5) is None

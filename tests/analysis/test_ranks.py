"""Ranks and gauges against SciPy, R and Kayenta, and against the faults of the last."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.analysis.fixed.gauges import DIFFERENT, HIGH, NO_DATA, PASS, TOO_FEW, Limits, classify
from console.analysis.fixed.ranks import compare_ranks
from tests.analysis.vectors import load

REFERENCE = load("canary_statistics_vectors.json", module=True)
KAYENTA = load("kayenta_cases.json", module=True)
TWO_SIDED = [
    case
    for case in REFERENCE["mann_whitney_scipy"]["cases"]
    if case["method"] == "asymptotic" and case["use_continuity"] and case["alternative"] == "two-sided"
]
LABELS = {"Nodata": NO_DATA}
ROOT_OF_R = 2e-4


def of_kayenta(options) -> Limits:
    allowed = options["effectSizeThresholds"]
    return Limits(
        options["tolerance"],
        options["confLevel"],
        allowed["allowedIncrease"],
        allowed["allowedDecrease"],
        options["effectSizeMeasure"] == "cles",
    )


def classifier_cases():
    """Those whose options the product has: both directions, missing values left out."""
    for case in KAYENTA["classifier_cases"]:
        options = case["options"]
        plain = options["classifier"] == "MannWhitney" and options["nanStrategy"] == "remove"
        if plain and case["expected"]["classification"] is not None and options["direction"] == "either":
            yield pytest.param(case, id=f"{case['line']}")


class TestGivenPublishedCases:
    @pytest.mark.parametrize("case", TWO_SIDED, ids=lambda case: f"{len(case['x'])}-{len(case['y'])}")
    def test_then_the_p_value_is_that_of_scipy(self, case):
        found = compare_ranks([*map(float, case["x"])], [*map(float, case["y"])])
        assert found.p_value == pytest.approx(case["pvalue"], abs=1e-9)

    @pytest.mark.parametrize(
        "case", [one for one in REFERENCE["mann_whitney_R"]["cases"] if not one["exact"]], ids=lambda one: one["id"]
    )
    def test_then_interval_and_estimate_are_those_of_r(self, case):
        found = compare_ranks(case["x"], case["y"], case["conf_level"])
        assert found.statistic == case["W"]
        assert found.p_value == pytest.approx(case["pvalue"], abs=1e-9)
        assert (found.lower, found.upper) == pytest.approx((case["lower"], case["upper"]), abs=ROOT_OF_R)
        # Where half of the differences lie on each side of a gap, R's root is anywhere within it; ours is its middle.
        differences = sorted(x - y for x in case["x"] for y in case["y"])
        below = max(one for one in differences if one <= found.shift)
        above = min(one for one in differences if one >= found.shift)
        assert below - ROOT_OF_R <= case["estimate"] <= above + ROOT_OF_R

    @pytest.mark.parametrize("case", classifier_cases())
    def test_then_the_label_is_that_of_kayenta(self, case):
        found = classify(tuple(case["experiment"]), tuple(case["control"]), of_kayenta(case["options"]))
        expected = case["expected"]["classification"]
        assert found.label == LABELS.get(expected, expected)

    @pytest.mark.parametrize(
        "case",
        [one for one in KAYENTA["statistic_cases"] if one["function"] == "cles"],
        ids=lambda one: str(one["line"]),
    )
    def test_then_the_common_language_effect_is_that_of_kayenta(self, case):
        pairs = len(case["experiment"]) * len(case["control"])
        found = compare_ranks(case["experiment"], case["control"]).larger(pairs)
        assert found == pytest.approx(case["expected"], abs=max(case["tolerance"], 5e-3))


class TestGivenWhatKayentaGetsWrong:
    @pytest.mark.parametrize("points", [1, 2, 3, 4])
    def test_when_there_are_fewer_than_five_readings_then_nothing_is_called_different(self, points):
        found = classify(tuple(100.0 + i for i in range(points)), tuple(1.0 + i for i in range(points)))
        assert found.label == TOO_FEW

    def test_when_mostly_zeros_hide_errors_then_they_are_seen(self):
        case = next(one for one in KAYENTA["extra_real_world_cases"] if one["id"].endswith("#5622"))
        found = classify(tuple(map(float, case["experiment"])), tuple(map(float, case["control"])))
        assert found.label == case["operator_expected"]

    def test_when_one_arm_tells_nothing_then_it_is_no_pass(self):
        assert classify((math.nan, math.nan), (1.0, 2.0)).label == NO_DATA

    def test_when_a_quiet_gauge_is_one_percent_higher_then_it_passes(self):
        stable = tuple(100.0 + i / 100 for i in range(10))
        assert classify(tuple(one * 1.01 for one in stable), stable).label == PASS

    @given(scale=st.sampled_from([1e-6, 1e-3, 1.0, 1e6]))
    def test_then_the_unit_does_not_matter(self, scale):
        ours, theirs = [20, 22, 21, 25, 30, 24], [11, 12.2, 11.1, 12.5, 13, 12]
        found = classify(tuple(one * scale for one in ours), tuple(one * scale for one in theirs))
        assert found.label == HIGH

    @given(st.lists(st.floats(0.1, 100), min_size=5, max_size=12))
    def test_then_a_sample_never_differs_from_itself(self, values):
        assert classify(tuple(values), tuple(values)).label not in DIFFERENT

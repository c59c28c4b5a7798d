"""Ranks and gauges against SciPy, R and Kayenta, and against the faults of the last."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.analysis.fixed.gauges import DIFFERENT, HIGH, NO_DATA, PASS, TOO_FEW, Direction, Limits, classify
from console.analysis.fixed.ranks import compare_ranks
from console.analysis.fixed.score import Scored, score
from console.analysis.fixed.summary import mean_ratio, outliers, percentile, standardised_difference
from tests.analysis.vectors import used

LABELS = {"Nodata": NO_DATA}
ROOT_OF_R = 2e-4


SIDES = {"two-sided": "p_value", "greater": "p_greater", "less": "p_less"}


def of_kayenta(options) -> Limits:
    allowed = options["effectSizeThresholds"]
    return Limits(
        options["tolerance"],
        options["confLevel"],
        allowed["allowedIncrease"],
        allowed["allowedDecrease"],
        options["effectSizeMeasure"] == "cles",
        Direction(options["direction"]),
    )


def floats(values) -> tuple[float, ...]:
    return tuple(map(float, values))


class TestGivenPublishedCases:
    @pytest.mark.parametrize("case", used("mann_whitney_scipy"), ids=lambda case: f"{len(case['x'])}-{len(case['y'])}")
    def test_then_the_p_value_is_that_of_scipy(self, case):
        found = compare_ranks(floats(case["x"]), floats(case["y"]))
        assert found.statistic == case["statistic"] or case["alternative"] == "two-sided"
        assert getattr(found, SIDES[case["alternative"]]) == pytest.approx(case["pvalue"], abs=1e-9)

    @pytest.mark.parametrize("case", used("mann_whitney_R"), ids=lambda one: one["id"])
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

    @pytest.mark.parametrize("case", used("classifier_cases"), ids=lambda one: str(one["line"]))
    def test_then_the_label_is_that_of_kayenta(self, case):
        found = classify(tuple(case["experiment"]), tuple(case["control"]), of_kayenta(case["options"]))
        expected = case["expected"]["classification"] or "Nodata"
        assert found.label == LABELS.get(expected, expected)

    @pytest.mark.parametrize("case", used("mannwhitney_cases"), ids=lambda one: f"{one['line']}-{one.get('mu', '')}")
    def test_then_the_interval_is_that_of_kayenta_up_to_its_root(self, case):
        """Its root has an absolute tolerance of 1e-4, on data that lie as close as that too."""
        expected = case["expected"]
        if case["function"] == "wilcoxonDiff":
            found = compare_ranks([x - case["mu"] for x in case["x"]], case["y"])
            assert found.p_less == pytest.approx(NormalDist().cdf(expected), abs=1e-6)
            return
        ours, theirs = (case.get(name, case.get(other)) for name, other in (("experiment", "x"), ("control", "y")))
        found = compare_ranks(ours, theirs, case["confidenceLevel"])
        if case["function"] == "intermediate":
            expected = {"lower": expected["rCil"], "upper": expected["rCiu"], "estimate": expected["rEst"]}
        bounds = (expected["lower"], expected["upper"], expected["estimate"])
        assert (found.lower, found.upper, found.shift) == pytest.approx(bounds, abs=ROOT_OF_R)

    @pytest.mark.parametrize("case", used("statistic_cases"), ids=lambda one: f"{one['line']}-{one.get('p', '')}")
    def test_then_summaries_and_effects_are_those_of_kayenta(self, case):
        match case["function"]:
            case "percentile_R7":
                found, tolerance = percentile(case["data"], case["p"] / 100), 1e-4
            case "meanRatio":
                found, tolerance = mean_ratio(case["experiment"], case["control"]), 1e-9
            case "cohenD":
                found, tolerance = standardised_difference(case["experiment"], case["control"]), 1e-5
            case "cles":
                pairs = len(case["experiment"]) * len(case["control"])
                found = compare_ranks(case["experiment"], case["control"]).larger(pairs)
                tolerance = max(case["tolerance"], 5e-3)
        expected = None if case["expected"] == "NaN" else pytest.approx(case["expected"], abs=tolerance)
        assert found == expected

    @pytest.mark.parametrize("case", used("outlier_cases"), ids=lambda one: one["test"])
    def test_then_outliers_are_those_of_kayenta(self, case):
        assert list(outliers(case["data"])) == case["expected_outlier"]

    @pytest.mark.parametrize("case", used("scorer_cases"), ids=lambda one: one["test"])
    def test_then_the_score_is_that_of_kayenta(self, case):
        results = [
            Scored(one["metric"], LABELS.get(one["classification"], one["classification"]), group, one["critical"])
            for one in case["results"]
            for group in one["groups"]
        ]
        assert score(results, case["groupWeights"]) == pytest.approx(case["expected"]["summaryScore"], abs=5e-3)


class TestGivenWhatKayentaGetsWrong:
    @pytest.mark.parametrize("points", [1, 2, 3, 4])
    def test_when_there_are_fewer_than_five_readings_then_nothing_is_called_different(self, points):
        found = classify(tuple(100.0 + i for i in range(points)), tuple(1.0 + i for i in range(points)))
        assert found.label == TOO_FEW

    def test_when_mostly_zeros_hide_errors_then_they_are_seen(self):
        (case,) = used("extra_real_world_cases")
        for direction in (Direction.EITHER, Direction(case["options"]["direction"])):
            found = classify(floats(case["experiment"]), floats(case["control"]), Limits(direction=direction))
            assert found.label == case["operator_expected"]

    def test_when_one_arm_tells_nothing_then_it_is_no_pass(self):
        assert classify((math.nan, math.nan), (1.0, 2.0)).label == NO_DATA

    def test_when_a_quiet_gauge_is_one_percent_higher_then_it_passes(self):
        stable = tuple(100.0 + i / 100 for i in range(10))
        assert classify(tuple(one * 1.01 for one in stable), stable).label == PASS

    def test_when_less_is_no_harm_then_only_more_is_told(self):
        more, less = tuple(200.0 + i for i in range(10)), tuple(100.0 + i for i in range(10))
        increase = Limits(direction=Direction.INCREASE)
        assert classify(more, less, increase).label == HIGH
        assert classify(less, more, increase).label == PASS

    @given(scale=st.sampled_from([1e-6, 1e-3, 1.0, 1e6]))
    def test_then_the_unit_does_not_matter(self, scale):
        ours, theirs = [20, 22, 21, 25, 30, 24], [11, 12.2, 11.1, 12.5, 13, 12]
        found = classify(tuple(one * scale for one in ours), tuple(one * scale for one in theirs))
        assert found.label == HIGH

    @given(st.lists(st.floats(0.1, 100), min_size=5, max_size=12))
    def test_then_a_sample_never_differs_from_itself(self, values):
        assert classify(tuple(values), tuple(values)).label not in DIFFERENT

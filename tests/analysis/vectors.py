"""Published statistical cases, kept beside the checkout, and which of them judge something that this product does.

`NOT_USED` is the one place that says which cases judge nothing here, and why. Every other case is held against a
function of `console.analysis` by the tests that ask for its group; `test_vectors.py` sees to it that none is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "vectors"
CANARY, KAYENTA = "canary_statistics_vectors.json", "kayenta_cases.json"

Case = Mapping[str, Any]

GROUPS: Mapping[str, tuple[str, str]] = {
    "mann_whitney_scipy": (CANARY, "fixed.ranks.compare_ranks"),
    "mann_whitney_R": (CANARY, "fixed.ranks.compare_ranks"),
    "confidence_sequences_confseq": (
        CANARY,
        "sequential.log_mean, sequential.error_share, sequential.intervals",
    ),
    "error_share_e_process": (CANARY, "sequential.error_share.log_e"),
    "exact_false_rollback_probability": (CANARY, "sequential.error_share.log_e, at every error"),
    "growthbook_asymptotic_cs": (CANARY, "sequential.log_mean.half_width"),
    "linear_null_projection": (CANARY, ""),
    "statsig_msprt": (CANARY, ""),
    "repeated_looks_false_positive": (CANARY, ""),
    "group_sequential_critical_values": (CANARY, ""),
    "classifier_cases": (KAYENTA, "fixed.gauges.classify"),
    "outlier_cases": (KAYENTA, "fixed.summary.outliers"),
    "scorer_cases": (KAYENTA, "fixed.score.score"),
    "statistic_cases": (KAYENTA, "fixed.summary, fixed.ranks.RankTest.larger"),
    "mannwhitney_cases": (KAYENTA, "fixed.ranks.compare_ranks"),
    "extra_real_world_cases": (KAYENTA, "fixed.gauges.classify"),
}
"""Each group of cases: its file, and what of `console.analysis` it judges."""


def _is(name: str, *values: object) -> Callable[[Case], bool]:
    return lambda case: case[name] in values


def _all(case: Case) -> bool:
    return True


NOT_USED: tuple[tuple[str, Callable[[Case], bool], str], ...] = (
    ("mann_whitney_scipy", _is("method", "exact"), "gauges are decided by their interval, not by a p-value"),
    ("mann_whitney_scipy", _is("use_continuity", False), "whole pairs are always corrected for, as Kayenta does"),
    ("mann_whitney_R", _is("exact", True), "gauges are decided by their interval, not by a p-value"),
    (
        "confidence_sequences_confseq",
        _is("function", "gamma_exponential_log_mixture", "gamma_exponential_mixture_bound"),
        "nothing here is judged by sums of unbounded variables",
    ),
    (
        "confidence_sequences_confseq",
        _is("function", "gamma_poisson_log_mixture", "gamma_poisson_mixture_bound"),
        "issues that users report are divided between the arms, which needs no rate: `rules.reports`",
    ),
    (
        "confidence_sequences_confseq",
        _is("function", "poly_stitching_bound", "double_stitching_bound", "empirical_process_lil_bound"),
        "bounds for distributions of single latencies, which no edge tells; mixtures are narrower for the rest",
    ),
    (
        "confidence_sequences_confseq",
        _is("function", "quantile_ab_p_value"),
        "needs single latencies; of buckets, `ratios` tests the share above one bound exactly",
    ),
    (
        "confidence_sequences_confseq",
        lambda case: case["function"] == "normal_log_mixture" and not case["one_sided"],
        "only a slower release is damage; the two-sided interval, its inverse, is used",
    ),
    ("linear_null_projection", _all, "errors are judged by whose they are, a pass by `rules.margin`"),
    ("statsig_msprt", _all, "its interval widens by half where the canary gets 5 %"),
    ("repeated_looks_false_positive", _all, "says why no fixed test takes anything back at the hundredth look"),
    ("group_sequential_critical_values", _all, "needs the number of looks beforehand; here any look may be the last"),
    ("classifier_cases", lambda case: case["options"]["classifier"] == "MeanInequality", "calls any difference High"),
    (
        "classifier_cases",
        lambda case: case["options"].get("nanStrategy") == "replace",
        "zeros in the place of missing readings let missing data pass",
    ),
    (
        "classifier_cases",
        lambda case: 0 < min(len(case["control"]), len(case["experiment"])) < 5,
        "below five readings the confidence cannot be reached: too few, not a pass",
    ),
)
"""Group, which of its cases, and why nothing of the product is judged by them."""


def load(name: str, *, module: bool = False) -> Any:
    """Read a file of cases, or skip what needs it: the test, or the whole module."""
    file = FOLDER / name
    if not file.exists():
        pytest.skip("the shared reference vectors are not beside this checkout", allow_module_level=module)
    return json.loads(file.read_text())


@cache
def cases_of(group: str) -> tuple[Case, ...]:
    """All cases of a group, used or not; skips the module that asks where there are none."""
    content = load(GROUPS[group][0], module=True)
    found = content["error_share_e_process"][group] if group.startswith("exact_") else content[group]
    if isinstance(found, list):
        return tuple(found)
    return tuple(found.get("cases") or found.get("evaluated_here") or [found])


def used(group: str) -> list[Case]:
    """The cases of a group that judge something of the product."""
    left_out = [applies for name, applies, _ in NOT_USED if name == group]
    return [case for case in cases_of(group) if not any(applies(case) for applies in left_out)]

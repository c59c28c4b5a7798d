"""No published case is forgotten: each judges something of the product, or stands in the table of those that do not."""

from __future__ import annotations

import pytest

from tests.analysis.vectors import CANARY, GROUPS, KAYENTA, NOT_USED, cases_of, load, used

WORDS = {"about", "source", "how_checked", "conventions", "judge_defaults", "known_traps"}
FEWEST_USED = {
    "classifier_cases": 29,
    "scorer_cases": 13,
    "outlier_cases": 6,
    "statistic_cases": 17,
    "mannwhitney_cases": 7,
    "mann_whitney_scipy": 17,
    "mann_whitney_R": 7,
    "confidence_sequences_confseq": 15,
    "error_share_e_process": 14,
    "exact_false_rollback_probability": 6,
    "growthbook_asymptotic_cs": 3,
}


class TestGivenTheFilesOfCases:
    @pytest.mark.parametrize("name", [CANARY, KAYENTA])
    def test_then_every_group_is_in_the_table(self, name):
        assert set(load(name)) - WORDS <= set(GROUPS)

    @pytest.mark.parametrize("group", GROUPS)
    def test_then_a_group_judges_what_the_table_says_or_nothing(self, group):
        assert bool(used(group)) == bool(GROUPS[group][1])
        assert len(used(group)) >= FEWEST_USED.get(group, 0)

    @pytest.mark.parametrize(("group", "applies", "why"), NOT_USED)
    def test_when_cases_are_left_out_then_there_are_some_and_it_says_why(self, group, applies, why):
        assert any(applies(case) for case in cases_of(group))
        assert why

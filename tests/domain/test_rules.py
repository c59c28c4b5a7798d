"""Small rules: weights, stages, roles, verdicts, paths through a plan."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.errors import ConfigError, ConfigProblem, PlanRejected, UsageError
from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind, longest_path, ready_steps
from console.domain.release import Release
from console.domain.roles import NEEDED, Role, may
from console.domain.traffic import checked_stages, checked_weights, divide_alike, split, whole_percents
from console.domain.verdict import Verdict, VerdictKind, worst

rising = st.sets(st.integers(1, 99), max_size=6).map(lambda found: [*sorted(found), 100])


class TestGivenWeights:
    @given(st.integers(0, 100))
    def test_when_split_then_they_sum_to_100(self, weight: int) -> None:
        assert split("green", "blue", weight) == {"blue": 100 - weight, "green": weight}

    @pytest.mark.parametrize("weights", [{"a": 50}, {"a": 120, "b": -20}, {}, {"a": 60, "b": 60}])
    def test_when_they_are_no_division_then_they_are_refused(self, weights: dict[str, int]) -> None:
        with pytest.raises(UsageError):
            checked_weights(weights)

    @given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
    def test_when_read_in_other_terms_then_they_are_whole_percent(self, parts: list[int]) -> None:
        percents = whole_percents(parts)

        assert sum(percents) == (100 if sum(parts) else 0)
        assert all((share > 0) <= (part > 0) for share, part in zip(percents, parts, strict=True))

    def test_when_an_arm_without_weight_is_not_named_then_the_division_is_the_same(self) -> None:
        assert divide_alike({"blue": 100, "green": 0}, {"blue": 100})
        assert not divide_alike({"blue": 90, "green": 10}, {"blue": 100})

    @given(rising)
    def test_when_they_are_a_rollout_then_they_are_kept(self, stages: list[int]) -> None:
        assert checked_stages(stages) == tuple(stages)

    @pytest.mark.parametrize("stages", [[], [10], [50, 10, 100], [0, 100], [10, 10, 100], [10, 100, 110]])
    def test_when_stages_are_no_rollout_then_they_are_refused(self, stages: list[int]) -> None:
        with pytest.raises(UsageError):
            checked_stages(stages)


class TestGivenRoles:
    @given(st.sampled_from(list(Role)), st.sampled_from(sorted(NEEDED)))
    def test_when_a_role_may_then_every_higher_one_may_too(self, role: Role, action: str) -> None:
        if may(role, action):
            assert all(may(higher, action) for higher in Role if higher >= role)

    def test_when_nobody_listed_an_action_then_only_the_highest_may(self) -> None:
        assert may(Role.ADMIN, "launch-missiles")
        assert not may(Role.APPROVER, "launch-missiles")

    def test_when_without_a_role_then_nothing_is_allowed(self) -> None:
        assert not any(may(Role.NONE, action) for action in NEEDED)


class TestGivenVerdicts:
    @given(st.lists(st.sampled_from(list(VerdictKind)), min_size=1))
    def test_when_one_is_not_a_pass_then_all_together_are_none(self, kinds: list[VerdictKind]) -> None:
        together = worst(Verdict(kind, "") for kind in kinds)

        assert together.is_pass == all(kind is VerdictKind.PASS for kind in kinds)
        assert together.is_fail == (VerdictKind.FAIL in kinds)

    def test_when_nothing_was_judged_then_that_is_no_pass(self) -> None:
        assert worst([]).kind is VerdictKind.NOT_RUN


def step(name: str, *needs: str, took: float | None = 1.0) -> Step:
    forecast = None if took is None else timedelta(seconds=took)
    return Step(StepId(name), name, StepKind.DEPLOY, Phase.PREPARE, needs=tuple(map(StepId, needs)), forecast=forecast)


class TestGivenAGraphOfSteps:
    def test_when_steps_run_side_by_side_then_the_slowest_chain_counts(self) -> None:
        steps = (step("a"), step("b", "a", took=5), step("c", "a", took=2), step("d", "b", "c"))

        assert longest_path(steps) == timedelta(seconds=7)
        assert longest_path(()) == timedelta()

    def test_when_one_is_unknown_then_so_is_the_whole(self) -> None:
        assert longest_path((step("a"), step("b", took=None))) is None

    def test_when_walked_then_only_steps_whose_needs_ended_are_ready(self) -> None:
        steps = (step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))

        def ready(finished: str, begun: str) -> list[str]:
            done, started = frozenset(map(StepId, finished)), frozenset(map(StepId, begun))
            return [s.id for s in ready_steps(steps, done, started)]

        assert ready("", "") == ["a"]
        assert ready("a", "a") == ["b", "c"]
        assert ready("ab", "abc") == []
        assert ready("abc", "abc") == ["d"]


class TestGivenMessages:
    def test_when_several_things_are_wrong_then_the_message_holds_them_all(self) -> None:
        problems = [
            ConfigProblem("c.toml", 3, "a.b", "It is wrong.", "Mend it."),
            ConfigProblem("c.toml", 0, "", "x", ""),
        ]
        text = str(ConfigError(problems))

        assert "2 problems" in text
        assert "c.toml:3 · a.b: It is wrong. Mend it." in text
        assert str(PlanRejected("production", ["held", "frozen"])).count("  - ") == 2

    def test_when_a_release_has_no_name_of_its_own_then_its_short_commit_stands_for_it(self) -> None:
        assert str(Release("abcdef0123456789", "v1")) == "v1 (abcdef01)"
        assert str(Release("abcdef0123456789", "abcdef0123456789")) == "abcdef01"

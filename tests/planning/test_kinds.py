"""Which kind of plan a strategy's name stands for."""

from __future__ import annotations

import pytest

from console.config.settings import Settings
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Plan
from console.domain.release import Release
from console.planning import kinds
from console.planning.kinds import is_strategy, read_strategy, say_purpose

NAMED = {
    "configuration": kinds.SYNCING,
    "maintenance": kinds.HOLDING_PAGES,
    "failover": kinds.FAILING_OVER,
    "failover:back:force": kinds.FAILING_OVER,
    "lift-hold": kinds.LIFTING,
    "recovery:restart": kinds.RECOVERING,
    "recovery:scale:3": kinds.RECOVERING,
    "rotation:variable:SESSION_SECRET": kinds.ROTATING,
    "blue-green": kinds.RELEASING,
    "": kinds.RELEASING,
}
NO_STRATEGIES = ("blue", "recovery:scale:none", "recovery:sing", "failover:sideways", "pipeline:unwritten")


class TestGivenTheNameOfAStrategy:
    @pytest.mark.parametrize("strategy", NAMED)
    def test_when_it_is_read_then_one_kind_of_plan_takes_it(self, strategy: str) -> None:
        takers = {kind for kind in kinds.KINDS if kind.read(strategy) is not None}

        assert read_strategy(strategy)[0] is NAMED[strategy]
        assert takers == {NAMED[strategy], kinds.RELEASING}
        assert is_strategy(Settings(), strategy)

    @pytest.mark.parametrize("strategy", NO_STRATEGIES)
    def test_when_nobody_knows_it_then_it_is_none(self, strategy: str) -> None:
        assert not is_strategy(Settings(), strategy)


class TestGivenAPlan:
    @pytest.mark.parametrize(
        ("strategy", "purpose"),
        [
            ("canary", "deploys v2"),
            ("configuration", "sets variables"),
            ("maintenance", "changes holding pages"),
            ("failover:back", "fails over"),
            ("lift-hold", "lets pushes go live again"),
            ("recovery:scale:3", "recovers api (scale)"),
            ("rotation:api-key:KEY:supabase", "rotates KEY"),
        ],
    )
    def test_when_somebody_asks_what_it_is_for_then_its_kind_says_so(self, strategy: str, purpose: str) -> None:
        plan = Plan(EnvironmentName("production"), strategy, Release("b" * 40, "v2"), (), (ServiceName("api"),))

        assert say_purpose(plan) == purpose

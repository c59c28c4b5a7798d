"""A token that may do less than a deployment needs stops it before it begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from console.domain.errors import PlanRejected, Unreachable
from console.domain.plan import Wish
from providers.contract import AccountReport
from tests.engine.world import PRODUCTION, World


@dataclass
class FakeAccount:
    missing: tuple[str, ...] = ()
    silent: bool = False

    async def fetch_account(self) -> AccountReport:
        if self.silent:
            raise Unreachable("fake", "No answer.")
        return AccountReport("kim", ("read",), self.missing, clock_skew=timedelta(0))


@pytest.fixture
async def world():
    made = World()
    await made.start()
    yield made
    await made.engine.stop()


def given_account(world: World, account: FakeAccount) -> None:
    world.platform.capabilities = replace(world.platform.capabilities, account=account)


class TestGivenATokenThatIsTooNarrow:
    async def test_when_a_deployment_is_planned_then_the_missing_scope_is_among_the_refusals(self, world):
        given_account(world, FakeAccount(("repo_deployment",)))

        plan = await world.engine.preview(Wish(PRODUCTION))

        assert any("[providers.fake] is too narrow: it lacks repo_deployment." in words for words in plan.refusals)

    async def test_when_it_is_to_start_then_it_is_refused_and_nothing_was_touched(self, world):
        given_account(world, FakeAccount(("repo_deployment",)))

        with pytest.raises(PlanRejected, match="cannot start") as refusal:
            await world.deploy()

        assert "lacks repo_deployment" in refusal.value.where
        assert world.ledger.deployments() == []

    async def test_when_the_platform_does_not_say_then_nothing_is_claimed(self, world):
        given_account(world, FakeAccount(silent=True))

        assert (await world.engine.preview(Wish(PRODUCTION))).refusals == ()

    async def test_when_another_environment_alone_is_concerned_then_this_one_may_go(self, world):
        production = world.settings.environments["production"]
        front = production.services["front"].model_copy(update={"id": "elsewhere"})
        other = production.model_copy(update={"services": {"front": front}})
        environments = {**world.settings.environments, "staging": other}
        world.settings = world.settings.model_copy(update={"environments": environments})
        given_account(world, FakeAccount(("project elsewhere",)))

        assert (await world._new_engine().preview(Wish(PRODUCTION))).refusals == ()

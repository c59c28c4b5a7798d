"""A token that may do less than a deployment needs stops it before it begins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from console.domain.errors import PlanRejected, Unreachable
from console.domain.plan import Wish
from providers.contract import AccountReport
from tests.engine.world import PRODUCTION, World


@dataclass
class FakeAccount:
    missing: tuple[str, ...] = ()
    silent: bool = False
    asked: int = 0

    async def fetch_account(self) -> AccountReport:
        self.asked += 1
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


def providers(world: World) -> int:
    """How many there are; here one platform stands behind all of them."""
    return len(world.settings.providers_of(PRODUCTION))


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


class TestGivenATokenThatIsGoodEnough:
    @pytest.fixture
    def account(self, world) -> FakeAccount:
        account = FakeAccount()
        given_account(world, account)
        return account

    async def preview(self, world: World, after: float = 0.0) -> tuple[str, ...]:
        await world.clock.pass_time(timedelta(seconds=after))
        return (await world.engine.preview(Wish(PRODUCTION))).refusals

    async def test_when_plans_follow_each_other_then_it_is_asked_once_a_minute(self, world, account):
        for after in (0, 10, 40):
            await self.preview(world, after)
        assert account.asked == providers(world)

        await self.preview(world, 11)
        assert account.asked == 2 * providers(world)

    async def test_when_many_plan_at_once_then_it_is_asked_once(self, world, account):
        await asyncio.gather(*(self.preview(world) for _ in range(5)))

        assert account.asked == providers(world)

    async def test_when_the_platform_refuses_it_something_then_it_is_asked_again(self, world, account):
        await self.preview(world)
        world.platform.http = SimpleNamespace(refused_at=world.clock.now())
        account.missing = ("repo",)

        assert "lacks repo" in " ".join(await self.preview(world))

    async def test_when_a_narrow_one_was_replaced_then_that_counts_at_once(self, world, account):
        account.missing = ("repo",)
        assert await self.preview(world)

        account.missing = ()
        assert await self.preview(world) == ()

    async def test_when_it_was_not_told_then_it_is_asked_again(self, world, account):
        account.silent = True
        await self.preview(world)
        account.silent, account.missing = False, ("repo",)

        assert await self.preview(world)

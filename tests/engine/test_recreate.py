"""`recreate` as it runs: the page is up while the release changes, and whatever goes wrong it goes away last."""

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control
from console.domain.ids import StepId
from tests.engine.world import ERRING, NEW, OLD, World

ENOUGH = 400


def furnished(**environment: object) -> World:
    world = World(strategy="recreate", **environment)
    world.platform.request_rate = ENOUGH
    return world


def moments(world: World, *kinds: str) -> list[str]:
    return [kind for _, kind in world.platform.calls if kind in kinds]


class TestGivenAReleaseThatIsWell:
    async def test_when_it_is_deployed_then_the_page_is_up_only_while_it_changes(self):
        world = furnished()
        await world.start()

        ended = await world.until_ended(await world.deploy())

        assert (ended.status, world.platform.pages) == (DeploymentStatus.SUCCEEDED, {})
        assert world.platform.weights["api"] == {"blue": 0, "green": 100}
        assert moments(world, "maintain", "migrate", "shift_traffic") == [
            "maintain",
            "shift_traffic",
            "migrate",
            "maintain",
        ]

    async def test_when_it_is_taken_back_afterwards_then_nobody_sees_it_before_the_old_one_is_well(self):
        world = furnished()
        await world.start()
        deployment = await world.deploy()
        await world.until_ended(deployment)
        del world.platform.calls[:]

        await world.ask(deployment, Control.ROLLBACK)
        await world.until(deployment, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert moments(world, "maintain", "migrate_down", "resume", "shift_traffic") == [
            "maintain",
            "migrate_down",
            "resume",
            "shift_traffic",
            "maintain",
        ]
        assert (world.platform.pages, world.platform.weights["api"]) == ({}, {"blue": 100, "green": 0})
        assert world.platform.places["blue"].live == OLD

    @pytest.mark.parametrize("point", ["step-begun", "intended", "called", "operation-ended", "step-ended"])
    @pytest.mark.parametrize("time", [5, 9])
    async def test_when_the_worker_dies_on_the_way_then_it_ends_the_same(self, point: str, time: int):
        world = furnished(migrations_on_rollback="keep")
        await world.start()
        world.crash_at = (point, time)

        ended = await world.until_ended(await world.deploy())

        assert (ended.status, world.platform.pages) == (DeploymentStatus.SUCCEEDED, {})
        assert world.platform.places["green"].live == NEW


class TestGivenAReleaseThatIsBad:
    async def test_when_a_step_behind_the_page_fails_then_the_page_stays_until_all_is_back(self):
        world = furnished()
        world.platform.broken_migrations = {"20260201000000"}
        await world.start()

        ended = await world.until_ended(await world.deploy())

        assert (ended.status, world.platform.pages) == (DeploymentStatus.ROLLED_BACK, {})
        assert moments(world, "maintain") == ["maintain", "maintain"]
        assert not world.platform.places["blue"].suspended

    async def test_when_it_errs_in_public_then_it_goes_back_behind_the_page(self):
        world = furnished(judge={"interval": "10s", "max_error_rate": 0.1})
        world.platform.error_rates = {ERRING: 0.5}
        await world.start()

        ended = await world.until_ended(await world.deploy("erring"))

        assert (ended.status, world.platform.pages) == (DeploymentStatus.ROLLED_BACK, {})
        assert moments(world, "maintain") == ["maintain"] * 4
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}

    async def test_when_nobody_can_put_the_page_up_again_then_it_goes_back_all_the_same(self):
        world = furnished()
        await world.start()
        deployment = await world.deploy()
        await world.until_ended(deployment)
        world.platform.down_until["maintain"] = world.clock.now().replace(hour=23)

        await world.ask(deployment, Control.ROLLBACK)
        back = await world.until(
            deployment, lambda d: d.rollback is not None and d.rollback.traffic_restored_at is not None
        )

        page = back.steps[StepId("undo:api.page-off")]
        assert (page.status, world.platform.weights["api"]) == (StepStatus.SKIPPED, {"blue": 100, "green": 0})

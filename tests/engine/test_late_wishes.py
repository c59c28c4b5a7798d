"""A wish that meets a deployment at its very end: it is carried out under the lock, or refused in words, never lost."""

from __future__ import annotations

import asyncio

import pytest

from console.domain.deployment import DeploymentStatus
from console.domain.errors import Refused
from console.domain.events import Control, ControlReceived, DeploymentSucceeded, RollbackRequested
from console.storage.ledger import ControlRow
from tests.engine.world import ANN, KIM, OLD, PRODUCTION, Crash, World


@pytest.fixture
async def world():
    world = World()
    await world.start()
    yield world
    await world.engine.stop()


def wish_at_the_end(world: World, control: Control) -> None:
    """Have somebody's wish come in between a deployment's success and whatever follows it."""
    wishes: list[asyncio.Task[int]] = []

    def on_wake(wake) -> None:
        ends = wake.kind == "event" and isinstance(world.ledger.events[-1].payload, DeploymentSucceeded)
        if ends and not wishes:
            row = ControlRow(0, wake.deployment, control, ANN, world.clock.now(), None, "", ())
            wishes.append(asyncio.create_task(world.ledger.add_control(row)))

    world.ledger.subscribe(on_wake)


class TestGivenAWishAtTheVeryEnd:
    async def test_when_it_is_a_rollback_then_it_is_taken_back_under_the_lock(self, world):
        wish_at_the_end(world, Control.ROLLBACK)
        deployment_id = await world.deploy("v2")

        await world.until(deployment_id, lambda d: d.rollback is not None)
        held = await world.ledger.locks()
        deployment = await world.until_ended(deployment_id)

        assert [lock.deployment for lock in held] == [deployment_id]
        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        assert world.platform.places["front"].live == OLD
        assert await world.ledger.locks() == ()

    @pytest.mark.parametrize("control", [Control.PAUSE, Control.ABORT, Control.PROMOTE])
    async def test_when_it_comes_too_late_then_that_is_on_record(self, world, control):
        wish_at_the_end(world, control)
        deployment_id = await world.deploy("v2")

        await world.until_ended(deployment_id)
        await world.clock.settle()

        deployment = world.deployment(deployment_id)
        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert [record.control for record in deployment.controls] == [control]
        assert await world.ledger.pending_controls(deployment_id) == ()
        assert await world.ledger.locks() == ()

    async def test_when_the_next_deployment_was_quicker_then_it_is_left_alone(self, world):
        first = await world.deploy("v2")
        await world.until_ended(first)
        second = await world.deploy("erring")
        await world.ledger.add_control(ControlRow(0, first, Control.ROLLBACK, ANN, world.clock.now(), None, "", ()))

        await world.crash()
        await world.until_ended(second)

        assert world.deployment(first).status is DeploymentStatus.SUCCEEDED
        assert world.deployment(second).status is DeploymentStatus.ROLLED_BACK

    async def test_when_the_worker_dies_before_it_is_looked_at_then_the_next_one_does(self, world):
        deployment_id = await world.deploy("v2")
        await world.until_ended(deployment_id)
        await world.clock.settle()
        row = ControlRow(0, deployment_id, Control.ROLLBACK, ANN, world.clock.now(), None, "", ())
        await world.ledger.add_control(row)

        await world.crash()
        await world.until(deployment_id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert world.platform.places["front"].live == OLD


class TestGivenAnEndedDeployment:
    async def test_when_the_worker_dies_on_the_way_back_then_the_lock_is_not_left_behind(self, world):
        deployment_id = await world.deploy("v2")
        await world.until_ended(deployment_id)
        world.crash_at = ("reopened", 1)

        with pytest.raises(Crash):
            await world.ask(deployment_id, Control.ROLLBACK, KIM)
        world.crashed = 0
        await world.crash()
        deployment = await world.until(deployment_id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        asked = [e.payload for e in world.ledger.events if isinstance(e.payload, ControlReceived | RollbackRequested)]
        assert len(asked) == 2
        assert await world.ledger.locks() == ()
        assert deployment.rollback is not None
        assert deployment.rollback.requested_by == KIM

    async def test_when_two_people_take_it_back_at_once_then_it_goes_back_once(self, world):
        deployment_id = await world.deploy("v2")
        await world.until_ended(deployment_id)

        both = [world.ask(deployment_id, Control.ROLLBACK, person) for person in (ANN, KIM)]
        await asyncio.gather(*both, return_exceptions=True)
        await world.until(deployment_id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        requested = [e for e in world.ledger.events if isinstance(e.payload, RollbackRequested)]
        assert len(requested) == 1

    async def test_when_another_one_moves_there_then_taking_it_back_is_refused(self, world):
        first = await world.deploy("v2")
        await world.until_ended(first)
        await world.deploy("erring")

        with pytest.raises(Refused):
            await world.ask(first, Control.ROLLBACK)

        assert world.deployment(first).rollback is None
        assert [lock.environment for lock in await world.ledger.locks()] == [PRODUCTION]

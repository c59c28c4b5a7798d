"""A rehearsal runs the real engine over a real configuration, and the platforms behind it are only read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from console.domain.deployment import DeploymentStatus
from console.domain.errors import PlanRejected, UsageError
from console.domain.plan import Wish
from console.engine.variables import WantedValues
from console.rehearsal.run import Rehearsed, rehearse
from console.rehearsal.troubles import Fault, Troubles
from tests.engine.virtual_clock import START
from tests.engine.world import NEW, OLD, PRODUCTION, World


class OnlyRead:
    """A real connection that fails the test as soon as anything but a reading is called."""

    def __init__(self, world: World) -> None:
        self.name, self.kind = "fake", "fake"
        self.capabilities = world.platform.capabilities


@pytest.fixture
def world() -> World:
    return World()


async def run(world: World, troubles: Troubles | None = None, **more: Any) -> Rehearsed:
    connections: Any = {name: _named(world, name) for name in ("fake", "vercel", "web", "db")}
    wish = Wish(PRODUCTION, release=more.pop("release", "v2"))
    return await rehearse(world.settings, wish, connections, began=START, troubles=troubles, **more)


def _named(world: World, name: str) -> OnlyRead:
    connection = OnlyRead(world)
    connection.name = name
    return connection


class TestGivenAGoodRelease:
    async def test_when_rehearsed_then_it_succeeds_and_the_platforms_are_as_they_were(self, world) -> None:
        before = {name: (place.live, place.suspended) for name, place in world.platform.places.items()}

        found = await run(world)

        assert found.deployment.status is DeploymentStatus.SUCCEEDED, found.deployment.failure or found.stuck
        assert found.deployment.plan.release.commit == NEW
        assert {name: (place.live, place.suspended) for name, place in world.platform.places.items()} == before
        assert world.platform.weights == {"api": {"blue": 100, "green": 0}}
        assert not world.platform.changes
        assert not world.platform.calls

    async def test_when_rehearsed_then_time_is_told_that_nobody_waited_for(self, world) -> None:
        found = await run(world)

        assert found.ended - found.began > timedelta(minutes=2)
        assert any("Deploy" in name for name in found.assumed)
        asked = {calls.provider: calls for calls in found.calls}
        assert asked["fake"].by_name["shift_traffic"] >= 3
        assert 0 < asked["fake"].most_in_a_minute <= asked["fake"].total


class TestGivenABadRelease:
    @pytest.mark.parametrize("bad", ["errors", "latency"])
    async def test_when_rehearsed_then_it_is_found_and_taken_back(self, world, bad: str) -> None:
        found = await run(world, Troubles(bad=bad))

        assert found.deployment.status is DeploymentStatus.ROLLED_BACK, found.stuck
        assert found.deployment.rollback is not None
        assert found.deployment.rollback.traffic_restored_after is not None
        assert world.platform.places["blue"].live == OLD


class TestGivenPlatformsThatFail:
    @pytest.mark.parametrize("fault", ["status:0.2", "rate-limit:0.2", "hang:0.1", "lose-replies:0.5"])
    async def test_when_rehearsed_then_it_takes_longer_and_ends_all_the_same(self, world, fault: str) -> None:
        found = await run(world, Troubles((Fault.parse(fault),), seed=3))

        assert found.deployment.is_terminal or found.stuck
        assert sum(calls.struck for calls in found.calls) > 0
        assert not world.platform.changes

    @pytest.mark.parametrize("text", ["flood", "hang:2", "hang:x", ""])
    def test_when_a_fault_is_no_fault_then_the_known_ones_are_named(self, text: str) -> None:
        with pytest.raises(UsageError, match="no fault"):
            Fault.parse(text)


class TestGivenAPlanThatCannotRun:
    async def test_when_it_has_refusals_then_they_are_told_as_by_a_deployment(self, world) -> None:
        world.platform.weights["api"] = {"blue": 50, "green": 50}

        with pytest.raises(PlanRejected):
            await run(world)


class TestGivenApprovalsAndVariables:
    async def test_when_rehearsed_then_both_are_pretended(self) -> None:
        world = World(approvals=2)
        world.settings.services["api"].variables["LEVEL"] = "high"
        world.platform.variables["green"] = {"LEVEL": "low"}

        found = await run(world, resolve=lambda environment, service: WantedValues({}, {}))

        assert found.deployment.status is DeploymentStatus.SUCCEEDED, found.stuck
        assert world.platform.variables["green"] == {"LEVEL": "low"}

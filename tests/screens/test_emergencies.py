"""Emergencies in the console: a reason and the environment's name before the start, and a review afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from textual.pilot import Pilot
from textual.widgets import Input

from console.domain.ids import EnvironmentName
from console.domain.roles import Role
from screens.dashboard import Dashboard
from screens.deploy import DeployScreen
from screens.palette import Palette
from tests.screens import scene
from tests.screens.conftest import World

SIZE = (120, 40)
STAGING = EnvironmentName("staging")
Make = Callable[..., World]


async def command(world: World, pilot: Pilot[int], text: str) -> None:
    await world.press(pilot, "colon")
    palette = world.app.screen
    assert isinstance(palette, Palette)
    palette.line.value = text
    await world.press(pilot, "enter")
    await world.settle(pilot)


async def answer(world: World, pilot: Pilot[int], field: str, text: str) -> None:
    world.app.screen.query_one(f"#{field}", Input).value = text
    await world.press(pilot, "enter")
    await world.settle(pilot)


class TestGivenAnApprover:
    async def test_when_no_reason_is_given_then_no_plan_is_asked_for(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-emergency")
            await world.press(pilot, "enter")
            await world.settle(pilot)

            assert isinstance(world.app.screen, DeployScreen)
            assert "An emergency needs a reason." in world.text()
            assert "preview" not in world.service.calls

    async def test_when_a_reason_and_the_name_are_typed_then_it_starts_even_where_a_yes_would_do(
        self, make_world: Make
    ) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            world.app.select(STAGING)
            await command(world, pilot, "deploy-emergency")
            await answer(world, pilot, "reason", "checkout is down")
            assert "emergency" in world.text()
            await world.press(pilot, "enter")
            await world.settle(pilot)
            assert world.service.deployed == []

            await answer(world, pilot, "name", "staging")

            ((wish, _, digest),) = world.service.deployed
            assert (wish.environment, wish.emergency, wish.reason) == (STAGING, True, "checkout is down")
            assert digest

    async def test_when_an_emergency_waits_for_review_then_it_is_in_sight_until_a_sentence_closes_it(
        self, make_world: Make
    ) -> None:
        world = make_world()
        world.service.statuses = [replace(one, reviews=(scene.FIRST,)) for one in world.service.statuses]
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            assert "emergency to review" in world.text()

            await command(world, pilot, "deploy-review")
            await answer(world, pilot, "text", "")
            assert world.service.reviewed == []
            assert "A review says what was found." in world.text()

            await answer(world, pilot, "text", "fine")

            assert world.service.reviewed == [(scene.FIRST, "fine")]
            assert isinstance(world.app.screen, Dashboard)


class TestGivenADeployerWithoutTheRight:
    async def test_when_they_ask_for_it_then_the_console_says_why_not(self, make_world: Make) -> None:
        world = make_world()
        world.service.role = Role.DEPLOYER
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-emergency")

            assert not isinstance(world.app.screen, DeployScreen)
            assert "[roles] emergency" in world.text()

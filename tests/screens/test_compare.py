"""Two deployments side by side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from console.domain.comparison import compare
from console.domain.ids import DeploymentId
from screens.compare import CompareScreen
from screens.view.compare import compare_rows
from screens.view.rows import plain
from tests.screens import scene
from tests.screens.conftest import World
from tests.screens.fake_service import FakeService
from tests.screens.test_emergencies import command

SIZE = (120, 40)
Make = Callable[..., World]
EARLIER = DeploymentId("261121-061603-p7d2")


def two_tales() -> FakeService:
    first = scene.tale("succeeded", deployment=EARLIER, start=scene.START - timedelta(days=1))
    second = scene.tale("rolled-back", seq=len(first.events))
    return FakeService([*first.events, *second.events])


class TestGivenAGoodDeploymentAndOneThatWasTakenBack:
    def test_when_compared_then_results_steps_and_times_stand_beside_each_other(self) -> None:
        good, bad = scene.tale("succeeded", deployment=EARLIER).folded, scene.tale("rolled-back").folded

        said = plain(compare_rows(compare(good, bad, scene.START), 110))

        assert "✓ succeeded" in said
        assert "↶ rolled back" in said
        assert "by itself: green errs more than blue at 10 %" in said
        assert "↶ worker: back to v1.4.2" in said

    async def test_when_the_command_names_none_then_the_last_is_compared_with_the_one_before(
        self, make_world: Make
    ) -> None:
        world = make_world("rolled-back", service=two_tales())
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-compare")

            assert isinstance(world.app.screen, CompareScreen)
            text = world.text()
            assert text.index(EARLIER) < text.index(scene.FIRST)

    async def test_when_two_are_chosen_in_the_history_then_these_are_compared(self, make_world: Make) -> None:
        world = make_world("rolled-back", service=two_tales())
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "H", "space", "j")
            assert f"{scene.FIRST} is marked" in world.text()
            await world.press(pilot, "v")

            assert isinstance(world.app.screen, CompareScreen)
            assert EARLIER in world.text()
            assert scene.FIRST in world.text()

    async def test_when_nothing_came_before_then_it_says_so(self, make_world: Make) -> None:
        service = two_tales()
        world = make_world("rolled-back", service=service)
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            world.app.actions.open_comparison("", "nobody")
            await world.settle(pilot)

            assert "There is no deployment nobody." in world.text()

"""Which deploys Render can still return to."""

from __future__ import annotations

from tests.providers.subjects.render import BLUE, subject


class TestGivenDeploysOfAService:
    async def test_when_it_is_asked_of_then_only_what_served_and_is_known_can_be_returned_to(self) -> None:
        async with subject() as render:
            connection = render.open()
            first = render.emulator.services[BLUE].deploys[0].id
            shelf = connection.capabilities.shelf

            assert await shelf.find_obstacle(BLUE, first) == ""
            assert await shelf.find_obstacle(BLUE, "dep-unknown") == "Render no longer knows this deploy."
            await connection.close()

    async def test_when_many_are_newer_then_the_build_may_be_gone(self) -> None:
        async with subject() as render:
            connection = render.open()
            first = render.emulator.services[BLUE].deploys[0].id
            for name in ("v1.1", "v1.2", "v1.1"):
                await render._begin_deploy(name)
                await render.finish()

            said = await connection.capabilities.shelf.find_obstacle(BLUE, first)

            assert said.startswith("3 deploys are newer, and Render keeps the builds of 2 (free)")
            await connection.close()

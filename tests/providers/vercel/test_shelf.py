"""Which deployments Vercel can still return to."""

from __future__ import annotations

from tests.providers.subjects.vercel import FRONTEND, subject


class TestGivenDeploymentsOfAProject:
    async def test_when_it_served_or_serves_then_it_can_be_returned_to(self) -> None:
        async with subject() as vercel:
            connection = vercel.open()
            first = await vercel.replaced()
            shelf = connection.capabilities.shelf

            assert await shelf.find_obstacle(FRONTEND, first) == ""
            assert await shelf.find_obstacle(FRONTEND, vercel.live()) == ""
            await connection.close()

    async def test_when_it_was_deleted_or_never_served_then_it_says_so(self) -> None:
        async with subject() as vercel:
            connection = vercel.open()
            staged = await vercel.staged("v1.1")
            shelf = connection.capabilities.shelf

            assert await shelf.find_obstacle(FRONTEND, "dpl_unknown") == "Vercel no longer has this deployment."
            assert "does not offer it" in await shelf.find_obstacle(FRONTEND, staged)
            await connection.close()

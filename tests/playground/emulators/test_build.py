"""All four control planes come up together, do nothing of their own, and leave nothing behind."""

from console.playground.emulators.build import build_emulators
from console.playground.releases import Catalogue
from tests.playground.emulators.world import FakeHosting, ManualClock, settle

TOKENS = {"render": "rnd_a", "vercel": "b", "supabase": "sbp_c", "github": "ghp_d"}
NO_DATABASE = "postgresql://postgres@127.0.0.1:1/postgres"


class TestGivenAllFour:
    async def test_when_started_and_stopped_then_the_first_release_came_and_went(
        self, hosting: FakeHosting, catalogue: Catalogue, clock: ManualClock
    ) -> None:
        emulators = build_emulators(hosting, NO_DATABASE, catalogue, TOKENS, clock=clock)

        for emulator in emulators.values():
            await emulator.start()
        await settle()
        live = {one.service for one in hosting.instances()}
        for emulator in emulators.values():
            await emulator.stop()

        assert set(emulators) == {"render", "vercel", "supabase", "github"}
        assert live == {"backend-blue", "worker", "staging-backend", "frontend"}
        assert {one.release for one in hosting.routes["frontend"]} == {"v1.0"}
        assert hosting.instances() == []
        assert [emulator.changes for emulator in emulators.values()] == [0, 0, 0, 0]

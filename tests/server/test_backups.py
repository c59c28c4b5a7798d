"""The worker has a backup taken when the newest one is too old, and does not hammer at what fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from console.backups.catalogue import Catalogue
from console.backups.values import Kind, State
from console.config.settings import Settings
from console.server.backups import BackupKeeper, Ended
from tests.server.world import StillClock

SETTINGS = Settings.model_validate(
    {
        "environments": {
            "production": {
                "backups": {"every": "1d"},
                "services": {"api": {"database_url": "env:A"}, "web": {}},
            },
            "staging": {"services": {"api": {"database_url": "env:A"}}},
        }
    }
)


class Desk:
    """Backups that are taken as soon as somebody asks; or not."""

    def __init__(self, home: Path, clock: StillClock) -> None:
        self.catalogue = Catalogue(home / "backups")
        self.clock = clock
        self.asked: list[str] = []
        self.fails = False
        self.keeper = BackupKeeper(SETTINGS, home, clock, self.run)

    async def run(self, environment: str) -> Ended:
        self.asked.append(environment)
        if self.fails:
            return Ended(1, "no answer")
        backup = self.catalogue.begin(f"{environment}/api", Kind.POSTGRES, self.clock.now())
        self.catalogue.write(replace(backup, state=State.TAKEN))
        return Ended(0)

    async def after(self, **time: float) -> list[str]:
        self.clock.at += timedelta(**time)
        self.asked.clear()
        await self.keeper.look()
        return list(self.asked)


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path, StillClock())


class TestGivenAnEnvironmentThatWantsABackupADay:
    async def test_when_there_is_none_or_the_newest_is_a_day_old_then_one_is_taken(self, desk):
        assert await desk.after(minutes=1) == ["production"]
        assert await desk.after(hours=23) == []
        assert await desk.after(hours=1) == ["production"]

    async def test_when_an_attempt_fails_then_the_next_is_an_hour_later(self, desk):
        desk.fails = True
        assert await desk.after(minutes=1) == ["production"]
        assert await desk.after(minutes=59) == []
        assert await desk.after(minutes=1) == ["production"]

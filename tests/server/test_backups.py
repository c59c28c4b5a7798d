"""The worker has a backup taken when the newest one is too old, and does not hammer at what fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from console.backups.catalogue import Catalogue
from console.backups.values import Kind, Proof, State
from console.cli.looking import status_lines
from console.config.settings import Settings
from console.domain.ids import EnvironmentName
from console.domain.observations import EnvironmentStatus
from console.server.backups import BackupKeeper, Ended, with_backups
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

    async def status(self) -> EnvironmentStatus:
        asked = EnvironmentStatus(EnvironmentName("production"), "production")
        (told,) = await with_backups([asked], SETTINGS, self.catalogue.root.parent, self.clock.now())
        return told


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

    async def test_when_its_status_is_asked_then_it_says_what_would_be_lost(self, desk):
        before = await desk.status()
        await desk.after(minutes=1)
        (backup,) = desk.catalogue.find_all()
        desk.catalogue.write(replace(backup, state=State.VERIFIED, proof=Proof(True, backup.at, total_s=12.0)))
        good = await desk.status()
        desk.clock.at += timedelta(hours=40)
        late = await desk.status()

        assert [one.problem for one in before.backups] == ["no backup is verified"]
        assert "! production: api: no backup is verified" in "\n".join(status_lines([before], desk.clock.at))
        assert [(one.verified_at, one.rto_s, one.problem) for one in good.backups] == [(backup.at, 12.0, "")]
        assert late.backups[0].problem == "the newest verified backup is too old"
        assert "40 h 00 m" in "\n".join(status_lines([late], desk.clock.at, detailed=True))

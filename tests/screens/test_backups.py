"""The screen of backups: what it tells, and what it asks before anything is replaced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from textual.widgets import Input

from console.domain.backups import BackupLine, BackupList, BackupOutlook
from screens.view.backups import backup_rows
from screens.view.rows import plain
from tests.screens import scene
from tests.screens.conftest import World

Make = Callable[..., World]

NOW = scene.START
NAME = f"{scene.PRODUCTION}/database"
HOUR = timedelta(hours=1)
KEPT = BackupList(
    (
        BackupLine(
            "20261122-110000-3f2a", NAME, NOW - HOUR, "verified", 120_400, 5_300_000, True, "as configured", 12.5
        ),
        BackupLine("20261122-090000-11aa", NAME, NOW - 3 * HOUR, "damaged", 120_300, 5_200_000, why="table x differs."),
        BackupLine("20261122-080000-77be", NAME, NOW - 4 * HOUR, "taken", 120_200, 5_200_000),
    ),
    (BackupOutlook(NAME, NOW - HOUR, 3600.0, 12.5, ""), BackupOutlook("staging/database", problem="none is verified")),
)


async def restore_saying(name: str, make_world: Make) -> World:
    """Open the backups, ask for the first to be restored, write a name and press y."""
    world = make_world()
    world.service.kept = KEPT
    async with world.app.run_test(size=(120, 30)) as pilot:
        await world.settle(pilot)
        world.app.actions.do_backups()
        await world.settle(pilot)
        await world.press(pilot, "R")
        world.app.screen.query_one("#text", Input).value = name
        await world.press(pilot, "enter", "y")
    return world


class TestGivenBackups:
    def test_then_how_each_database_comes_back_is_said_before_them(self) -> None:
        said = plain(backup_rows(KEPT, NOW, 120))

        assert said.index("1h00m") < said.index("newest verified") + 200
        assert "! none is verified" in said
        assert "✓ verified" in said
        assert "120,400" in said
        assert "✗ damaged" in said
        assert "table x differs." in said

    async def test_when_one_is_to_be_restored_then_the_name_is_written_and_y_does_it(self, make_world: Make) -> None:
        world = await restore_saying("production", make_world)

        ((wish, _, _),) = world.service.deployed
        assert (wish.strategy, wish.services) == ("backup:restore", ("database",))
        assert wish.backup is not None
        assert wish.backup.backup == "20261122-110000-3f2a"

    async def test_when_another_name_is_written_then_nothing_is_asked_for(self, make_world: Make) -> None:
        world = await restore_saying("prod", make_world)

        assert not world.service.deployed

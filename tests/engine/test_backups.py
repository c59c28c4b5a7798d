"""A backup before migrations: proven before anything changes, and where it is damaged nothing does."""

from __future__ import annotations

import pytest

from console.chores.lines import Failed
from console.domain.backups import BackupFacts, BackupFound, BackupWish
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.errors import PlanRejected, Refused
from console.domain.events import Control
from console.domain.hold import stands_aside
from console.domain.ids import ServiceName
from console.engine import planner
from tests.engine.test_switch_over import ADDRESS, Moving
from tests.engine.world import NEW

DATABASE = ServiceName("database")
KEY = "AGE-SECRET-KEY-1TEST"


def saving() -> Moving:
    own = {"before_migrations": True, "identity": "env:KEY", "recipients": ["age1x"], "leave_out": ["audit"]}
    world = Moving(backups=own)
    world.secrets["env:KEY"] = KEY
    return world


class TestGivenAnEnvironmentThatWantsABackupFirst:
    async def test_when_a_release_migrates_then_its_backup_comes_before(self) -> None:
        world = saving()
        await world.start()

        deployment = await world.until_ended(await world.deploy())

        steps = deployment.steps
        saved, migrated = steps["database.back-up"], steps["database.migrate"]  # type: ignore[index]
        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert saved.detail == "b-1 is verified"
        assert saved.ended_at is not None
        assert migrated.started_at is not None
        assert saved.ended_at <= migrated.started_at
        (order,) = world.chores.orders
        assert order.secrets == {"address": ADDRESS, "identity": KEY}
        assert (order.arguments["root"], order.arguments["leave_out"]) == ("/backups", ["audit"])
        assert KEY not in str(world.ledger.events)

    async def test_when_it_is_damaged_then_nothing_was_migrated(self) -> None:
        world = saving()
        await world.start()
        world.chores.fails["back-up"] = Failed("The backup b-1 is damaged.", "b-1", "Look.")

        deployment = await world.until_ended(await world.deploy())

        assert deployment.steps["database.migrate"].status is StepStatus.PENDING  # type: ignore[index]
        assert deployment.status is not DeploymentStatus.SUCCEEDED


class TestGivenAVerifiedBackup:
    @pytest.fixture
    async def world(self, monkeypatch: pytest.MonkeyPatch) -> Moving:
        made = saving()

        async def fetch(*_: object) -> BackupFacts:
            return BackupFacts({DATABASE: BackupFound("b-1", made.clock.now(), 7, True)})

        monkeypatch.setattr(planner, "fetch_backups", fetch)
        await made.start()
        return made

    async def restore(self, world: Moving) -> Deployment:
        wish = BackupWish("b-1")
        deployment = await world.deploy("", strategy="backup:restore", services=(DATABASE,), backup=wish)
        return await world.until_ended(deployment)

    async def test_when_it_is_restored_then_it_is_a_step_with_its_own_way_back(self, world: Moving) -> None:
        deployment = await self.restore(world)

        assert deployment.status is DeploymentStatus.SUCCEEDED
        (order,) = world.chores.orders
        assert (order.task, order.arguments["backup"]) == ("restore-data", "b-1")
        assert order.secrets == {"address": ADDRESS, "identity": KEY}

        await world.ask(deployment.id, Control.ROLLBACK)
        back = await world.until(deployment.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        last = world.chores.orders[-1]
        assert (last.task, last.arguments["saved"], last.arguments["forward"]) == (
            "bring-back-data",
            "b-2",
            "database.restore",
        )
        assert stands_aside(back.plan.strategy)

    async def test_when_nobody_said_which_then_it_is_refused(self, world: Moving) -> None:
        with pytest.raises(PlanRejected, match="Say which backup"):
            await world.deploy("", strategy="backup:restore")

    async def test_when_it_fails_then_nothing_is_brought_back(self, world: Moving) -> None:
        world.chores.fails["restore-data"] = Failed("The backup could not be restored.", "b-1", "Look.")

        deployment = await self.restore(world)

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.chores.orders[-1].arguments["saved"] == ""


class TestGivenMigrationsThatOnlyABackupTakesBack:
    @pytest.fixture
    async def world(self) -> Moving:
        made = saving()
        del made.platform.files[NEW]["20260201000000_second.down.sql"]
        await made.start()
        await made.until_ended(await made.deploy())
        return made

    async def test_when_asked_what_a_rollback_would_do_then_the_backup_is_offered_and_not_used(
        self, world: Moving
    ) -> None:
        (deployment,) = world.ledger.deployments()

        preview = await world.engine.preview_rollback(deployment.id)
        await world.ask(deployment.id, Control.ROLLBACK)
        await world.until(deployment.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        (offer,) = preview.restorable
        assert offer.startswith("database: backup b-1 of ")
        assert not any("restore" in step for step in preview.steps)
        assert [order.task for order in world.chores.orders] == ["back-up"]

    @pytest.mark.parametrize("already_back", [False, True])
    async def test_when_somebody_says_so_then_it_is_restored_after_the_traffic(
        self, world: Moving, already_back: bool
    ) -> None:
        (deployment,) = world.ledger.deployments()
        if already_back:
            await world.ask(deployment.id, Control.ROLLBACK)
            await world.until(deployment.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        preview = await world.engine.preview_rollback(deployment.id, restores=True)
        await world.ask(deployment.id, Control.ROLLBACK_DATA)
        ended = await world.until(deployment.id, lambda d: len(world.chores.orders) > 1 and d.is_terminal)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert "Save what database holds, then restore backup b-1" in preview.steps
        order = world.chores.orders[-1]
        assert (order.task, order.arguments["backup"], order.arguments["over_newer"]) == ("restore-data", "b-1", True)
        assert not (await world.engine.preview_rollback(deployment.id)).restorable

    async def test_when_nothing_has_to_be_restored_then_that_is_said(self) -> None:
        world = saving()
        await world.start()
        deployment = await world.until_ended(await world.deploy())

        with pytest.raises(Refused, match="no database of it has to be restored"):
            await world.ask(deployment.id, Control.ROLLBACK_DATA)

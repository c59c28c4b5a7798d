"""A backup before migrations: proven before anything changes, and where it is damaged nothing does."""

from __future__ import annotations

from console.chores.lines import Failed
from console.domain.deployment import DeploymentStatus, StepStatus
from tests.engine.test_switch_over import ADDRESS, Moving

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

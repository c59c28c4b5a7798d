"""A region is lost and another takes over: checked, fenced, promoted, led to, verified, and measured."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from console.domain.codec import to_json
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.errors import PlanRejected, Refused, Unreachable
from console.domain.events import Control
from console.domain.failover import read_figures
from console.domain.ids import StepId
from tests.engine.recovery import FRA, IAD, Regions


@pytest.fixture
def world() -> Regions:
    return Regions()


def figures(deployment: Deployment) -> dict[str, Any]:
    found = read_figures(deployment)
    assert found is not None
    return dict(found)


async def refusal(world: Regions, strategy: str = "failover") -> str:
    return " ".join((await world.preview(strategy)).refusals)


class TestGivenAStandbyThatIsWell:
    async def test_when_failed_over_then_the_other_side_serves_and_the_old_one_is_fenced(self, world: Regions) -> None:
        ended = await world.failed_over()

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.writable == ["iad:5432"]
        assert world.platform.weights["world"] == {"fra": 0, "iad": 100}
        assert world.standbys.nodes[FRA].read_only

    async def test_when_failed_over_then_recovery_time_and_loss_are_on_record(self, world: Regions) -> None:
        ended = await world.failed_over()

        assert ended.ended_at is not None
        found = figures(ended)
        assert 0 < found["rto_s"] <= (ended.ended_at - ended.requested_at).total_seconds()
        assert (found["rpo_s"], found["rpo"], found["lost_bytes"]) == (0.0, "exact", 0)

    async def test_when_planned_then_it_is_checked_first_and_verified_last(self, world: Regions) -> None:
        plan = await world.preview()

        kinds = [step.kind.value for step in plan.steps]
        assert not plan.refusals
        assert kinds[:4] == ["check-standby"] * 4
        assert kinds[4:] == ["fence", "promote-standby", "shift", "verify-failover", "announce"]
        assert plan.step("main.promote").no_undo  # type: ignore[arg-type]  # a step's id
        assert plan.step("main.fence").undo  # type: ignore[arg-type]  # a step's id

    async def test_when_planned_then_unmeasured_steps_are_named_and_counted(self, world: Regions) -> None:
        expected = (await world.preview()).outlook.takeover

        assert expected is not None
        assert expected.fenced
        assert "promote-standby" in expected.unmeasured
        assert expected.rto_s >= expected.assumed_s * 3

    async def test_when_only_planned_then_nothing_changes(self, world: Regions) -> None:
        await world.preview()

        assert world.writable == ["fra:5432"]
        assert not world.platform.changes

    async def test_when_the_standby_is_a_little_behind_then_it_is_waited_for_and_nothing_is_lost(self) -> None:
        world = Regions()
        world.standbys.lag = timedelta(seconds=2)
        world.standbys.before = lambda call: world.standbys.write() if call == "fence" else None

        ended = await world.failed_over()

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert figures(ended)["rpo"] == "exact"
        assert figures(ended)["rto_s"] >= 2

    async def test_when_it_was_slower_than_promised_then_that_is_said(self) -> None:
        world = Regions(failover={"rto": "1s"})
        world.standbys.lag = timedelta(seconds=2)
        world.standbys.before = lambda call: world.standbys.write() if call == "fence" else None

        ended = await world.failed_over()

        assert "the promise of 1 s (rto) was not kept" in ended.steps["failover.verify"].detail  # type: ignore[index]
        assert figures(ended)["promised_rto_s"] == 1.0


class TestGivenAPrimaryThatIsGone:
    async def test_when_failed_over_then_it_is_refused_until_somebody_forces_it(self, world: Regions) -> None:
        world.standbys.nodes[FRA].silent = True

        assert "--force" in await refusal(world)
        assert not await refusal(world, "failover:force")

    async def test_when_forced_then_the_loss_is_an_upper_bound(self, world: Regions) -> None:
        world.standbys.nodes[FRA].silent = True
        world.standbys.write(timedelta(seconds=7))

        ended = await world.failed_over("failover:force")

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert "main.fence" not in ended.steps
        assert figures(ended)["rpo"] == "at-most"
        assert figures(ended)["lost_bytes"] is None

    async def test_when_nobody_knows_the_last_commit_then_the_loss_is_unknown(self, world: Regions) -> None:
        world.standbys.nodes[FRA].silent = True
        world.standbys.writes.clear()

        ended = await world.failed_over("failover:force")

        assert (figures(ended)["rpo_s"], figures(ended)["rpo"]) == (None, "unknown")


class TestGivenWhatSpeaksAgainstIt:
    async def test_when_nothing_stands_by_then_it_says_what_to_write(self, world: Regions) -> None:
        plain: Any = world.settings.environments["production"]
        plain.__dict__["failover"] = None

        assert "[environments.production.failover]" in await refusal(world)

    async def test_when_the_standby_lags_too_much_then_it_is_refused(self, world: Regions) -> None:
        world.standbys.stuck = True
        world.standbys.nodes[IAD].commit = world.clock.now() - timedelta(minutes=10)
        world.standbys.nodes[FRA].position = 100

        assert "lags by 603 s; max_lag is 30 s" in await refusal(world)

    async def test_when_the_standby_was_promoted_already_then_it_is_refused(self, world: Regions) -> None:
        world.standbys.nodes[IAD].standby = False

        assert "promoted already" in await refusal(world)

    async def test_when_a_service_runs_nothing_there_then_it_is_refused_by_name(self, world: Regions) -> None:
        world.platform.places["iad-worker"].live = ""

        assert "worker in dr runs nothing" in await refusal(world)

    async def test_when_another_release_runs_there_then_both_are_named(self, world: Regions) -> None:
        world.platform.places["iad-worker"].live = "b" * 40

        plan = await world.preview()

        assert "worker: dr runs bbbbbbbb, production aaaaaaaa." in plan.notes

    async def test_when_a_variable_is_missing_there_then_it_is_refused_by_name(self, world: Regions) -> None:
        places: Any = world.settings.environments["dr"].services["worker"].variables
        places["SESSION_SECRET"] = "x"

        assert "worker in dr lacks SESSION_SECRET" in await refusal(world)


class TestGivenANameInThePlaceOfARoute:
    NAMED: ClassVar[dict[str, Any]] = {
        "provider": "vercel",
        "domain": "shop.example",
        "name": "www",
        "primary": "fra.example",
        "standby": "iad.example",
    }

    def named(self, ttl: int = 60, **failover: Any) -> Regions:
        world = Regions(failover={"services": {"front": {"dns": self.NAMED}}, **failover})
        world.platform.records["www.shop.example"] = ("fra.example", ttl)
        return world

    async def test_when_failed_over_then_it_says_the_other_side_and_for_how_long_some_are_led_wrong(self) -> None:
        world = self.named(300)

        ended = await world.failed_over()

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.platform.records["www.shop.example"] == ("iad.example", 60)
        assert figures(ended)["resolvers_s"] == 300

    async def test_when_the_name_has_changed_then_the_old_side_counts_as_unused_after_its_ttl(
        self,
    ) -> None:
        ended = await self.named(300).failed_over()

        moved, waited = ended.steps[StepId("front.move")], ended.steps[StepId("resolvers")]
        assert moved.ended_at is not None
        assert waited.ended_at is not None
        assert (waited.ended_at - moved.ended_at).total_seconds() == pytest.approx(300, abs=1)
        assert figures(ended)["old_unused_at"] == to_json(moved.ended_at + timedelta(seconds=300))
        assert waited.detail == "no resolver leads visitors to production any more"

    async def test_when_resolvers_are_slower_than_an_hour_then_the_environment_is_not_held_that_long(self) -> None:
        ended = await self.named(86_400).failed_over()

        moved, waited = ended.steps[StepId("front.move")], ended.steps[StepId("resolvers")]
        assert moved.ended_at is not None
        assert waited.ended_at is not None
        assert (waited.ended_at - moved.ended_at).total_seconds() == pytest.approx(3600, abs=1)
        assert "leave it running until then" in waited.detail

    async def test_when_planned_then_it_says_how_long_resolvers_keep_the_old_address(self) -> None:
        plan = await self.named(300).preview()

        assert any("may keep the old address for 300 s" in note for note in plan.notes)
        assert any("Wait 300 s" in step.name for step in plan.steps)

    async def test_when_resolvers_keep_it_longer_than_is_promised_then_it_is_refused(self) -> None:
        world = self.named(3600, rto="15m")

        assert "Resolvers may keep the old address for 3600 s" in await refusal(world)

    async def test_when_there_is_no_database_then_a_failed_step_takes_all_back(self) -> None:
        world = self.named(databases={})
        world.platform.failing_paths = {"iad-front/health"}

        ended = await world.failed_over()

        assert ended.status in {DeploymentStatus.ABORTED, DeploymentStatus.ROLLED_BACK}
        assert world.platform.records["www.shop.example"][0] == "fra.example"


class TestGivenAFailureOnTheWay:
    async def test_when_a_service_is_ill_there_then_nothing_was_changed(self, world: Regions) -> None:
        world.platform.failing_paths = {"iad-api/health"}

        ended = await world.failed_over()

        assert ended.status is DeploymentStatus.ABORTED
        assert world.writable == ["fra:5432"]

    async def test_when_the_standby_never_catches_up_then_the_old_side_takes_writes_again(self, world: Regions) -> None:
        def fall_behind(call: str) -> None:
            if call == "fence":
                world.standbys.stuck = True
                world.standbys.write()

        world.standbys.before = fall_behind

        ended = await world.failed_over()

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.writable == ["fra:5432"]
        assert world.platform.weights["world"] == {"fra": 100, "iad": 0}

    async def test_when_traffic_cannot_be_moved_then_a_person_is_asked_and_nothing_goes_back(
        self, world: Regions
    ) -> None:
        world.standbys.after = lambda call: self.shut(world) if call == "promote" else None
        await world.start()
        deployment = await world.deploy("", strategy="failover")

        waiting = await world.until(deployment, lambda d: d.status is DeploymentStatus.WAITING)

        assert world.writable == ["iad:5432"]
        assert waiting.steps["api.move"].asked  # type: ignore[index]  # a step's id
        with pytest.raises(Refused, match="cannot be taken back"):
            await world.ask(deployment, Control.ROLLBACK)
        world.platform.down_until.clear()
        await world.ask(deployment, Control.RETRY)
        ended = await world.until_ended(deployment)
        assert ended.status is DeploymentStatus.SUCCEEDED
        assert world.platform.weights["world"] == {"fra": 0, "iad": 100}

    def shut(self, world: Regions) -> None:
        world.platform.down_until["shift_traffic"] = world.clock.now() + timedelta(hours=2)

    async def test_when_the_promotion_is_not_answered_then_the_old_side_stays_fenced(self, world: Regions) -> None:
        silences = iter([True] * 3)

        def be_silent(call: str) -> None:
            if call == "promote" and next(silences, False):
                raise Unreachable("postgres", "The answer was lost.")

        world.standbys.before = be_silent

        ended = await world.failed_over()

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.writable == ["iad:5432"]

    @pytest.mark.parametrize("point", ["step-begun", "step-ended"])
    @pytest.mark.parametrize("number", range(1, 9))
    async def test_when_the_worker_dies_anywhere_then_one_side_takes_writes(self, point: str, number: int) -> None:
        world = Regions()
        world.crash_at = (point, number)

        ended = await world.failed_over()

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.writable == ["iad:5432"]

    async def test_when_it_has_ended_then_a_rollback_is_refused_and_says_how_to_return(self, world: Regions) -> None:
        ended = await world.failed_over()

        with pytest.raises(Refused, match="--back"):
            await world.ask(ended.id, Control.ROLLBACK)


class TestGivenAFailoverThatIsOver:
    async def test_when_failing_back_at_once_then_it_says_what_must_be_done_by_hand(self, world: Regions) -> None:
        await world.failed_over()

        with pytest.raises(PlanRejected, match="pg_rewind"):
            await world.deploy("", strategy="failover:back")

    async def test_when_the_old_side_stands_by_then_it_takes_over_again(self, world: Regions) -> None:
        await world.failed_over()
        world.standbys.nodes[FRA].standby = True

        ended = await world.until_ended(await world.deploy("", strategy="failover:back"))

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.writable == ["fra:5432"]
        assert world.platform.weights["world"] == {"fra": 100, "iad": 0}
        assert figures(ended)["to"] == "production"


class TestGivenARehearsal:
    async def test_when_all_is_well_then_nothing_changes_and_it_says_what_to_expect(self, world: Regions) -> None:
        ended = await world.failed_over("failover:rehearse")

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.writable == ["fra:5432"]
        assert not world.platform.changes
        assert set(world.standbys.calls) == {"look fra:5432", "look iad:5432"}
        assert figures(ended)["expected_rto_s"] > 0
        assert figures(ended)["expected_rpo_s"] == 0.0
        assert "promote-standby" in figures(ended)["rests_on_assumption"]

    async def test_when_a_failover_was_measured_then_nothing_is_assumed(self, world: Regions) -> None:
        await world.failed_over()
        world.standbys.nodes[FRA].standby, world.standbys.nodes[IAD].standby = False, True
        world.standbys.nodes[FRA].read_only = False

        ended = await world.until_ended(await world.deploy("", strategy="failover:rehearse"))

        assert figures(ended)["rests_on_assumption"] == []

    async def test_when_several_things_are_wrong_then_all_are_found(self, world: Regions) -> None:
        world.platform.failing_paths = {"iad-api/health"}
        world.platform.places["iad-worker"].live = ""

        ended = await world.failed_over("failover:rehearse")

        assert ended.status is DeploymentStatus.ABORTED
        found = " ".join(figures(ended)["findings"])
        assert "Not healthy" in found
        assert "worker in dr runs nothing" in found
        assert all(
            state.status is StepStatus.SUCCEEDED for key, state in ended.steps.items() if key != "failover.verify"
        )

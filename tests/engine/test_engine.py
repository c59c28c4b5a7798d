"""What an operator sees of the engine, on a clock that is moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.errors import PlanRejected, Refused, UsageError
from console.domain.events import Control, Trigger
from console.domain.ids import EnvironmentName
from console.domain.plan import Wish
from console.domain.verdict import Verdict, VerdictKind
from tests.engine.world import ANN, KIM, NEW, OLD, PRODUCTION, World


@pytest.fixture
async def world():
    world = World()
    await world.start()
    yield world
    await world.engine.stop()


class TestGivenAGoodRelease:
    async def test_when_deployed_then_everything_runs_it_and_the_old_arm_rests(self, world):
        deployment = await world.until_ended(await world.deploy())

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert world.platform.weights["api"] == {"blue": 0, "green": 100}
        assert world.platform.places["green"].live == NEW
        assert world.platform.places["worker"].live == NEW
        assert world.platform.places["front"].live == NEW
        assert world.platform.places["blue"].suspended
        assert world.platform.applied == ["20260101000000", "20260201000000"]
        assert await world.ledger.locks() == ()

    async def test_when_deployed_then_weights_rise_by_stages_and_never_fall(self, world):
        deployment = await world.until_ended(await world.deploy())

        greens = [record.weights["green"] for record in deployment.traffic]
        assert greens == [10, 50, 100]

    async def test_when_deployed_then_each_platform_was_asked_once_for_each_change(self, world):
        await world.until_ended(await world.deploy())

        assert world.platform.changes == {
            "announce": 2,
            "migrate": 1,
            "resume": 1,
            "deploy": 3,
            "shift_traffic": 3,
            "promote": 1,
            "suspend": 1,
        }

    async def test_when_the_same_request_comes_twice_then_it_is_one_deployment(self, world):
        first = await world.engine.deploy(Wish(PRODUCTION, "v2"), "same", "", KIM)
        second = await world.engine.deploy(Wish(PRODUCTION, "v2"), "same", "", KIM)

        assert (second.deployment, second.again) == (first.deployment, True)

    async def test_when_another_comes_meanwhile_then_it_is_refused_and_told_who_holds_it(self, world):
        await world.deploy()

        with pytest.raises(Refused, match="production is locked by kim"):
            await world.deploy()

    async def test_when_the_plan_has_changed_since_it_was_shown_then_it_does_not_start(self, world):
        shown = await world.engine.preview(Wish(PRODUCTION, "v1"))

        with pytest.raises(PlanRejected, match="cannot start"):
            await world.engine.deploy(Wish(PRODUCTION, "v2"), "x", shown.digest, KIM)


class TestGivenAReleaseThatErrs:
    async def test_when_deployed_then_it_is_taken_back_by_itself(self, world):
        deployment = await world.until_ended(await world.deploy("erring"))

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert deployment.rollback.trigger is Trigger.AUTOMATIC
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        assert world.platform.places["green"].suspended
        assert world.platform.places["worker"].live == OLD
        assert world.platform.applied == ["20260101000000"]

    async def test_when_it_is_taken_back_then_traffic_comes_first(self, world):
        await world.until_ended(await world.deploy("erring"))

        kinds = [kind for _, kind in world.platform.calls]
        back = len(kinds) - 1 - kinds[::-1].index("shift_traffic")
        assert not {"roll_back", "migrate_down", "suspend"} & set(kinds[:back])
        assert {"roll_back", "migrate_down", "suspend"} <= set(kinds[back:])

    async def test_when_its_build_fails_then_no_request_ever_reaches_it(self, world):
        world.platform.broken_builds.add(NEW)

        deployment = await world.until_ended(await world.deploy())

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert [record.weights["green"] for record in deployment.traffic if record.weights["green"]] == []

    async def test_when_its_migration_fails_then_nothing_is_deployed(self, world):
        world.platform.broken_migrations.add("20260201000000")

        deployment = await world.until_ended(await world.deploy())

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.changes["deploy"] == 0
        assert world.platform.applied == ["20260101000000"]

    async def test_when_its_checks_fail_then_nothing_is_changed(self, world):
        world.platform.checks = Verdict(VerdictKind.FAIL, "build failed")

        deployment = await world.until_ended(await world.deploy())

        assert deployment.status is DeploymentStatus.ABORTED
        assert not world.platform.changes


class TestGivenAPersonWhoActs:
    async def test_when_rolled_back_at_fifty_percent_then_traffic_is_back_at_once(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["api.bake-50"].status is StepStatus.RUNNING)

        await world.ask(deployment_id, Control.ROLLBACK, reason="it smells")
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert deployment.rollback.trigger is Trigger.MANUAL
        assert deployment.rollback.requested_by == KIM
        assert deployment.rollback.traffic_restored_after < timedelta(seconds=1)
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}

    async def test_when_rolled_back_after_the_end_then_the_old_arm_comes_back_first(self, world):
        deployment_id = await world.deploy()
        await world.until_ended(deployment_id)

        await world.ask(deployment_id, Control.ROLLBACK)
        deployment = await world.until(deployment_id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        assert not world.platform.places["blue"].suspended
        assert world.platform.places["green"].suspended
        assert world.platform.places["front"].live == OLD
        assert deployment.steps["api.shift-50"].status is StepStatus.UNDONE
        assert await world.ledger.locks() == ()

    async def test_when_paused_then_the_next_stage_waits_until_it_goes_on(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["api.bake-10"].status is StepStatus.RUNNING)
        await world.ask(deployment_id, Control.PAUSE)
        await world.clock.pass_time(timedelta(minutes=10))

        paused = world.deployment(deployment_id)
        assert paused.status is DeploymentStatus.PAUSED
        assert world.platform.weights["api"] == {"blue": 90, "green": 10}

        await world.ask(deployment_id, Control.RESUME)
        deployment = await world.until_ended(deployment_id)
        assert deployment.status is DeploymentStatus.SUCCEEDED

    async def test_when_aborted_before_any_change_then_it_is_aborted(self, world):
        world.platform.checks = Verdict(VerdictKind.INCONCLUSIVE, "still running")
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["source.checks"].status is StepStatus.RUNNING)

        await world.ask(deployment_id, Control.ABORT)
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ABORTED
        assert not world.platform.changes

    async def test_when_promoted_then_the_stage_ends_before_its_time(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["api.bake-10"].status is StepStatus.RUNNING)

        await world.ask(deployment_id, Control.PROMOTE)
        deployment = await world.until_ended(deployment_id)

        assert deployment.steps["api.bake-10"].status is StepStatus.SKIPPED
        assert "kim" in deployment.steps["api.bake-10"].detail

    async def test_when_an_ended_one_is_paused_then_it_is_refused(self, world):
        deployment_id = await world.deploy()
        await world.until_ended(deployment_id)

        with pytest.raises(Refused, match="too late to pause"):
            await world.ask(deployment_id, Control.PAUSE)

    async def test_when_rolled_back_twice_then_the_second_is_refused(self, world):
        deployment_id = await world.deploy()
        await world.until_ended(deployment_id)
        await world.ask(deployment_id, Control.ROLLBACK)
        await world.until(deployment_id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        with pytest.raises(Refused, match="rolled back already"):
            await world.ask(deployment_id, Control.ROLLBACK)

    async def test_when_the_environment_is_unknown_then_the_known_ones_are_named(self, world):
        with pytest.raises(UsageError, match="no environment 'nowhere'"):
            await world.engine.preview(Wish(EnvironmentName("nowhere")))

    async def test_when_a_service_or_strategy_is_unknown_then_the_known_ones_are_named(self, world):
        with pytest.raises(UsageError) as service:
            await world.engine.preview(Wish(PRODUCTION, services=("apii",)))
        with pytest.raises(UsageError) as strategy:
            await world.engine.preview(Wish(PRODUCTION, strategy="canari"))

        assert "Known: database, api, worker, front." in str(service.value)
        assert "Known: blue-green, canary, rolling, recreate." in str(strategy.value)


class TestGivenAnApprovalIsNeeded:
    @pytest.fixture
    async def world(self):
        world = World(approvals=1)
        await world.start()
        yield world
        await world.engine.stop()

    async def test_when_the_requester_approves_then_it_does_not_count(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.status is DeploymentStatus.WAITING)

        await world.ask(deployment_id, Control.APPROVE, KIM)
        await world.clock.pass_time(timedelta(minutes=5))

        assert world.deployment(deployment_id).status is DeploymentStatus.WAITING
        assert not world.platform.changes

    async def test_when_another_approves_then_it_begins(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.status is DeploymentStatus.WAITING)

        await world.ask(deployment_id, Control.APPROVE, ANN)

        assert (await world.until_ended(deployment_id)).status is DeploymentStatus.SUCCEEDED

    async def test_when_rejected_then_nothing_was_changed(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.status is DeploymentStatus.WAITING)

        await world.ask(deployment_id, Control.REJECT, ANN, reason="not today")
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ABORTED
        assert not world.platform.changes


class TestGivenAPlatformInTrouble:
    async def test_when_an_answer_is_lost_then_the_change_is_made_once(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["database.migrate"].status is StepStatus.SUCCEEDED)
        world.platform.lose_next_reply = True

        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert world.platform.changes["deploy"] == 3

    async def test_when_it_is_down_during_a_rollback_then_traffic_is_back_and_the_rest_waits(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["api.bake-50"].status is StepStatus.RUNNING)
        world.platform.down_until["suspend"] = world.clock.now() + timedelta(hours=1)

        await world.ask(deployment_id, Control.ROLLBACK)
        await world.clock.pass_time(timedelta(minutes=5))
        waiting = world.deployment(deployment_id)

        assert waiting.status is DeploymentStatus.ROLLING_BACK
        assert waiting.rollback.traffic_restored_after < timedelta(seconds=1)
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        assert (await world.until_ended(deployment_id)).status is DeploymentStatus.ROLLED_BACK
        assert world.platform.places["green"].suspended

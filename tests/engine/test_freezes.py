"""Freezes: nothing begins in one but emergencies, everything may come back, and a plan sees the next one coming."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.domain.deployment import DeploymentStatus
from console.domain.errors import PlanRejected, Refused, UsageError
from console.domain.events import Control
from console.domain.freeze import FreezeSpan, FreezeWish
from console.domain.ids import ServiceName
from console.domain.maintenance import MAINTENANCE, MaintenanceWish
from console.domain.plan import Wish
from console.domain.variables import SYNC
from tests.engine.world import ANN, KIM, PRODUCTION, World

SUNDAY = {"window": "sun 02:00-sun 12:00", "reason": "the sale"}
"""The virtual clock begins on a Sunday at 03:00 UTC."""
IN_NEED = {"emergency": True, "reason": "the shop is down"}


async def furnished(**environment):
    world = World(**environment)
    world.platform.request_rate = 400
    await world.start()
    return world


async def freeze(world: World, begins: timedelta, lasts: timedelta, reason: str = "the sale"):
    begin = world.clock.now() + begins
    return await world.engine.freezes.add(FreezeWish(PRODUCTION, begin, begin + lasts, reason), ANN)


class TestGivenAFreezeOfTheConfiguration:
    @pytest.fixture
    async def world(self):
        world = await furnished(freezes=[SUNDAY])
        yield world
        await world.engine.stop()

    async def test_when_a_release_is_deployed_then_the_refusal_names_freeze_end_and_remedy(self, world):
        with pytest.raises(PlanRejected) as refused:
            await world.deploy()

        assert refused.value.reasons == (
            (
                "production is frozen until 2026-11-22 12:00 UTC: the sale (configured: sun 02:00-sun 12:00). "
                "Wait for its end, or pass over it with `--emergency --reason TEXT`."
            ),
        )
        assert refused.value.exit_code == 4

    @pytest.mark.parametrize("strategy", [SYNC, "lift-hold"])
    async def test_when_anything_else_would_go_forward_then_it_is_refused_too(self, world, strategy):
        plan = await world.engine.preview(Wish(PRODUCTION, strategy=strategy))

        assert any("is frozen until" in refusal for refusal in plan.refusals)

    async def test_when_it_is_an_emergency_then_the_freeze_is_a_gate_that_was_passed(self, world):
        ended = await world.until_ended(await world.deploy(**IN_NEED))

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert ended.emergency.skipped == ("checks", "freeze")
        assert any("and this passes over it" in note for note in ended.plan.notes)

    async def test_when_holding_pages_are_asked_for_then_they_go_up(self, world):
        wish = {"release": "", "strategy": MAINTENANCE, "maintenance": MaintenanceWish(True)}

        ended = await world.until_ended(await world.deploy(**wish))

        assert (ended.status, set(world.platform.pages)) == (DeploymentStatus.SUCCEEDED, {"api"})

    async def test_when_services_are_restarted_then_nothing_is_in_the_way(self, world):
        plan = await world.engine.preview(Wish(PRODUCTION, strategy="recovery:restart", services=("worker",)))

        assert not any("frozen" in refusal for refusal in plan.refusals)

    async def test_when_the_sale_is_over_then_it_is_deployed(self, world):
        world.clock._now += timedelta(hours=9)

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.SUCCEEDED

    async def test_when_somebody_would_lift_it_then_they_are_told_where_it_stands(self, world):
        with pytest.raises(Refused, match="stand in the configuration"):
            await world.engine.freezes.lift("production", "", ANN)


class TestGivenAnEnvironmentThatNoEmergencyPasses:
    async def test_when_one_is_asked_for_in_a_freeze_then_it_is_refused(self):
        world = await furnished(freezes=[SUNDAY], emergency={"skips": ["approvals"]})

        with pytest.raises(PlanRejected) as refused:
            await world.deploy(**IN_NEED)

        assert "--emergency" not in str(refused.value)
        await world.engine.stop()


class TestGivenAFreezeThatBeginsWhileADeploymentIsUnderWay:
    async def test_when_it_has_begun_then_it_goes_on_and_can_be_taken_back(self):
        world = await furnished()
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.traffic)
        await freeze(world, timedelta(), timedelta(days=1))

        ended = await world.until_ended(deployment)
        await world.ask(deployment, Control.ROLLBACK)
        back = await world.until(deployment, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert (ended.status, back.rollback.reason) == (DeploymentStatus.SUCCEEDED, "rollback by kim")
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        await world.engine.stop()

    async def test_when_a_release_that_was_live_is_asked_for_then_it_may_come_back(self):
        world = await furnished()
        await world.until_ended(await world.deploy())
        await freeze(world, timedelta(), timedelta(days=1))

        ended = await world.until_ended(await world.deploy("v1", returns=True))

        assert ended.status is DeploymentStatus.SUCCEEDED
        await world.engine.stop()

    async def test_when_it_only_waits_for_approval_then_nobody_approves_it_before_the_end(self):
        world = await furnished(approvals=1)
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.status is DeploymentStatus.WAITING)
        await freeze(world, timedelta(), timedelta(minutes=10))

        with pytest.raises(Refused, match="is frozen until 2026-11-22 03:10 UTC: the sale"):
            await world.ask(deployment, Control.APPROVE, ANN)
        world.clock._now += timedelta(minutes=10)
        await world.ask(deployment, Control.APPROVE, ANN)
        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.SUCCEEDED
        await world.engine.stop()


class TestGivenAFreezeAddedByHand:
    @pytest.fixture
    async def world(self):
        world = await furnished()
        yield world
        await world.engine.stop()

    async def test_when_it_is_lifted_then_who_when_and_why_are_on_record(self, world):
        added = await freeze(world, timedelta(), timedelta(days=1))
        before = await world.engine.preview(Wish(PRODUCTION, release="v2"))

        lifted = await world.engine.freezes.lift(added.id[-4:], "the sale was called off", KIM)

        assert before.refusals[0].startswith(
            "production is frozen until 2026-11-23 03:00 UTC: the sale (ann, f-261122-"
        )
        assert f"`quarterdeck freeze lift {added.id}`" in before.refusals[0]
        assert (lifted.lifted_by, lifted.lifted_at, lifted.why_lifted) == (
            KIM,
            world.clock.now(),
            "the sale was called off",
        )
        assert (await world.engine.preview(Wish(PRODUCTION, release="v2"))).refusals == ()

    async def test_when_it_names_services_then_others_go_forward(self, world):
        now = world.clock.now()
        wish = FreezeWish(PRODUCTION, now, now + timedelta(days=1), "the sale", (ServiceName("worker"),))
        await world.engine.freezes.add(wish, ANN)

        all_of_it = await world.engine.preview(Wish(PRODUCTION, release="v2"))
        other = await world.engine.preview(Wish(PRODUCTION, release="v2", services=("api",)))

        assert all_of_it.refusals[0].startswith("production is frozen for worker until 2026-11-23 03:00 UTC: the sale")
        assert "name services that it does not hold with --service" in all_of_it.refusals[0]
        assert not any("frozen" in refusal for refusal in other.refusals)
        with pytest.raises(UsageError, match="There is no service 'shop'"):
            await world.engine.freezes.add(replace(wish, services=(ServiceName("shop"),)), ANN)

    async def test_when_the_worker_dies_then_it_holds_all_the_same(self, world):
        await freeze(world, timedelta(), timedelta(days=1))

        await world.crash()

        with pytest.raises(PlanRejected):
            await world.deploy()

    async def test_when_two_hold_then_both_are_named(self, world):
        await freeze(world, timedelta(), timedelta(days=1))
        await freeze(world, timedelta(hours=-1), timedelta(days=2), "the auditors are here")

        plan = await world.engine.preview(Wish(PRODUCTION, release="v2"))

        assert ["auditors" in refusal for refusal in plan.refusals] == [True, False]

    @pytest.mark.parametrize(
        ("begins", "lasts", "reason"),
        [(0, 0, "why"), (0, -1, "why"), (-3, 2, "why"), (0, 1, " ")],
        ids=["empty", "backwards", "over", "no reason"],
    )
    async def test_when_its_times_or_reason_cannot_be_then_it_is_wrong(self, world, begins, lasts, reason):
        with pytest.raises(UsageError):
            await freeze(world, timedelta(hours=begins), timedelta(hours=lasts), reason)

    async def test_when_an_unknown_one_is_lifted_then_it_is_wrong(self, world):
        with pytest.raises(UsageError, match="There is no freeze"):
            await world.engine.freezes.lift("f-1", "", KIM)


class TestGivenAFreezeAhead:
    @pytest.fixture
    async def world(self):
        world = await furnished()
        await world.until_ended(await world.deploy("v1"))
        await world.until_ended(await world.deploy("v2"))
        yield world
        await world.engine.stop()

    async def test_when_a_deployment_would_run_into_it_then_the_plan_says_at_which_step(self, world):
        before = await world.engine.preview(Wish(PRODUCTION, release="v1"))
        await freeze(world, timedelta(seconds=60), timedelta(days=1))

        plan = await world.engine.preview(Wish(PRODUCTION, release="v1"))

        assert plan.refusals == ()
        assert plan.risk.score == before.risk.score + 10
        (said,) = [note for note in plan.notes if "runs into the freeze" in note]
        assert "(the sale) at step " in said
        assert plan.digest == before.digest

    async def test_when_it_would_be_done_by_then_then_nothing_is_said(self, world):
        await freeze(world, timedelta(hours=6), timedelta(days=1))

        plan = await world.engine.preview(Wish(PRODUCTION, release="v1"))

        assert not any("freeze" in note for note in plan.notes)


class TestGivenWindowsOfTheWallClock:
    async def test_when_summer_time_ends_then_they_follow_the_clock_on_the_wall(self):
        world = await furnished(
            freezes=[{"window": "daily 22:00-06:00", "timezone": "Europe/Berlin", "reason": "night"}]
        )

        found = await world.engine.freezes.find(PRODUCTION)

        assert [f"{span.begins_at:%d %H:%M}-{span.ends_at:%d %H:%M}" for span in found] == [
            "21 21:00-22 05:00",
            "22 21:00-23 05:00",
        ]
        assert isinstance(found[0], FreezeSpan)
        assert found[0].source == "configured: daily 22:00-06:00 Europe/Berlin"
        await world.engine.stop()

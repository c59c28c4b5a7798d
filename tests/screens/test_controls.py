"""What a person asks of a deployment: the next stage, everybody at once, a failed step, a hold, a permission."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from console.domain.emergency import EmergencyTerms
from console.domain.events import Control, DeploymentRequested, StepRetried
from console.domain.hold import LIFT_HOLD
from console.domain.ids import StepId
from console.domain.plan import StepKind
from console.domain.roles import Role
from screens.dashboard import Dashboard
from screens.promote import PromoteDialog
from screens.reason import ReasonDialog
from screens.rollback import RollbackDialog
from screens.small_plan import PlanDialog
from tests.screens import scene
from tests.screens.conftest import World
from tests.screens.fake_service import FakeService
from tests.screens.test_emergencies import answer, command

SIZE = (120, 40)
Make = Callable[..., World]
BENCH = StepId("bench")


def asked(world: World) -> list[tuple[Control, StepId | None, str]]:
    return [(request.control, request.step, request.reason) for _, request in world.service.asked]


class TestGivenAStageAtTenPercent:
    @pytest.mark.parametrize(("key", "control"), [("y", Control.PROMOTE), ("f", Control.PROMOTE_FULL)])
    async def test_when_p_opens_the_dialog_then_y_is_the_next_stage_and_f_everybody(
        self, make_world: Make, key: str, control: Control
    ) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "p")
            assert "the next stage begins: backend: 50 % to green" in world.text()
            assert "Nothing has been judged here yet" in world.text()

            await world.press(pilot, key)

            assert asked(world) == [(control, "bake-10", "")]
            assert isinstance(world.app.screen, Dashboard)

    async def test_when_everybody_is_asked_for_by_name_then_only_y_does_it(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-promote-full")
            await world.press(pilot, "f", "enter")
            assert isinstance(world.app.screen, PromoteDialog)
            assert asked(world) == []

            await world.press(pilot, "y")
            assert asked(world) == [(Control.PROMOTE_FULL, "bake-10", "")]


class TestGivenAFailedStepThatWaitsForAPerson:
    async def test_when_it_shows_then_the_reason_and_the_keys_that_answer_it_stand_there(
        self, make_world: Make
    ) -> None:
        world = make_world("asked")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)

            assert "✗ backend green: benchmark failed: p95 was 91 ms" in world.text()
            assert "t try again   S skip it   R roll back" in world.text()
            assert "S skip" in world.text().splitlines()[-1]

    async def test_when_it_is_skipped_then_enter_alone_does_nothing_and_a_reason_is_passed_on(
        self, make_world: Make
    ) -> None:
        world = make_world("asked")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "S", "enter")
            assert isinstance(world.app.screen, ReasonDialog)
            assert "A step is skipped for a reason only" in world.text()
            assert asked(world) == []

            await answer(world, pilot, "text", "measured on a busy host")

            assert asked(world) == [(Control.SKIP, BENCH, "measured on a busy host")]

    async def test_when_somebody_else_retries_it_meanwhile_then_nothing_is_skipped(self, make_world: Make) -> None:
        world = make_world("asked")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "S")
            world.service.say(scene.FIRST, StepRetried(BENCH), world.now, scene.ANN)
            await world.settle(pilot)
            await answer(world, pilot, "text", "late")

            assert asked(world) == []
            assert "Nothing was done: it no longer waits for a decision." in world.text()

    async def test_when_it_is_tried_again_then_that_step_is_named(self, make_world: Make) -> None:
        world = make_world("asked")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "t")

            assert asked(world) == [(Control.RETRY, BENCH, "")]

    async def test_when_later_steps_stand_on_it_then_the_key_says_why_it_is_off(self, make_world: Make) -> None:
        tale = scene.tale("asked")
        request = tale.events[0].payload
        assert isinstance(request, DeploymentRequested)
        steps = tuple(replace(s, kind=StepKind.HEALTH) if s.id == BENCH else s for s in request.plan.steps)
        tale.events[0] = replace(tale.events[0], payload=replace(request, plan=replace(request.plan, steps=steps)))
        world = make_world("asked", service=FakeService(tale.events))
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            assert "t try again   R roll back" in world.text()
            await world.press(pilot, "S")

            assert "later steps stand on “backend green: benchmark”" in world.text()

    async def test_when_nothing_failed_then_both_keys_say_so_and_the_footer_is_silent(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            assert "skip" not in world.text().splitlines()[-1]
            await world.press(pilot, "S")

            assert "S skip: no failed step waits for a decision." in world.text()


class TestGivenAnEnvironmentThatIsHeld:
    async def test_when_p_and_y_are_pressed_then_the_previewed_lifting_starts(self, make_world: Make) -> None:
        world = make_world("rolled-back")
        world.service.statuses = [replace(world.service.statuses[0], hold=scene.HOLD), *world.service.statuses[1:]]
        world.service.plan = scene.LIFTING
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            assert "■ held  p lifts it  (v1.5.0 taken back)" in world.text()
            await world.press(pilot, "p")
            assert isinstance(world.app.screen, PlanDialog)
            assert "Let pushes of backend go live again" in world.text()
            await world.press(pilot, "y")

            ((wish, request, digest),) = world.service.deployed
            assert (wish.environment, wish.strategy, digest) == (scene.PRODUCTION, LIFT_HOLD, scene.LIFTING.digest)
            assert request

    async def test_when_it_is_not_held_then_the_command_says_so(self, make_world: Make) -> None:
        world = make_world("rolled-back")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-lift-hold")

            assert "production is not held" in world.text()


class TestGivenAnEmergencyWhosePermissionEnds:
    async def test_when_it_is_renewed_then_the_reason_is_passed_on(self, make_world: Make) -> None:
        tale = scene.tale()
        request = tale.events[0].payload
        assert isinstance(request, DeploymentRequested)
        terms = EmergencyTerms(("approvals",), timedelta(minutes=1))
        plan = replace(request.plan, emergency=terms)
        tale.events[0] = replace(tale.events[0], payload=replace(request, plan=plan, emergency=True))
        world = make_world(service=FakeService(tale.events))
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-renew")
            assert "It ended at 06:17:03 UTC. Renewed, it holds for 1m00s from now." in world.text()
            await answer(world, pilot, "text", "still down")

            assert asked(world) == [(Control.RENEW, None, "still down")]

    async def test_when_it_is_no_emergency_then_the_palette_says_why_not(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-renew")

            assert "this is no emergency, so no permission ends" in world.text()


class TestGivenARollbackOfSomeServices:
    async def test_when_a_service_is_named_then_only_that_is_asked_for(self, make_world: Make) -> None:
        world = make_world(service=FakeService(scene.tale().events, role=Role.DEPLOYER))
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-rollback production worker")
            assert isinstance(world.app.screen, RollbackDialog)
            assert "only worker" in world.text()
            await world.press(pilot, "y")

            ((_, request),) = world.service.asked
            assert (request.control, request.services) == (Control.ROLLBACK, ("worker",))


class TestGivenThatAPlatformDoesNotAnswerDuringARollback:
    async def test_when_it_shows_then_it_says_that_traffic_is_back_and_what_waits_for_whom(
        self, make_world: Make
    ) -> None:
        world = make_world("waiting-for-render")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)

            assert "traffic is back; 2 steps wait for render" in world.text()
            assert "HTTP 503" in world.text()

"""Stages that wait for a person though they passed, and the jump to 100 %."""

from __future__ import annotations

import pytest

from console.config.environments import EnvironmentSettings
from console.config.strategies import find_shape
from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.errors import Refused
from console.domain.events import Control
from console.domain.plan import Wish
from tests.engine.world import ANN, ERRING, NEW, OLD, PRODUCTION, World

MANUAL = {"promotion": "manual"}


async def furnished(**environment):
    world = World(**environment)
    await world.start()
    return world


@pytest.fixture
async def world():
    made = await furnished(**MANUAL)
    yield made
    await made.engine.stop()


def waits_at(weight: int):
    return lambda d: d.steps[f"api.bake-{weight}"].status is StepStatus.WAITING


def weights_of(deployment) -> list[int]:
    return [record.weights["green"] for record in deployment.traffic]


class TestGivenAStageThatPassed:
    async def test_when_nobody_promotes_then_it_waits_and_says_on_what_evidence(self, world):
        started = await world.deploy()

        waiting = await world.until(started, waits_at(10))

        state = waiting.steps["api.bake-10"]
        assert waiting.status is DeploymentStatus.WAITING
        assert state.detail.startswith("waits for promote: ")
        assert any(record.verdict.is_pass for record in waiting.verdicts if record.step == state.step.id)
        assert (state.waiting_until - state.started_at).total_seconds() >= 24 * 3600

    async def test_when_each_stage_is_promoted_then_it_goes_on_to_the_end_and_keeps_its_evidence(self, world):
        started = await world.deploy()
        for weight in (10, 50):
            await world.until(started, waits_at(weight))
            await world.ask(started, Control.PROMOTE, ANN)
            await world.until(started, lambda d, w=weight: d.steps[f"api.bake-{w}"].status.is_terminal)

        ended = await world.until_ended(started)

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert weights_of(ended) == [10, 50, 100]
        assert ended.steps["api.bake-50"].detail.startswith("promoted by ann: ")
        assert "evidence" in ended.steps["api.bake-50"].outputs

    async def test_when_it_turns_bad_while_it_waits_then_it_is_taken_back_at_once(self, world):
        started = await world.deploy()
        waiting = await world.until(started, waits_at(10))
        world.platform.error_rates[NEW] = 0.5

        ended = await world.until_ended(started)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        assert (ended.ended_at - waiting.steps["api.bake-10"].started_at).total_seconds() < 600

    async def test_when_the_worker_dies_meanwhile_then_the_wait_is_no_longer_for_it(self, world):
        started = await world.deploy()
        until = (await world.until(started, waits_at(10))).steps["api.bake-10"].waiting_until

        await world.crash()
        again = await world.until(started, waits_at(10))
        assert again.steps["api.bake-10"].waiting_until == until

        await world.ask(started, Control.PROMOTE, ANN)
        assert weights_of(await world.until(started, waits_at(50))) == [10, 50]


class TestGivenAJumpToAll:
    async def test_when_asked_for_at_the_first_stage_then_the_stages_between_are_left_out(self, world):
        started = await world.deploy()
        await world.until(started, waits_at(10))

        await world.ask(started, Control.PROMOTE_FULL, ANN)

        ended = await world.until_ended(started)
        assert ended.status is DeploymentStatus.SUCCEEDED
        assert weights_of(ended) == [10, 100]
        assert ended.steps["api.bake-50"].detail == "promoted to 100 % by ann"
        assert ended.steps["api.bake-100"].status is StepStatus.SUCCEEDED

    async def test_when_it_fails_at_100_then_it_is_taken_back_all_the_same(self, world):
        started = await world.deploy()
        await world.until(started, waits_at(10))
        await world.ask(started, Control.PROMOTE_FULL, ANN)
        await world.until(started, lambda d: weights_of(d)[-1:] == [100])
        world.platform.error_rates[NEW] = 0.5

        ended = await world.until_ended(started)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}

    async def test_when_no_stage_is_under_way_then_it_is_refused(self, world):
        started = await world.deploy()

        with pytest.raises(Refused, match="no service is at a stage below 100 %"):
            await world.ask(started, Control.PROMOTE_FULL, ANN)

    @pytest.mark.parametrize("point", ["control-answered", "decided", "step-begun", "step-ended"])
    async def test_when_the_worker_dies_right_after_then_it_still_goes_there_once(self, world, point):
        started = await world.deploy()
        await world.until(started, waits_at(10))
        world.crash_at = (point, world.crash_counts.get(point, 0) + 1)

        await world.ask(started, Control.PROMOTE_FULL, ANN)

        ended = await world.until_ended(started)
        assert ended.status is DeploymentStatus.SUCCEEDED
        assert weights_of(ended) == [10, 100]


class TestGivenThatNobodyComes:
    @pytest.mark.parametrize(
        ("undecided", "end"),
        [
            ("wait", DeploymentStatus.ROLLED_BACK),
            ("rollback", DeploymentStatus.ROLLED_BACK),
            ("promote", DeploymentStatus.SUCCEEDED),
        ],
    )
    async def test_when_the_time_is_over_then_the_configuration_says_what_follows(self, undecided, end):
        judge = {"interval": "10s", "undecided": undecided}
        world = await furnished(**MANUAL, limits={"approval": "10m"}, judge=judge)

        ended = await world.until_ended(await world.deploy())

        assert ended.status is end
        assert world.platform.places["worker"].live == (NEW if end is DeploymentStatus.SUCCEEDED else OLD)
        await world.engine.stop()


class TestGivenSettingsOfOneService:
    def test_when_it_says_otherwise_than_its_environment_then_its_own_word_counts(self):
        services = {"api": {"id": "x", "promotion": "automatic"}, "worker": {"id": "y"}}
        environment = EnvironmentSettings.model_validate({**MANUAL, "services": services})

        assert not find_shape(environment, "api").is_manual
        assert find_shape(environment, "worker").is_manual

    async def test_when_planned_then_stages_below_100_wait_and_the_plan_says_for_whom(self):
        world = await furnished(**MANUAL)
        plan = await world.engine.preview(Wish(PRODUCTION, "v2"))

        assert [step.arguments.get("manual") for step in plan.steps if step.kind.value == "bake"] == [True, True, None]
        assert any("waits for `promote`, 24 h at most; then is taken back" in note for note in plan.notes)
        await world.engine.stop()

    async def test_when_an_emergency_may_pass_promotions_then_nobody_is_waited_for(self):
        world = await furnished(**MANUAL, emergency={"skips": ["promotion"]})

        ended = await world.until_ended(await world.deploy(emergency=True, reason="down"))

        assert weights_of(ended) == [10, 50, 100]
        assert ended.emergency.skipped == ("promotion",)
        await world.engine.stop()


class TestGivenAReleaseThatErrs:
    async def test_when_stages_are_manual_then_it_never_waits_for_anybody(self, world):
        ended = await world.until_ended(await world.deploy("erring"))

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert ended.plan.release.commit == ERRING

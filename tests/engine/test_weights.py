"""A rollout has one writer: what somebody else does to the weights is seen, said, and never fought."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control, OperationStarted
from console.domain.ids import StepId
from console.domain.verdict import VerdictKind
from providers.contract import Unsupported
from tests.engine.world import NEW, World

TEN = StepId("api.bake-10")
STRANGE = {"blue": 50, "green": 50}
OURS = {"blue": 90, "green": 10}


async def holding() -> tuple[World, str]:
    """A world in which the first stage is held."""
    world = World(stages=[10, 100])
    world.platform.runs["api"] = "first"
    await world.start()
    deployment = await world.deploy()
    await world.until(deployment, lambda d: d.steps[TEN].status is StepStatus.RUNNING and d.steps[TEN].detail)
    return world, deployment


def is_waiting(deployment) -> bool:
    return deployment.steps[TEN].status is StepStatus.WAITING


def moves(world: World) -> int:
    """How often weights were set while the first stage was held."""
    events = [event.payload for event in world.ledger.events]
    return sum(isinstance(payload, OperationStarted) and payload.step == TEN for payload in events)


class TestGivenSomebodyElseWhoMovesTheWeights:
    async def test_when_they_differ_then_the_stage_is_held_and_a_person_is_asked(self):
        world, deployment = await holding()
        world.platform.weights["api"] = dict(STRANGE)

        held = await world.until(deployment, is_waiting)

        assert "Somebody else moves it" in held.steps[TEN].detail
        assert "blue 50 % · green 50 % for api where blue 90 % · green 10 % was set" in held.steps[TEN].detail
        assert held.verdicts[-1].verdict.kind is VerdictKind.INCONCLUSIVE
        assert held.verdicts[-1].verdict.evidence["found"] == STRANGE
        assert held.traffic[-1].weights == STRANGE
        assert (world.platform.weights["api"], moves(world)) == (STRANGE, 0)
        await world.engine.stop()

    async def test_when_they_are_put_back_by_hand_then_the_stage_goes_on_for_its_whole_time(self):
        world, deployment = await holding()
        world.platform.weights["api"] = dict(STRANGE)
        held = await world.until(deployment, is_waiting)
        noticed = world.clock.now()
        await world.until(deployment, lambda d: world.clock.now() - noticed > timedelta(minutes=5))
        assert is_waiting(world.deployment(deployment))

        world.platform.weights["api"] = dict(OURS)
        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert world.platform.places["green"].live == NEW
        spent = ended.steps[TEN].ended_at - held.steps[TEN].started_at
        assert spent >= timedelta(minutes=5, seconds=30)
        await world.engine.stop()

    async def test_when_the_release_errs_meanwhile_then_it_is_taken_back_all_the_same(self):
        world, deployment = await holding()
        world.platform.weights["api"] = dict(STRANGE)
        await world.until(deployment, is_waiting)
        world.platform.error_rates[NEW] = 0.3

        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        await world.engine.stop()

    async def test_when_a_person_promotes_then_it_goes_on_with_our_weights(self):
        world, deployment = await holding()
        world.platform.weights["api"] = dict(STRANGE)
        await world.until(deployment, is_waiting)

        await world.ask(deployment, Control.PROMOTE)
        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert world.platform.weights["api"] == {"blue": 0, "green": 100}
        await world.engine.stop()


class TestGivenARouterThatForgetsAtAReload:
    async def test_when_it_read_its_file_again_then_ours_are_put_back_once(self):
        world, deployment = await holding()
        world.platform.weights["api"], world.platform.runs["api"] = {"blue": 100, "green": 0}, "second"

        await world.until(deployment, lambda d: world.platform.weights["api"] == OURS)
        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert moves(world) == 1
        doubts = [r.verdict for r in ended.verdicts if r.verdict.evidence.get("router_began_anew")]
        assert ["read its file again" in verdict.explanation for verdict in doubts] == [True]
        await world.engine.stop()

    async def test_when_it_forgets_again_then_it_is_not_fought(self):
        world, deployment = await holding()
        world.platform.weights["api"], world.platform.runs["api"] = {"blue": 100, "green": 0}, "second"
        await world.until(deployment, lambda d: d.traffic[-1].weights == OURS and moves(world) == 1)
        world.platform.weights["api"], world.platform.runs["api"] = {"blue": 100, "green": 0}, "third"

        held = await world.until(deployment, is_waiting)

        assert "put back once" in held.steps[TEN].detail
        assert (moves(world), world.platform.weights["api"]) == (1, {"blue": 100, "green": 0})
        await world.engine.stop()

    async def test_when_the_worker_was_dead_meanwhile_then_the_record_knows_the_run(self):
        world, deployment = await holding()
        await world.crash()
        world.platform.weights["api"], world.platform.runs["api"] = {"blue": 100, "green": 0}, "second"

        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert moves(world) == 1
        await world.engine.stop()


class TestGivenARouterThatCountsNothing:
    def world(self, **environment: object) -> World:
        world = World(stages=[10, 100], **environment)
        reason = Unsupported("It counts by sampling.", "Ask somebody else.")
        world.platform.capabilities = replace(world.platform.capabilities, counters=reason)
        return world

    async def test_when_a_release_answers_then_stages_pass_and_the_plan_said_by_what(self):
        world = self.world()
        await world.start()

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert "api: It counts by sampling. Stages are judged by asking green itself" in " ".join(ended.plan.notes)
        assert ended.steps[TEN].detail.endswith("answers of http://green/health were as they should be.")
        await world.engine.stop()

    async def test_when_it_stops_answering_then_it_is_taken_back(self):
        world = self.world()
        await world.start()
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.steps[TEN].status is StepStatus.RUNNING)
        world.platform.ill.add("green")

        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert "does not answer as it should" in ended.failure or "does not answer" in ended.rollback.reason
        await world.engine.stop()

    async def test_when_there_is_nothing_to_ask_either_then_each_stage_waits_for_a_person(self):
        world = self.world()
        api = world.settings.services["api"].model_copy(update={"health": None})
        world.settings = world.settings.model_copy(update={"services": {**world.settings.services, "api": api}})
        world.engine = world._new_engine()
        await world.start()
        deployment = await world.deploy()

        held = await world.until(deployment, is_waiting)

        assert "promote it, or roll back" in held.steps[TEN].detail
        assert "waits for a person" in " ".join(held.plan.notes)
        await world.engine.stop()

    async def test_when_somebody_else_moves_the_weights_then_it_is_held_too(self):
        world = self.world()
        await world.start()
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.steps[TEN].status is StepStatus.RUNNING)
        world.platform.weights["api"] = dict(STRANGE)

        held = await world.until(deployment, is_waiting)

        assert "Somebody else moves it" in held.steps[TEN].detail
        await world.engine.stop()

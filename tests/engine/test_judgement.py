"""What follows when a stage is found to be bad: back, held for a person, or on in a dry run."""

from __future__ import annotations

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control
from console.domain.plan import StepKind
from console.domain.verdict import VerdictKind
from tests.engine.world import NEW, World


async def started(**judge: object) -> World:
    world = World(judge={"interval": "10s", **judge})
    await world.start()
    return world


def is_held(deployment) -> bool:
    return any(
        state.status is StepStatus.WAITING and state.step.kind is StepKind.BAKE and "paused" in state.detail
        for state in deployment.steps.values()
    )


class TestGivenThatErrorsPause:
    async def test_when_a_release_errs_then_it_is_held_and_a_person_may_let_it_go_on(self):
        world = await started(on_errors="pause")
        deployment = await world.deploy("erring")

        held = await world.until(deployment, is_held)
        assert held.verdicts[-1].verdict.evidence["action"] == "pause"
        assert world.platform.weights["api"] == {"blue": 90, "green": 10}

        await world.ask(deployment, Control.PROMOTE)
        after = await world.until(deployment, lambda d: world.platform.weights["api"]["green"] > 10)
        assert after.rollback is None
        await world.engine.stop()


class TestGivenADryRun:
    async def test_when_a_release_errs_then_it_goes_on_and_the_record_says_what_would_have_been(self):
        world = await started(dry_run=True)

        ended = await world.until_ended(await world.deploy("erring"))

        assert ended.status is DeploymentStatus.SUCCEEDED
        judged = [record.verdict for record in ended.verdicts if record.verdict.kind is VerdictKind.FAIL]
        assert judged
        details = [state.detail for state in ended.steps.values() if state.step.kind is StepKind.BAKE]
        assert all(detail.startswith("dry run, would roll back") for detail in details)
        await world.engine.stop()

    async def test_when_a_release_is_good_then_nothing_differs(self):
        world = await started(dry_run=True)

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert world.platform.places["green"].live == NEW
        await world.engine.stop()

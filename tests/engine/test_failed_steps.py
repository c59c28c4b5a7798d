"""A failed step and a person who decides on it: try it again from there, leave it out, or take all back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.errors import Refused
from console.domain.events import Control, PersonAsked
from console.domain.verdict import Verdict, VerdictKind
from console.engine.crash_points import POINTS
from tests.engine.world import NEW, OLD, World


async def until_asked(world: World, release: str = "v2", **wish):
    deployment_id = await world.deploy(release, **wish)
    await world.until(deployment_id, lambda d: d.status is DeploymentStatus.WAITING)
    return deployment_id


@pytest.fixture
async def world():
    world = World(on_failure="ask")
    await world.start()
    yield world
    await world.engine.stop()


class TestGivenAFailedStepThatAsks:
    async def test_when_nobody_answers_then_it_waits_and_says_what_for(self, world):
        world.platform.broken_migrations.add("20260201000000")
        deployment_id = await until_asked(world)

        await world.clock.pass_time(timedelta(hours=1))

        waiting = world.deployment(deployment_id)
        questions = [e.payload.question for e in world.ledger.events if isinstance(e.payload, PersonAsked)]
        assert waiting.status is DeploymentStatus.WAITING
        assert waiting.steps["database.migrate"].status is StepStatus.FAILED
        assert len(questions) == 1
        assert "Retry it, or roll back." in questions[0]
        assert world.platform.changes["deploy"] == 0

    async def test_when_retried_then_it_goes_on_from_there_and_repeats_nothing_else(self, world):
        world.platform.broken_builds.add(NEW)
        deployment_id = await until_asked(world)
        world.platform.broken_builds.clear()

        await world.ask(deployment_id, Control.RETRY, reason="the builder had no disk")
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert world.platform.changes["migrate"] == 1
        assert deployment.steps["api.deploy"].attempts == 2
        assert world.platform.weights["api"] == {"blue": 0, "green": 100}

    async def test_when_rolled_back_then_what_was_done_is_taken_back(self, world):
        world.platform.broken_builds.add(NEW)
        deployment_id = await until_asked(world)

        await world.ask(deployment_id, Control.ROLLBACK)
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.applied == ["20260101000000"]
        assert world.platform.places["green"].suspended

    async def test_when_retried_and_rolled_back_at_once_then_it_counts_as_begun(self, world):
        world.platform.broken_migrations.add("20260201000000")
        deployment_id = await until_asked(world)

        await world.ask(deployment_id, Control.RETRY)
        await world.ask(deployment_id, Control.ROLLBACK)
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.applied == ["20260101000000"]

    async def test_when_skipping_what_others_stand_on_then_it_is_refused(self, world):
        world.platform.broken_builds.add(NEW)
        deployment_id = await until_asked(world)

        with pytest.raises(Refused, match="cannot be skipped: later steps stand on it"):
            await world.ask(deployment_id, Control.SKIP, step="api.deploy", reason="please")

    async def test_when_skipped_with_a_reason_then_it_goes_on_and_keeps_it(self, world):
        world.platform.failing_paths.add("/items")
        deployment_id = await until_asked(world)

        with pytest.raises(Refused, match="for a reason only"):
            await world.ask(deployment_id, Control.SKIP)
        await world.ask(deployment_id, Control.SKIP, reason="/items moved on purpose")
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert deployment.steps["api.integration"].status is StepStatus.SKIPPED
        assert deployment.steps["api.integration"].detail == "skipped by kim: /items moved on purpose"

    async def test_when_no_step_has_failed_then_there_is_nothing_to_skip(self, world):
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["api.bake-10"].status is StepStatus.RUNNING)

        with pytest.raises(Refused, match="no step waits for a decision"):
            await world.ask(deployment_id, Control.SKIP, reason="hurry")

    async def test_when_people_are_served_by_what_fails_then_nobody_is_asked(self, world):
        deployment = await world.until_ended(await world.deploy("erring"))

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.places["worker"].live == OLD

    async def test_when_the_checks_fail_then_a_retry_looks_at_them_again(self, world):
        world.platform.checks = Verdict(VerdictKind.FAIL, "build failed")
        deployment_id = await until_asked(world)
        world.platform.checks = Verdict(VerdictKind.PASS, "2 checks passed.")

        await world.ask(deployment_id, Control.RETRY)

        assert (await world.until_ended(deployment_id)).status is DeploymentStatus.SUCCEEDED


async def test_given_an_announcement_whose_answer_cannot_be_read_then_the_rollback_closes_it():
    world = World()
    await world.start()
    world.platform.garbled = {"announce"}

    deployment = await world.until_ended(await world.deploy())

    assert deployment.status is DeploymentStatus.ABORTED, deployment.failure
    (opened, about), (closed, same) = world.platform.announced
    assert (opened, closed, about == same) == ("in_progress", "failure", True)
    await world.engine.stop()


@pytest.mark.parametrize("point", POINTS)
async def test_given_a_worker_that_dies_when_retried_then_it_goes_on_from_the_failed_step(point):
    for occurrence in (1, 2):
        world = World(on_failure="ask")
        await world.start()
        world.platform.broken_builds.add(NEW)
        deployment_id = await until_asked(world)
        world.platform.broken_builds.clear()
        begun = world.platform.changes["deploy"]
        world.crash_counts.clear()
        world.crash_at = (point, occurrence)

        await world.ask(deployment_id, Control.RETRY)
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.SUCCEEDED, f"{point} {occurrence}: {deployment.failure}"
        assert world.platform.changes["migrate"] == 1
        assert world.platform.changes["deploy"] == 2 * begun + (3 - begun)
        await world.engine.stop()

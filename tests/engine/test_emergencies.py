"""Emergencies: which gates they pass over, until when, and who looks at them afterwards."""

from __future__ import annotations

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.emergency import EmergencyTerms
from console.domain.errors import Refused
from console.domain.events import Control
from console.domain.ids import Actor
from console.domain.verdict import Verdict, VerdictKind
from tests.engine.world import ANN, KIM, World

BOB = Actor("bob")
IN_NEED = {"emergency": True, "reason": "the shop is down"}


async def furnished(**environment):
    world = World(**environment)
    await world.start()
    return world


class TestGivenChecksThatFailAndApprovalsThatAreNeeded:
    @pytest.fixture
    async def world(self):
        world = await furnished(approvals=1)
        world.platform.checks = Verdict(VerdictKind.FAIL, "build failed")
        yield world
        await world.engine.stop()

    async def test_when_it_is_an_emergency_then_it_passes_over_both_and_says_so(self, world):
        ended = await world.until_ended(await world.deploy(**IN_NEED))

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert ended.plan.emergency == EmergencyTerms(("checks", "approvals"))
        assert ended.emergency.skipped == ("checks", "approvals")
        assert ended.emergency.reason == "the shop is down"
        assert [record.verdict.kind for record in ended.verdicts if record.step == "source.checks"] == [
            VerdictKind.FAIL
        ]

    async def test_when_it_is_none_then_nothing_is_changed(self, world):
        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.ABORTED
        assert ended.emergency is None


class TestGivenAnEnvironmentThatNamesItsGates:
    async def test_when_only_approvals_may_be_passed_then_failed_checks_still_close_the_gate(self):
        world = await furnished(approvals=1, emergency={"skips": ["approvals"]})
        world.platform.checks = Verdict(VerdictKind.FAIL, "build failed")

        ended = await world.until_ended(await world.deploy(**IN_NEED))

        assert ended.status is DeploymentStatus.ABORTED
        assert ended.emergency.skipped == ("approvals",)
        await world.engine.stop()

    async def test_when_the_bake_may_be_passed_then_everybody_gets_it_at_once(self):
        world = await furnished(emergency={"skips": ["bake"]})

        ended = await world.until_ended(await world.deploy(**IN_NEED))

        assert [record.weights["green"] for record in ended.traffic] == [100]
        assert ended.emergency.skipped == ("bake",)
        await world.engine.stop()

    async def test_when_a_release_errs_that_passed_the_bake_then_it_is_taken_back_all_the_same(self):
        world = await furnished(emergency={"skips": ["bake"]})

        ended = await world.until_ended(await world.deploy("erring", **IN_NEED))

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        await world.engine.stop()


class TestGivenAPermissionThatEnds:
    @pytest.fixture
    async def world(self):
        world = await furnished(approvals=1, emergency={"skips": ["checks"], "valid": "5m"})
        yield world
        await world.engine.stop()

    async def test_when_nothing_was_changed_by_then_then_it_is_void(self, world):
        ended = await world.until_ended(await world.deploy(**IN_NEED))

        assert ended.status is DeploymentStatus.ABORTED
        assert "emergency permission ended" in ended.failure
        assert not world.platform.changes.get("deploy")
        assert (ended.ended_at - ended.requested_at).total_seconds() < 310

    async def test_when_it_began_in_time_then_it_goes_on_beyond_it(self, world):
        started = await world.deploy(**IN_NEED)
        await world.ask(started, Control.APPROVE, ANN)
        ended = await world.until_ended(started)

        assert ended.status is DeploymentStatus.SUCCEEDED


class TestGivenAnEmergencyThatPausedBeyondItsTime:
    @pytest.fixture
    async def world(self):
        world = await furnished(emergency={"valid": "1m"})
        yield world
        await world.engine.stop()

    @pytest.fixture
    async def paused(self, world):
        started = await world.deploy(**IN_NEED)
        await world.until(started, lambda d: d.traffic)
        await world.ask(started, Control.PAUSE)
        await world.until(started, lambda d: d.status is DeploymentStatus.PAUSED)
        end = world.deployment(started).emergency.expires_at
        await world.until(started, lambda d: world.clock.now() >= end)
        return started

    async def test_when_somebody_resumes_it_then_they_must_ask_anew(self, world, paused):
        with pytest.raises(Refused, match="without asking anew"):
            await world.ask(paused, Control.RESUME)

        await world.ask(paused, Control.RENEW, ANN, reason="still down")
        await world.until(paused, lambda d: len(d.emergency.asked_by) == 2)
        await world.ask(paused, Control.RESUME)

        ended = await world.until_ended(paused)
        assert ended.status is DeploymentStatus.SUCCEEDED
        assert ended.emergency.asked_by == (KIM, ANN)

    async def test_when_it_is_renewed_without_a_reason_then_it_is_refused(self, world, paused):
        with pytest.raises(Refused, match="needs a reason"):
            await world.ask(paused, Control.RENEW)

    async def test_when_it_is_rolled_back_then_no_permission_is_needed(self, world, paused):
        await world.ask(paused, Control.ROLLBACK)

        assert (await world.until_ended(paused)).status is DeploymentStatus.ROLLED_BACK


class TestGivenAnEmergencyThatHasEnded:
    @pytest.fixture
    async def world(self):
        world = await furnished()
        yield world
        await world.engine.stop()

    async def test_when_somebody_else_reviews_it_then_it_is_closed_once(self, world):
        done = await world.deploy(**IN_NEED)
        await world.until_ended(done)
        assert world.deployment(done).emergency.review.is_open

        await world.engine.review(done, "looked at the logs: fine", ANN)

        review = world.deployment(done).emergency.review
        assert (review.closed_by, review.comment, review.is_open) == (ANN, "looked at the logs: fine", False)
        assert world.deployment(done).status is DeploymentStatus.SUCCEEDED
        with pytest.raises(Refused, match="ann closed this review"):
            await world.engine.review(done, "me too", BOB)

    async def test_when_who_asked_reviews_it_then_it_stays_open(self, world):
        done = await world.deploy(**IN_NEED)
        await world.until_ended(done)

        with pytest.raises(Refused, match="somebody else"):
            await world.engine.review(done, "all fine", KIM)
        assert world.deployment(done).emergency.review.is_open

    async def test_when_it_still_goes_on_or_nothing_is_said_then_the_review_is_refused(self, world):
        done = await world.deploy(**IN_NEED)
        with pytest.raises(Refused, match="still goes on"):
            await world.engine.review(done, "fine", ANN)
        await world.until_ended(done)

        with pytest.raises(Refused, match="says what was found"):
            await world.engine.review(done, " ", ANN)

    async def test_when_a_deployment_was_no_emergency_then_there_is_nothing_to_review(self, world):
        done = await world.deploy()
        ended = await world.until_ended(done)

        assert all(state.status is not StepStatus.FAILED for state in ended.steps.values())
        with pytest.raises(Refused, match="no review"):
            await world.engine.review(done, "fine", ANN)

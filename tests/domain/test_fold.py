"""The one fold: whatever was recorded, in whatever prefix, says where a deployment stands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.domain import events as ev
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus, begin, fold, fold_all
from console.domain.errors import InvalidTransition
from console.domain.ids import Actor, DeploymentId, StepId
from console.domain.plan import Phase
from tests.planning.stories import NOON, Story, bad_story, good_story, plan_shop

GOOD, BAD = good_story().events, bad_story().events
STEP = StepId("backend.deploy")


class TestGivenAnyPrefixOfARecord:
    @settings(max_examples=40)
    @given(story=st.sampled_from([GOOD, BAD]), data=st.data())
    def test_when_folded_at_once_or_in_two_parts_then_it_is_the_same(
        self, story: list[ev.Event], data: st.DataObject
    ) -> None:
        length = data.draw(st.integers(1, len(story)))
        cut = data.draw(st.integers(1, length))
        whole = fold(story[:length])
        part = fold(story[:cut])
        assert part is not None
        for event in story[cut:length]:
            part = part.apply(event)

        assert part == whole
        assert part.seq == length

    @settings(max_examples=40)
    @given(story=st.sampled_from([GOOD, BAD]), data=st.data())
    def test_when_folded_then_times_and_states_agree(self, story: list[ev.Event], data: st.DataObject) -> None:
        deployment = fold(story[: data.draw(st.integers(1, len(story)))])

        assert deployment is not None
        assert deployment.is_terminal == (deployment.ended_at is not None)
        for state in deployment.steps.values():
            if state.status in {StepStatus.SUCCEEDED, StepStatus.FAILED}:
                assert state.started_at is not None
                assert state.ended_at is not None
                assert state.ended_at >= state.started_at
            if state.status is StepStatus.PENDING:
                assert not state.was_begun
        assert all(sum(weights.values()) == 100 for weights in deployment.weights.values())

    @settings(max_examples=40)
    @given(order=st.permutations([0] * 12 + [1] * 12))
    def test_when_two_deployments_are_mixed_then_each_is_told_apart(self, order: list[int]) -> None:
        second = DeploymentId("other")
        rows = [GOOD[:12], [ev.Event(second, e.at, e.payload, e.actor, e.seq) for e in BAD[:12]]]
        places = [iter(rows[0]), iter(rows[1])]

        folded = fold_all(next(places[which]) for which in order)

        assert folded[GOOD[0].deployment] == fold(GOOD[:12])
        assert folded[second] == fold(rows[1])


class TestGivenNoEvents:
    def test_when_folded_then_there_is_no_deployment(self) -> None:
        assert fold([]) is None


class TestGivenADamagedRecord:
    def test_when_it_does_not_begin_with_a_request_then_it_is_refused(self) -> None:
        with pytest.raises(InvalidTransition, match="does not begin"):
            begin(GOOD[1])

    def test_when_an_event_is_of_another_deployment_then_it_is_refused(self) -> None:
        with pytest.raises(InvalidTransition, match="was applied to"):
            begin(GOOD[0]).apply(ev.Event(DeploymentId("other"), NOON, ev.DeploymentStarted()))

    def test_when_a_step_is_unknown_then_it_is_refused(self) -> None:
        with pytest.raises(InvalidTransition, match="No step ghost"):
            tell(begin(GOOD[0]), ev.StepStarted(StepId("ghost"), 1))


def tell(deployment: Deployment, *payloads: ev.Payload, actor: Actor = ev.SYSTEM) -> Deployment:
    for number, payload in enumerate(payloads, deployment.seq + 1):
        at = NOON + timedelta(seconds=number)
        deployment = deployment.apply(ev.Event(deployment.id, at, payload, actor, number))
    return deployment


@pytest.fixture
def running() -> Deployment:
    return Story(plan_shop()).deployment


class TestGivenAStep:
    def test_when_it_is_retried_then_it_keeps_its_first_start_and_counts_attempts(self, running: Deployment) -> None:
        later = NOON + timedelta(minutes=1)
        first = tell(running, ev.StepStarted(STEP, 1), ev.StepFailed(STEP, "503", retry_at=later))
        assert first.steps[STEP].status is StepStatus.WAITING
        assert first.steps[STEP].retry_at == later
        assert first.status is DeploymentStatus.RUNNING

        second = tell(first, ev.StepStarted(STEP, 2), ev.StepSucceeded(STEP, "live", {"previous": "dep-1"}))

        state = second.steps[STEP]
        assert (state.status, state.attempts, state.retry_at) == (StepStatus.SUCCEEDED, 2, None)
        assert state.started_at == first.steps[STEP].started_at
        assert state.outputs == {"previous": "dep-1"}

    def test_when_it_asked_a_platform_then_key_and_reference_stay_with_it(self, running: Deployment) -> None:
        told = tell(
            running,
            ev.StepStarted(STEP, 1),
            ev.OperationIntended(STEP, "key-1", "deploy"),
            ev.OperationStarted(STEP, "key-1", "dep-9"),
        )

        operation = told.steps[STEP].operation
        assert operation is not None
        assert (operation.key, operation.reference) == ("key-1", "dep-9")
        assert operation.intended_at is not None

    def test_when_it_waits_for_a_person_then_the_deployment_waits_unless_something_runs(
        self, running: Deployment
    ) -> None:
        waits = tell(running, ev.StepStarted(STEP, 1), ev.StepWaiting(STEP, "approval", NOON))
        assert waits.status is DeploymentStatus.WAITING

        busy = tell(waits, ev.StepStarted(StepId("worker.deploy"), 1))
        assert busy.status is DeploymentStatus.RUNNING

    def test_when_it_is_interrupted_then_lost_and_skipped_are_told_apart(self, running: Deployment) -> None:
        begun = tell(running, ev.StepStarted(STEP, 1))

        assert tell(begun, ev.StepInterrupted(STEP, "abort", lost=True)).steps[STEP].status is StepStatus.LOST
        assert tell(begun, ev.StepInterrupted(STEP, "abort")).steps[STEP].status is StepStatus.SKIPPED


class TestGivenControls:
    def test_when_paused_then_only_continuing_or_a_rollback_changes_that(self, running: Deployment) -> None:
        paused = tell(running, ev.DeploymentPaused(), actor=Actor("ada"))
        assert (paused.status, paused.paused_by) == (DeploymentStatus.PAUSED, "ada")
        assert tell(paused, ev.StepStarted(STEP, 1)).status is DeploymentStatus.PAUSED

        assert tell(paused, ev.DeploymentContinued()).status is DeploymentStatus.RUNNING
        back = tell(paused, ev.RollbackRequested(ev.Trigger.MANUAL, "odd", NOON))
        assert (back.status, back.paused_by) == (DeploymentStatus.ROLLING_BACK, None)

    def test_when_asked_then_who_and_why_is_kept(self, running: Deployment) -> None:
        told = tell(running, ev.ControlReceived(ev.Control.APPROVE, STEP, "fine"), actor=Actor("grace"))

        assert told.controls[0].actor == "grace"
        assert told.controls[0].reason == "fine"


class TestGivenARollback:
    def test_when_it_ran_then_its_times_are_measured_from_the_key_press(self) -> None:
        rollback = bad_story().deployment.rollback

        assert rollback is not None
        assert rollback.traffic_restored_after == timedelta(seconds=0.3)
        assert rollback.duration == timedelta(seconds=1.2)

    def test_when_an_undo_succeeded_then_the_step_it_took_back_is_undone(self) -> None:
        deployment = bad_story().deployment

        assert deployment.steps[StepId("backend.shift-10")].status is StepStatus.UNDONE
        assert deployment.steps[StepId("undo:backend.shift-10")].step.phase is Phase.ROLLBACK

    def test_when_an_ended_deployment_is_taken_back_then_it_is_open_again(self) -> None:
        ended = good_story().deployment
        back = tell(ended, ev.RollbackRequested(ev.Trigger.MANUAL, "odd", NOON))

        assert not back.is_terminal
        assert back.ended_at is None

"""The way back from where a deployment stands."""

from __future__ import annotations

from console.domain import events as ev
from console.domain.ids import ServiceName
from console.domain.plan import Step, StepKind
from console.planning.rollback import build_rollback, name_irreversible, traffic_undos
from tests.planning.stories import Story, bad_story, good_story, plan_shop, shop


def ids(steps: tuple[Step, ...]) -> list[str]:
    return [step.id for step in steps]


class TestGivenARolloutInTheMiddle:
    def test_when_taken_back_then_three_shifts_have_one_way_back_and_it_is_first(self) -> None:
        plan = plan_shop()
        story = Story(plan).run(plan.steps, until="backend.bake-100")

        back = build_rollback(story.deployment)

        assert ids(back) == [
            "undo:backend.shift-10",
            "undo:backend.resume",
            "undo:database.migrate",
            "undo:source.announce",
        ]
        assert back[0].needs == ()
        assert back[0].arguments["weights"] == {"blue": 100, "green": 0}
        assert back[0].arguments["also_undoes"] == ["backend.shift-50", "backend.shift-100"]

    def test_when_taken_back_then_each_undo_has_what_its_step_gave(self) -> None:
        plan = plan_shop()
        story = Story(plan).run(plan.steps[:3])

        back = build_rollback(story.deployment)

        assert back[-1].kind is StepKind.ANNOUNCE
        assert back[-1].arguments["state"] == "failure"
        assert back[-1].arguments["outputs"] == {"url": "http://source.announce"}

    def test_when_nothing_was_begun_then_there_is_nothing_to_do(self) -> None:
        assert build_rollback(Story(plan_shop()).deployment) == ()


class TestGivenADeploymentThatIsOver:
    def test_when_taken_back_then_the_old_arm_returns_healthy_before_it_gets_traffic(self) -> None:
        back = build_rollback(good_story().deployment)

        assert ids(back)[:3] == [
            "undo:backend.decommission",
            "undo:backend.decommission.health",
            "undo:backend.shift-10",
        ]
        assert back[1].kind is StepKind.HEALTH
        assert back[1].arguments["url"] == "http://blue"
        assert back[1].arguments["path"] == "/health"
        promote = next(step for step in back if step.id == "undo:frontend.promote")
        assert promote.needs == ()

    def test_when_only_one_service_is_named_then_only_it_is_taken_back(self) -> None:
        back = build_rollback(good_story().deployment, (ServiceName("frontend"),))

        assert ids(back) == ["undo:frontend.promote", "undo:source.announce"]

    def test_when_the_rollback_is_planned_then_traffic_is_known_to_be_back_by_its_steps(self) -> None:
        story = good_story()
        back = build_rollback(story.deployment)
        story.tell(ev.RollbackRequested(ev.Trigger.MANUAL, "odd", story.now)).tell(ev.RollbackPlanned(back))

        assert traffic_undos(story.deployment) == {"undo:backend.shift-10", "undo:frontend.promote"}


class TestGivenARollbackThatFailedHalfway:
    def test_when_asked_again_then_what_is_undone_is_left_out(self) -> None:
        plan = plan_shop()
        story = Story(plan).run(plan.steps, until="backend.bake-50")
        back = build_rollback(story.deployment)
        story.tell(ev.RollbackRequested(ev.Trigger.MANUAL, "odd", story.now)).tell(ev.RollbackPlanned(back))
        story.run(back[:1])
        story.tell(ev.DeploymentFailed("render does not answer"))

        again = build_rollback(story.deployment)

        assert ids(again) == ["undo:backend.resume", "undo:database.migrate", "undo:source.announce"]

    def test_when_all_was_undone_then_nothing_is_left(self) -> None:
        assert build_rollback(bad_story().deployment) == ()


class TestGivenStepsWithoutAnUndo:
    def test_when_asked_then_what_cannot_be_taken_back_is_named_with_its_reason(self) -> None:
        plan = plan_shop(shop({"migrations_on_rollback": "keep"}))
        story = Story(plan).run(plan.steps[:6])

        assert "Migrations stay" in " ".join(name_irreversible(story.deployment))

    def test_when_a_new_arm_was_only_built_then_that_is_no_loss(self) -> None:
        plan = plan_shop()
        story = Story(plan).run(plan.steps, until="backend.shift-10")

        assert name_irreversible(story.deployment) == ()

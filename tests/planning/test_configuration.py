"""Variables change before the release that needs them, in pipelines of one's own as well, and nothing shows a value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from console.config.pipeline_shape import Pipeline
from console.domain.ids import ServiceName
from console.domain.plan import Phase, StepKind
from console.domain.variables import ABSENT, SYNC, UNREADABLE, Reconfiguration, VariableChange
from console.planning.live import Live, LiveService
from console.planning.rollback import build_rollback, name_irreversible
from tests.planning.stories import OLD, Story, live_shop, plan_shop, shop

CHANGE = Reconfiguration((VariableChange("LEVEL", "aaaa", "bbbb"),), {"LEVEL": "aaaa"})
LOST = Reconfiguration((VariableChange("KEY", UNREADABLE, "cccc"),), {}, ("KEY",))


def live_with(**changes: Reconfiguration) -> Live:
    live = live_shop()
    backend = live.of("backend")
    arms = {
        arm: replace(state, configuration=changes.get(arm, Reconfiguration())) for arm, state in backend.arms.items()
    }
    worker = LiveService(OLD, "dep-worker", configuration=changes.get("worker", Reconfiguration()))
    front = LiveService(OLD, "dpl_old", configuration=changes.get("frontend", Reconfiguration()))
    return live_shop(backend=replace(backend, arms=arms), worker=worker, frontend=front)


def ids(plan) -> list[str]:
    return [step.id for step in plan.steps]


class TestGivenVariablesThatDiffer:
    def test_when_planned_then_each_is_set_right_before_its_release(self) -> None:
        plan = plan_shop(live=live_with(green=CHANGE, worker=CHANGE, frontend=CHANGE))

        for name in ("backend", "worker", "frontend"):
            deploy = plan.step(f"{name}.deploy")
            assert deploy.needs[-1] == f"{name}.configure"
        assert plan.step("worker.configure").phase is Phase.ROLLOUT
        assert (
            "Render applies variables with the next deploy of a service; setting them restarts nothing." in plan.notes
        )
        assert sum("next deploy" in note for note in plan.notes) == 1

    def test_when_the_idle_arm_sleeps_then_its_old_release_starts_with_its_old_variables(self) -> None:
        found = ids(plan_shop(live=live_with(green=CHANGE)))

        assert found.index("backend.resume") < found.index("backend.configure") < found.index("backend.deploy")

    def test_when_the_serving_arm_differs_then_it_is_left_alone(self) -> None:
        assert "backend.configure" not in ids(plan_shop(live=live_with(blue=CHANGE)))

    def test_when_the_earlier_value_is_hidden_then_the_plan_says_so(self) -> None:
        plan = plan_shop(live=live_with(worker=LOST))

        assert "worker: a rollback cannot put back KEY; nobody has the earlier value." in plan.notes
        assert plan.step("worker.configure").undo is None
        story = Story(plan).run(plan.steps)
        assert any("nobody has the earlier KEY" in words for words in name_irreversible(story.deployment))

    def test_when_it_cannot_be_planned_then_the_deployment_is_refused(self) -> None:
        plan = plan_shop(live=live_with(worker=Reconfiguration(problem="a reference leads nowhere: DB")))

        assert plan.refusals == ("worker: its variables cannot be planned: a reference leads nowhere: DB",)


class TestGivenAWayBack:
    def test_when_taken_back_then_variables_return_before_the_old_release(self) -> None:
        plan = plan_shop(live=live_with(green=CHANGE, worker=CHANGE))
        back = build_rollback(Story(plan).run(plan.steps).deployment)

        undo = next(step for step in back if step.id == "undo:worker.deploy")
        assert "undo:worker.configure" in undo.needs
        assert next(s for s in back if s.id == "undo:worker.configure").kind is StepKind.RESTORE_CONFIGURATION

    def test_when_the_retired_arm_was_set_since_then_it_starts_with_what_it_ran_with(self) -> None:
        since = Reconfiguration(back={"LEVEL": "aaaa", "NEW": ABSENT})
        plan = plan_shop(live=live_with(blue=since))
        back = build_rollback(Story(plan).run(plan.steps).deployment)

        assert back[0].id == "undo:backend.configure-blue"
        assert back[0].arguments["back"] == {"LEVEL": "aaaa", "NEW": ""}
        assert next(s for s in back if s.id == "undo:backend.decommission").needs == ("undo:backend.configure-blue",)


class TestGivenAPipelineOfOnesOwn:
    def test_when_it_deploys_then_variables_are_set_before_without_being_named(self) -> None:
        steps = [{"id": "put", "kind": "deploy", "service": "worker"}]
        settings = shop().located_at(Path("config.toml"), {"mine": Pipeline.model_validate({"steps": steps})})

        plan = plan_shop(settings, live_with(worker=CHANGE), strategy="pipeline:mine")

        found = ids(plan)
        assert found.index("put.configure") == found.index("put") - 1
        assert plan.step("put").needs == ("put.configure",)


class TestGivenASync:
    def test_when_planned_then_every_place_is_set_and_goes_back_to_what_is_set_now(self) -> None:
        drifted = replace(CHANGE, back={"LEVEL": "0000"})
        plan = plan_shop(live=live_with(blue=CHANGE, green=drifted, worker=LOST), strategy=SYNC)

        assert ids(plan) == ["backend.configure-blue", "backend.configure-green", "worker.configure"]
        assert plan.step("backend.configure-green").arguments["back"] == {"LEVEL": "aaaa"}
        assert {step.kind for step in plan.steps} == {StepKind.CONFIGURE}

    def test_when_approvals_are_needed_then_they_come_first(self) -> None:
        plan = plan_shop(shop({"approvals": 1}), live_with(worker=CHANGE), strategy=SYNC)

        assert ids(plan) == ["approval", "worker.configure"]
        assert plan.step("worker.configure").needs == ("approval",)

    def test_when_only_one_service_is_named_then_only_it_is_set(self) -> None:
        live = live_with(worker=CHANGE, frontend=CHANGE)

        assert ids(plan_shop(live=live, strategy=SYNC, services=(ServiceName("frontend"),))) == ["frontend.configure"]

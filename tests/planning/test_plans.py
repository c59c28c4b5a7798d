"""What a plan does, in which order, and what it says where it cannot or must not go on."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import Lock
from console.domain.plan import Phase, Plan, Step, StepKind, Wish
from console.planning.forecast import Forecasts, build_forecasts
from console.planning.live import Live, LiveArm, LiveService
from console.planning.plans import build_plan
from providers.contract import MigrationFile, PlatformStage
from tests.planning.stories import (
    FIRST,
    NEW,
    NOON,
    OLD,
    PRODUCTION,
    RELEASE,
    SECOND,
    good_story,
    live_shop,
    plan_shop,
    shop,
)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps]


def step(plan: Plan, name: str) -> Step:
    return next(step for step in plan.steps if step.id == name)


def before(plan: Plan, first: str, second: str) -> bool:
    """Whether `second` can only begin once `first` has ended."""
    needs = {s.id: s.needs for s in plan.steps}
    seen, todo = set(), [second]
    while todo:
        for need in needs[todo.pop()]:
            if need not in seen:
                seen.add(need)
                todo.append(need)
    return first in seen


class TestGivenTheUsualShop:
    def test_when_planned_then_green_is_prepared_shifted_by_stages_and_blue_retired_last(self) -> None:
        plan = plan_shop()

        assert plan.refusals == ()
        assert [i for i in ids(plan) if i.startswith("backend.")] == [
            "backend.resume", "backend.deploy", "backend.health", "backend.integration", "backend.benchmark",
            "backend.shift-10", "backend.bake-10", "backend.shift-50", "backend.bake-50",
            "backend.shift-100", "backend.bake-100", "backend.verify", "backend.decommission",
        ]  # fmt: skip
        assert plan.candidate_arms == {"backend": "green"}
        assert plan.current == {"backend": OLD, "worker": OLD, "frontend": OLD}

    def test_when_planned_then_traffic_waits_for_what_it_needs_and_builds_do_not(self) -> None:
        plan = plan_shop()

        assert before(plan, "database.migrate", "backend.deploy")
        assert before(plan, "backend.bake-100", "frontend.promote")
        assert before(plan, "backend.benchmark", "frontend.deploy")
        assert not before(plan, "backend.shift-10", "frontend.deploy")
        assert not before(plan, "backend.deploy", "worker.deploy")
        assert all(
            before(plan, i, "backend.decommission") for i in ("backend.verify", "frontend.verify", "worker.deploy")
        )
        assert all(before(plan, i, "source.close") for i in ids(plan)[:-1])

    def test_when_planned_then_every_way_back_leads_to_what_is_live_now(self) -> None:
        plan = plan_shop()

        assert {
            dict(s.undo.arguments["weights"])["blue"] for s in plan.steps if s.kind is StepKind.SHIFT and s.undo
        } == {100}
        assert step(plan, "worker.deploy").undo.arguments["deployment"] == "dep-worker"
        assert step(plan, "frontend.promote").undo.arguments["deployment"] == "dpl_old"
        assert step(plan, "backend.decommission").undo.kind is StepKind.RESUME
        assert step(plan, "backend.deploy").no_undo

    def test_when_planned_then_arguments_are_json_and_the_digest_is_stable(self) -> None:
        plan = plan_shop()

        for each in plan.steps:
            json.dumps(each.arguments)
            json.dumps(each.undo.arguments if each.undo else {})
        assert plan.digest == plan_shop().digest
        assert plan.digest != plan_shop(shop({"stages": [20, 100]})).digest

    def test_when_planned_then_it_says_where_a_platform_cannot_divide_traffic(self) -> None:
        notes = " ".join(plan_shop().notes)

        assert "worker: its platform switches" in notes
        assert "frontend: its platform cannot divide traffic" in notes

    def test_when_the_arms_stand_the_other_way_round_then_blue_is_the_candidate(self) -> None:
        arms = {"blue": LiveArm(OLD, "d1"), "green": LiveArm(OLD, "d2", weight=100)}
        plan = plan_shop(live=live_shop(backend=LiveService(arms=arms)))

        assert plan.candidate_arms == {"backend": "blue"}
        assert "backend.resume" not in ids(plan)
        assert step(plan, "backend.shift-10").arguments["weights"] == {"green": 90, "blue": 10}
        assert step(plan, "backend.decommission").arguments["target"] == "srv-green"


class TestGivenMigrations:
    def test_when_some_are_applied_then_only_the_others_are_planned(self) -> None:
        files = step(plan_shop(), "database.migrate").arguments["files"]

        assert [file["version"] for file in files] == [SECOND.version]

    def test_when_all_are_applied_then_there_is_a_note_and_no_step(self) -> None:
        plan = plan_shop(files=(FIRST,))

        assert "database.migrate" not in ids(plan)
        assert any("database: every migration is applied" in note for note in plan.notes)
        assert step(plan, "worker.deploy").needs == ("source.announce",)

    def test_when_a_down_script_is_missing_then_it_is_named_and_the_risk_says_so(self) -> None:
        bare = MigrationFile("20261001083000", "add_stock", "alter table items …;")
        plan = plan_shop(files=(FIRST, SECOND, bare))

        migrate = step(plan, "database.migrate")
        assert migrate.undo is None
        assert "20261001083000_add_stock" in migrate.no_undo
        assert any("cannot be taken back" in reason for reason in plan.risk.reasons)

    def test_when_rollbacks_keep_migrations_then_they_have_no_undo(self) -> None:
        migrate = step(plan_shop(shop({"migrations_on_rollback": "keep"})), "database.migrate")

        assert migrate.undo is None
        assert "keep" in migrate.no_undo

    def test_when_one_is_older_than_what_is_applied_then_a_note_names_it(self) -> None:
        plan = plan_shop(live=live_shop(database=LiveService(applied=(SECOND.version,))))

        assert any(FIRST.version in note for note in plan.notes)


class TestGivenNothingIsLive:
    def test_when_planned_then_all_traffic_moves_at_once_and_the_risk_says_why(self) -> None:
        plan = plan_shop(live=Live(), files=())

        assert [i for i in ids(plan) if i.startswith("backend.")] == [
            "backend.deploy", "backend.health", "backend.integration", "backend.shift-100", "backend.verify",
        ]  # fmt: skip
        assert step(plan, "backend.shift-100").undo is None
        assert plan.current == {}
        assert any("First deployment of backend, worker, frontend" in reason for reason in plan.risk.reasons)


class TestGivenAChoiceOfServices:
    def test_when_one_is_named_then_only_it_is_planned_and_what_it_needs_is_noted(self) -> None:
        plan = plan_shop(services=(ServiceName("frontend"),))

        assert plan.services == ("frontend",)
        assert {s.service for s in plan.steps} == {None, "frontend"}
        assert any("backend" in note and "Not part" in note for note in plan.notes)

    def test_when_one_in_the_middle_is_left_out_then_order_still_holds_across_it(self) -> None:
        plan = plan_shop(services=(ServiceName("database"), ServiceName("frontend")))

        assert before(plan, "database.migrate", "frontend.promote")

    def test_when_an_unknown_one_is_named_then_the_plan_refuses_it(self) -> None:
        plan = plan_shop(services=(ServiceName("backnd"),))

        assert any("no service backnd" in refusal for refusal in plan.refusals)


class TestGivenWhatForbidsAPlan:
    def test_when_the_environment_is_unknown_then_the_plan_is_empty_and_says_so(self) -> None:
        plan = build_plan(shop(), Wish(EnvironmentName("prod")), RELEASE, Live())

        assert plan.steps == ()
        assert "Known: production" in plan.refusals[0]

    def test_when_another_deployment_holds_the_lock_then_its_holder_is_named(self) -> None:
        live = live_shop()
        lock = Lock(PRODUCTION, DeploymentId("d-1"), Actor("grace"), NOON, "deploys v1.0")
        plan = plan_shop(live=Live(live.services, lock=lock))

        assert any("grace" in refusal and "d-1" in refusal for refusal in plan.refusals)

    def test_when_traffic_is_divided_already_then_the_plan_asks_to_end_that_first(self) -> None:
        arms = {"blue": LiveArm(OLD, "d1", weight=50), "green": LiveArm(NEW, "d2", weight=50)}
        plan = plan_shop(live=live_shop(backend=LiveService(arms=arms)))

        assert any("traffic is divided" in refusal for refusal in plan.refusals)

    def test_when_a_service_cannot_be_read_then_its_problem_is_a_refusal(self) -> None:
        plan = plan_shop(live=live_shop(worker=LiveService(problem="Render does not answer.")))

        assert any("Render does not answer" in refusal for refusal in plan.refusals)

    def test_when_several_things_forbid_it_then_all_are_told_at_once(self) -> None:
        live = live_shop(worker=LiveService(problem="Render does not answer."))
        lock = Lock(PRODUCTION, DeploymentId("d-1"), Actor("grace"), NOON)
        plan = plan_shop(live=Live(live.services, lock=lock), emergency=True)

        assert len(plan.refusals) == 3

    def test_when_the_strategy_is_unknown_then_the_known_ones_are_named(self) -> None:
        assert "blue-green" in plan_shop(strategy="big-bang").refusals[0]


class TestGivenCareBeforeTheStart:
    def test_when_approvals_are_needed_then_nothing_is_announced_before_them(self) -> None:
        plan = plan_shop(shop({"approvals": 2}))

        assert ids(plan)[:3] == ["source.checks", "approval", "source.announce"]
        assert step(plan, "approval").arguments["approvals"] == 2

    def test_when_checks_are_off_then_they_are_not_asked(self) -> None:
        plan = plan_shop(shop({"gates": {"checks": "off"}}))

        assert "source.checks" not in ids(plan)
        assert any("checks" in reason for reason in plan.risk.reasons)

    def test_when_it_is_an_emergency_then_checks_only_warn_and_nobody_is_waited_for(self) -> None:
        plan = plan_shop(shop({"approvals": 2}), emergency=True, reason="shop is down")

        assert step(plan, "source.checks").arguments["required"] is False
        assert "approval" not in ids(plan)
        assert plan.risk.word != "low"

    def test_when_the_old_arm_is_to_stay_then_it_is_watched_longer_or_never_retired(self) -> None:
        assert "backend.keep" in ids(plan_shop(shop({"keep": "30m"})))
        assert before(plan_shop(shop({"keep": "30m"})), "backend.keep", "backend.decommission")
        assert "backend.decommission" not in ids(plan_shop(shop({"keep": "forever"})))

    def test_when_the_same_commit_is_live_then_there_is_a_note_and_no_refusal(self) -> None:
        arms = {"blue": LiveArm(NEW, "d1", weight=100), "green": LiveArm()}
        live = live_shop(backend=LiveService(arms=arms), worker=LiveService(NEW, "d"), frontend=LiveService(NEW, "e"))
        plan = plan_shop(live=live)

        assert plan.refusals == ()
        assert any("live already" in note for note in plan.notes)


class TestGivenAPlatformWithStagesOfItsOwn:
    def rolling(self, *stages: PlatformStage) -> Live:
        return live_shop(frontend=LiveService(OLD, "dpl_old", stages=(*stages, PlatformStage(100, None))))

    def test_when_they_pass_by_time_then_the_plan_counts_and_tells_them(self) -> None:
        five = timedelta(minutes=5)

        plan = plan_shop(live=self.rolling(PlatformStage(10, five), PlatformStage(50, five)))

        promote, usual = step(plan, "frontend.promote"), step(plan_shop(), "frontend.promote")
        assert plan.refusals == ()
        assert any("10 % for 5 min, 50 % for 5 min, then to everybody" in note for note in plan.notes)
        assert promote.forecast == timedelta(minutes=10)
        assert promote.time_limit == usual.time_limit + timedelta(minutes=10)

    def test_when_one_waits_for_approval_then_the_plan_is_refused_before_anything_begins(self) -> None:
        plan = plan_shop(live=self.rolling(PlatformStage(10, timedelta(minutes=5)), PlatformStage(50, None)))

        assert any("50 % of visitors and wait there for approval" in refusal for refusal in plan.refusals)

    def test_when_there_are_none_then_everybody_moves_at_once(self) -> None:
        assert any("in one move" in note for note in plan_shop().notes)


class TestGivenHistory:
    def test_when_nothing_is_known_then_there_is_no_forecast(self) -> None:
        assert plan_shop().forecast is None

    def test_when_a_like_deployment_ended_well_then_the_next_is_forecast_along_its_longest_path(self) -> None:
        history = build_forecasts([good_story().deployment])
        plan = build_plan(shop(), Wish(PRODUCTION), RELEASE, live_shop(), (FIRST, SECOND), history)

        assert history.of("production", "backend", StepKind.DEPLOY) == timedelta(seconds=2)
        assert plan.forecast is not None
        assert plan.forecast < sum((s.forecast for s in plan.steps if s.forecast), timedelta())

    def test_when_forecasts_differ_then_the_work_is_still_the_same(self) -> None:
        history = Forecasts({("production", "backend", "deploy"): timedelta(seconds=40)})
        plan = build_plan(shop(), Wish(PRODUCTION), RELEASE, live_shop(), (FIRST, SECOND), history)

        assert plan.digest == plan_shop().digest

    @pytest.mark.parametrize("kind", [StepKind.BAKE, StepKind.VERIFY])
    def test_when_a_step_waits_on_purpose_then_its_length_is_the_forecast(self, kind: StepKind) -> None:
        assert {s.forecast for s in plan_shop().steps if s.kind is kind} == {timedelta(seconds=5)}


class TestGivenPhases:
    def test_when_planned_then_nothing_in_preparation_gives_traffic(self) -> None:
        traffic = {StepKind.SHIFT, StepKind.PROMOTE, StepKind.SUSPEND}

        assert not [s for s in plan_shop().steps if s.phase is Phase.PREPARE and s.kind in traffic]


def weights(plan: Plan, service: str = "backend") -> list[tuple[str, timedelta | None]]:
    return [
        (s.id.rpartition("-")[2], s.forecast) for s in plan.steps if s.kind is StepKind.BAKE and s.service == service
    ]


class TestGivenAnotherStrategyOrShape:
    def test_when_canary_is_wished_then_it_brings_its_own_stages(self) -> None:
        plan = plan_shop(shop({"stages": [20, 100]}), strategy="canary")

        assert (plan.strategy, plan.refusals) == ("canary", ())
        assert [weight for weight, _ in weights(plan)] == ["5", "25", "100"]

    def test_when_the_environment_is_canary_then_its_stages_hold(self) -> None:
        plan = plan_shop(shop({"strategy": "canary", "stages": [1, 100]}))

        assert [weight for weight, _ in weights(plan)] == ["1", "100"]

    def test_when_a_service_has_its_own_shape_then_only_that_service_takes_it(self) -> None:
        settings = shop({"bake_time": ["1m", "2m", "3m"]})
        own = {"strategy": "canary", "bake_time": timedelta(seconds=7)}
        placed = settings.environments["production"].services
        changed = placed["backend"].model_copy(update=own)
        environment = settings.environments["production"].model_copy(
            update={"services": {**placed, "backend": changed}}
        )
        theirs = settings.model_copy(update={"environments": {"production": environment}})

        assert weights(plan_shop(theirs)) == [(weight, timedelta(seconds=7)) for weight in ("5", "25", "100")]
        assert weights(plan_shop(settings)) == [
            ("10", timedelta(minutes=1)), ("50", timedelta(minutes=2)), ("100", timedelta(minutes=3))
        ]  # fmt: skip

    def test_when_the_strategy_is_unknown_then_the_known_ones_are_named(self) -> None:
        plan = plan_shop(strategy="big-bang")

        assert plan.refusals == ("There is no strategy big-bang. Known: blue-green, canary, rolling, recreate.",)

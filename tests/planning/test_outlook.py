"""What a plan tells besides its steps: map, changes, the shortest way there and the longest back, the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from console.domain import events as ev
from console.domain.codec import from_json, to_json
from console.domain.deployment import Deployment
from console.domain.ids import Actor, DeploymentId, EnvironmentName
from console.domain.observations import Lock
from console.domain.plan import Plan, StepKind, Wish
from console.domain.variables import Reconfiguration, VariableChange
from console.planning.forecast import Forecasts, build_forecasts
from console.planning.live import Live, LiveService
from console.planning.past import read_past
from console.planning.plans import build_plan
from tests.planning.stories import (
    FIRST,
    NOON,
    OLD,
    PRODUCTION,
    RELEASE,
    SECOND,
    Story,
    bad_story,
    good_story,
    live_shop,
    plan_shop,
    shop,
)


def plan_after(*past: Deployment, live: Live | None = None) -> Plan:
    history: Forecasts = build_forecasts(past)
    return build_plan(shop(), Wish(PRODUCTION), RELEASE, live or live_shop(), (FIRST, SECOND), history)


def told(plan: Plan, words: str) -> int:
    """The points of the reason that has these words; 0 where none has."""
    found = zip(plan.risk.reasons, plan.risk.points, strict=True)
    return next((points for reason, points in found if words in reason), 0)


class TestGivenServicesThatNeedEachOther:
    def test_when_planned_then_the_map_shows_who_waits_and_who_goes_side_by_side(self) -> None:
        outlook = plan_shop().outlook

        assert outlook.waves == (("database",), ("backend", "worker"), ("frontend",))
        assert outlook.needs["frontend"] == ("backend",)

    def test_when_one_in_the_middle_stays_then_what_it_needs_is_waited_for(self) -> None:
        outlook = plan_shop(services=("database", "frontend")).outlook

        assert outlook.waves == (("database",), ("frontend",))
        assert outlook.needs == {"database": (), "frontend": ("database",)}


class TestGivenWhatChanges:
    def test_when_planned_then_migrations_are_named_by_their_files(self) -> None:
        assert plan_shop().outlook.migrations == ("20260915101500_add_note",)

    def test_when_variables_differ_then_their_names_are_told_and_no_digest(self) -> None:
        changes = (VariableChange("NEW", "", "11"), VariableChange("URL", "22", "33"), VariableChange("OLD", "44", ""))
        worker = LiveService(OLD, "dep-worker", configuration=Reconfiguration(changes, {"URL": "22"}))

        (names,) = plan_shop(live=live_shop(worker=worker)).outlook.variables

        assert (names.service, names.added, names.changed, names.removed) == ("worker", ("NEW",), ("URL",), ("OLD",))

    def test_when_commits_are_known_then_they_are_listed(self) -> None:
        live = replace(live_shop(), changes=2, commits=("One", "Two"))

        assert plan_shop(live=live).outlook.commits == ("One", "Two")

    def test_when_it_is_on_record_then_it_is_read_back_and_the_digest_does_not_hang_on_it(self) -> None:
        plan = plan_after(good_story().deployment)

        assert from_json(Plan, to_json(plan)) == plan
        assert plan.digest == plan_shop().digest


class TestGivenStepsThatRanBefore:
    def test_when_they_took_long_and_short_then_the_spread_and_both_bounds_follow(self) -> None:
        plan = plan_shop()
        slow = Story(plan).run(plan.steps, took=lambda s: 40.0 if s.kind is StepKind.DEPLOY else 1.0)
        found = plan_after(good_story().deployment, slow.tell(ev.DeploymentSucceeded()).deployment)
        deploy = next(s for s in found.steps if s.id == "backend.deploy")

        spread = found.outlook.spreads[deploy.id]

        assert (spread.times, spread.shortest, spread.longest) == (2, timedelta(seconds=2), timedelta(seconds=40))
        assert found.outlook.promotion is not None
        assert found.forecast is not None
        assert found.outlook.promotion.unknown == 0
        assert timedelta(seconds=20) < found.outlook.promotion.length < found.forecast

    def test_when_an_undo_never_ran_then_it_is_taken_to_last_as_long_as_what_it_takes_back(self) -> None:
        found = plan_after(good_story().deployment).outlook.rollback

        assert found is not None
        assert found.unknown < len(plan_shop().steps)
        assert found.length > timedelta(seconds=4)

    def test_when_nothing_ever_ran_then_the_bounds_say_how_many_steps_are_unknown(self) -> None:
        outlook = plan_shop().outlook

        assert outlook.promotion is not None
        assert outlook.promotion.length >= timedelta(seconds=20)  # four stages that wait on purpose
        assert outlook.promotion.unknown > 0


class TestGivenAPast:
    def test_when_the_last_release_was_taken_back_by_itself_then_the_risk_says_so(self) -> None:
        good, bad = good_story().deployment, bad_story().deployment

        assert told(plan_after(bad, good), "The deployment before did not hold: v1.1 rolled back") == 10
        assert told(plan_after(good, bad), "did not hold") == 0
        assert told(plan_after(good, bad, good, good), "1 of the last 4 deployments did not hold.") == 10

    def test_when_a_person_took_it_back_then_nothing_is_said_of_the_release(self) -> None:
        story = good_story()
        story.roll_back("a person", ev.Trigger.MANUAL)

        assert read_past([story.deployment]).ended == 0

    def test_when_a_gate_passed_and_failed_for_one_commit_then_it_is_flaky(self) -> None:
        plan = plan_after(good_story().deployment, bad_story().deployment)

        assert told(plan, "bake of backend is flaky: for 1 of 1 commits") == 5
        assert told(plan_after(good_story().deployment), "flaky") == 0

    def test_when_what_is_live_is_old_then_it_is_known_since_when(self) -> None:
        deployment = good_story().deployment

        assert read_past([deployment]).live_since == deployment.ended_at

    def test_when_points_are_added_up_then_the_gravest_stand_first(self) -> None:
        risk = plan_after(bad_story().deployment).risk

        assert risk.score == sum(risk.points)
        assert list(risk.points) == sorted(risk.points, reverse=True)


class TestGivenSomebodyElseDeploys:
    def test_when_it_is_elsewhere_on_the_same_platforms_then_it_is_named(self) -> None:
        lock = Lock(EnvironmentName("production"), DeploymentId("d9"), Actor("ben"), NOON, "deploys v1.2", "w")
        plan = plan_shop(live=replace(live_shop(), others=(lock,)))

        assert plan.outlook.others == ("production: d9 of ben since 12:00:00 UTC, deploys v1.2",)
        assert told(plan, "ben deploys production at the same time, also on edge, github, render") == 5

"""The order of steps around a holding page, forward and back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from console.domain.ids import ServiceName
from console.domain.plan import Plan, Step, StepKind, Wish
from console.planning.forecast import Forecasts
from console.planning.live import Live, LivePage, LiveService
from console.planning.plans import build_plan
from console.planning.rollback import build_rollback
from tests.planning.stories import FIRST, PRODUCTION, RELEASE, SECOND, Story, live_shop, plan_shop, shop

EDGE = {name: LivePage("edge", name, by_router=True) for name in ("backend", "frontend")}
WORKER = LivePage("render", "srv-worker", cannot="A worker has no visitors.")


def live_with(**pages: LivePage) -> Live:
    shown = {**EDGE, "worker": WORKER, **pages}
    return replace(live_shop(), pages={ServiceName(name): page for name, page in shown.items()})


def plan(*, schema: bool = False, live: Live | None = None, **maintenance: object) -> Plan:
    settings = shop({"strategy": "recreate", "maintenance": maintenance})
    return plan_shop(settings, live or live_with(), (FIRST, SECOND) if schema else (FIRST,))


def is_before(steps: tuple[Step, ...], one: str, other: str) -> bool:
    """Whether a step can only begin after another has ended."""
    needs = {step.id: step.needs for step in steps}
    todo = list(needs[other])  # type: ignore[index]  # step ids are text
    while todo:
        need = todo.pop()
        if need == one:
            return True
        todo += needs[need]
    return False


class TestGivenTwoArmsAndNoChangeOfTheSchema:
    def test_when_planned_then_all_that_can_be_done_is_done_before_the_page_goes_up(self):
        steps = plan().steps

        for early in ("backend.deploy", "backend.integration", "frontend.deploy"):
            assert is_before(steps, early, "backend.page-on")
        for behind in ("backend.shift-100", "frontend.promote", "worker.deploy"):
            assert is_before(steps, "backend.page-on", behind)
            assert is_before(steps, behind, "frontend.page-off")

    def test_when_planned_then_there_is_one_move_and_it_is_watched_without_the_page(self):
        steps = plan().steps

        assert [step.id for step in steps if step.kind is StepKind.SHIFT] == ["backend.shift-100"]
        assert not [step for step in steps if step.kind is StepKind.BAKE]
        assert is_before(steps, "backend.page-off", "backend.verify")
        assert is_before(steps, "backend.verify", "backend.decommission")

    def test_when_planned_then_who_shows_no_page_is_named(self):
        assert "worker shows no holding page while it changes: A worker has no visitors." in plan().notes


class TestGivenAChangeOfTheSchema:
    def test_when_planned_then_the_old_arm_stops_before_it_and_the_new_one_is_tested_after_it(self):
        steps = plan(schema=True).steps

        assert is_before(steps, "backend.deploy", "backend.page-on")
        assert is_before(steps, "backend.page-on", "backend.decommission")
        assert is_before(steps, "backend.decommission", "database.migrate")
        assert is_before(steps, "database.migrate", "backend.integration")
        assert is_before(steps, "backend.shift-100", "backend.decommission")
        assert is_before(steps, "backend.integration", "backend.page-off")

    def test_when_the_old_arm_is_to_stay_then_it_stops_last(self):
        steps = plan(schema=True, stop_old=False).steps

        assert is_before(steps, "backend.verify", "backend.decommission")

    def test_when_it_is_taken_back_then_the_page_is_up_before_all_and_away_after_all(self):
        planned = plan(schema=True)
        story = Story(planned).run(planned.steps[:-1])

        steps = build_rollback(story.deployment)

        for back in ("database.migrate", "backend.decommission", "backend.shift-100", "frontend.promote"):
            assert is_before(steps, "undo:backend.page-off", f"undo:{back}")
            assert is_before(steps, f"undo:{back}", "undo:backend.page-on")
        assert is_before(steps, "undo:database.migrate", "undo:backend.decommission")
        assert is_before(steps, "undo:backend.page-on.health", "undo:frontend.page-on")
        assert (
            next(step for step in steps if step.id == "undo:backend.page-on.health").arguments["url"] == "http://blue"
        )

    def test_when_it_is_taken_back_while_the_page_is_up_then_it_stays_until_all_is_back(self):
        planned = plan(schema=True)
        begun = [step for step in planned.steps if not is_before(planned.steps, "database.migrate", step.id)]
        story = Story(planned).run(begun)

        steps = build_rollback(story.deployment)

        assert "undo:backend.page-off" not in {step.id for step in steps}
        assert is_before(steps, "undo:database.migrate", "undo:backend.page-on")


class TestGivenAPageThatIsUpAlready:
    def test_when_planned_then_it_is_left_as_it_is(self):
        planned = plan(live=live_with(backend=replace(EDGE["backend"], on=True)))

        assert [step.id for step in planned.steps if step.kind is StepKind.MAINTAIN] == [
            "frontend.page-on",
            "frontend.page-off",
        ]
        assert any("shows a holding page already" in note for note in planned.notes)


class TestGivenNothingThatRunsYet:
    def test_when_planned_then_no_page_goes_up(self):
        nothing = {name: LiveService() for name in ("backend", "worker", "frontend")}
        live = replace(live_shop(**nothing), pages=live_with().pages)

        planned = plan(live=live)

        assert StepKind.MAINTAIN not in {step.kind for step in planned.steps}
        assert planned.refusals == ()


class TestGivenAServiceInOnePlace:
    def test_when_planned_then_its_health_is_asked_once_its_page_is_away(self):
        settings = shop({"strategy": "recreate"})
        data = settings.model_dump(mode="json")
        production = data["environments"]["production"]
        production["services"]["backend"] = {"id": "srv-one", "url": "http://one"}
        page = LivePage("render", "srv-one")
        live = live_with(backend=page)
        live = replace(live, services={**live.services, ServiceName("backend"): LiveService("a" * 40, "dep-1")})

        steps = plan_shop(type(settings).model_validate(data), live, (FIRST,)).steps

        assert is_before(steps, "backend.deploy", "backend.page-off")
        assert is_before(steps, "backend.page-off", "backend.health")
        assert is_before(steps, "backend.health", "backend.verify")


class TestGivenForecasts:
    @pytest.mark.parametrize(
        ("known", "said"),
        [
            (("maintain", "shift", "promote", "deploy"), "The holding page will be up for about 30 s."),
            (("shift",), "The holding page will be up for 10 s and what was never done here before takes"),
            ((), "How long the holding page will be up nobody can say yet"),
        ],
    )
    def test_when_planned_then_the_plan_says_how_long_the_page_is_up(self, known: tuple[str, ...], said: str):
        medians = {("production", "backend", kind): timedelta(seconds=10) for kind in known}
        wish = Wish(PRODUCTION, services=(ServiceName("backend"),))

        planned = build_plan(shop({"strategy": "recreate"}), wish, RELEASE, live_with(), (FIRST,), Forecasts(medians))

        assert any(note.startswith(said) for note in planned.notes), planned.notes

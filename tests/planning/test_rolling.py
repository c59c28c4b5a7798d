"""Plans of services with instances, what is refused, and laws of their way back from anywhere."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.config.settings import Settings
from console.domain import events as ev
from console.domain.ids import ServiceName
from console.domain.plan import Plan, Step, StepKind
from console.planning.live import LiveArm, LiveService
from console.planning.rollback import build_rollback, traffic_undos
from tests.planning.stories import FIRST, NEW, OLD, SHOP, Story, live_shop, plan_shop, shop
from tests.planning.test_plan_properties import ancestors, in_order

NAMES = "abcde"


def settings_of(count: int = 3, **production: Any) -> Settings:
    """The shop with instances of its backend behind the router, and of its worker without one."""
    data = tomllib.loads(SHOP)
    data["environments"]["production"].update(production)
    services = data["environments"]["production"]["services"]
    instances = {name: {"id": f"srv-{name}", "url": f"http://{name}"} for name in NAMES[:count]}
    services["backend"] = {"instances": instances, "traffic": {"router": "edge", "route": "backend"}}
    services["worker"] = {"instances": {name: {"id": f"w-{name}"} for name in NAMES[:count]}}
    return Settings.model_validate(data)


def live_of(count: int = 3, **backend: LiveArm) -> Any:
    shares = [100 // count + (place < 100 % count) for place in range(count)]
    arms = {name: LiveArm(OLD, f"dep-{name}", weight=weight) for name, weight in zip(NAMES, shares, strict=False)}
    workers = {name: LiveArm(OLD, f"dep-w{name}") for name in NAMES[:count]}
    return live_shop(backend=LiveService(arms={**arms, **backend}), worker=LiveService(OLD, arms=workers))


def plan(count: int = 3, *, live: Any = None, wish: str = "", **production: Any) -> Plan:
    return plan_shop(settings_of(count, **production), live or live_of(count), (FIRST,), strategy=wish)


def by_id(plan: Plan) -> dict[str, Step]:
    return {str(step.id): step for step in plan.steps}


class TestGivenThreeInstances:
    def test_when_planned_then_only_the_first_batch_is_tried_with_requests(self):
        tried = [str(step.id) for step in plan().steps if step.kind is StepKind.INTEGRATION]

        assert tried == ["backend.integration-a"]

    def test_when_planned_then_it_says_who_changes_when_and_what_the_others_carry(self):
        notes = plan().notes

        assert "backend: 3 batches, a · b · c; each other one carries up to 50 % of the requests meanwhile." in notes
        assert any(note.startswith("worker: no router counts its requests") for note in notes)

    def test_when_two_change_at_once_then_both_wait_for_the_drain_and_the_return_for_both(self):
        steps = by_id(plan(batch=2))

        assert steps["backend.deploy-a"].needs == steps["backend.deploy-b"].needs == ("backend.drain-1",)
        assert {*steps["backend.rejoin-1"].needs} == {"backend.integration-a", "backend.integration-b"}
        assert steps["worker.bake-1"].needs == ("worker.deploy-a", "worker.deploy-b")

    def test_when_an_emergency_passes_over_the_bake_then_batches_stay(self):
        planned = plan_shop(
            settings_of(emergency={"skips": ["bake"]}), live_of(), (FIRST,), emergency=True, reason="it burns"
        )

        kinds = {step.kind for step in planned.steps}
        assert StepKind.BAKE not in kinds
        assert "backend.drain-3" in by_id(planned)
        assert by_id(planned)["worker.deploy-b"].needs == ("worker.deploy-a",)

    @pytest.mark.parametrize("strategy", ["blue-green", "canary", "recreate"])
    def test_when_another_strategy_is_wished_for_then_it_is_refused_in_words(self, strategy):
        refusals = plan(wish=strategy).refusals

        assert any(f"go live by rolling, not by {strategy}. Leave --strategy out" in words for words in refusals)

    def test_when_traffic_leads_to_nothing_then_it_is_refused(self):
        refusals = plan(live=live_of(c=LiveArm(weight=33))).refusals

        assert any("nothing runs on c (33 %), which gets traffic" in words for words in refusals)

    def test_when_they_run_different_releases_then_it_is_said(self):
        notes = plan(live=live_of(c=LiveArm(NEW, "dep-c", weight=33))).notes

        assert "backend: its instances run 2 different releases now; afterwards one." in notes


class TestGivenOtherServices:
    def test_when_blue_and_green_are_to_roll_then_it_is_refused_in_words(self):
        refusals = plan_shop(shop(), strategy="rolling").refusals

        assert any("backend has the arms blue and green, which take turns" in words for words in refusals)

    def test_when_a_service_in_one_place_is_to_roll_then_it_says_what_its_platform_does(self):
        planned = plan_shop(shop(), strategy="rolling", services=(ServiceName("worker"),))

        assert planned.refusals == ()
        (note,) = [note for note in planned.notes if note.startswith("worker:")]
        assert "Render replaces its instances by itself" in note
        assert "a service with a disk is away" in note


@st.composite
def begun(draw: st.DrawFn) -> tuple[Plan, Story]:
    """A plan of which some steps ended and some had just begun, in any order that its needs allow."""
    count = draw(st.integers(2, 4))
    planned = plan(count, batch=draw(st.integers(1, 3)))
    story, finished = Story(planned), set[str]()
    for _ in range(draw(st.integers(0, len(planned.steps)))):
        ready = [s for s in planned.steps if s.id not in finished and finished.issuperset(s.needs)]
        if not ready:
            break
        step = draw(st.sampled_from(ready))
        story.run([step])
        finished.add(step.id)
    ready = [s for s in planned.steps if s.id not in finished and finished.issuperset(s.needs)]
    for step in draw(st.lists(st.sampled_from(ready), unique_by=lambda s: s.id)) if ready else []:
        story.run([step], until=step.id)
    return planned, story


@settings(max_examples=30)
@given(made=begun())
def test_the_way_back_never_takes_all_out_and_leads_traffic_to_no_instance_that_changes(
    made: tuple[Plan, Story],
) -> None:
    _, story = made
    back = build_rollback(story.deployment)
    above = ancestors(back)

    assert in_order(back)
    changing = {s.id: s.arguments["arm"] for s in back if s.kind is StepKind.ROLL_BACK_RELEASE and "arm" in s.arguments}
    for step in back:
        if step.id not in changing or step.service != "backend":
            continue
        moves = [s for s in back if s.kind is StepKind.SHIFT and s.id in above[step.id]]
        assert moves[-1].arguments["weights"][changing[step.id]] == 0
    instances = len(_before(story))
    for service in ("backend", "worker"):
        own = [s.id for s in back if s.id in changing and s.service == service]
        together = max((len([o for o in own if o not in above[s] and s not in above[o]]) for s in own), default=0)
        assert together < instances


@settings(max_examples=30)
@given(made=begun())
def test_a_way_back_that_was_walked_leaves_nothing_to_undo_and_traffic_as_before(made: tuple[Plan, Story]) -> None:
    _, story = made
    back = build_rollback(story.deployment)
    moved = any(step.kind is StepKind.SHIFT for step in back)
    story.tell(ev.RollbackRequested(ev.Trigger.MANUAL, "test", story.now))
    story.tell(ev.RollbackPlanned(back))
    half = len(back) // 2
    story.run(back[:half]).tell(ev.DeploymentFailed("the platform does not answer"))

    again = build_rollback(story.deployment)
    story.tell(ev.RollbackRequested(ev.Trigger.MANUAL, "again", story.now))
    story.tell(ev.RollbackPlanned(again))
    story.run(again)

    assert build_rollback(story.deployment) == ()
    assert {story.deployment.steps[step].status.value for step in traffic_undos(story.deployment)} <= {"succeeded"}
    if moved:
        assert story.deployment.weights[ServiceName("backend")] == {n: a.weight for n, a in _before(story).items()}


def _before(story: Story) -> dict[str, LiveArm]:
    undo = next(s.undo for s in story.deployment.plan.steps if s.id == "backend.drain-1")
    assert undo is not None
    weights: Any = undo.arguments["weights"]
    return {name: LiveArm(weight=weight) for name, weight in weights.items()}

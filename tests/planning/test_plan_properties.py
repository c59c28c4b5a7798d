"""Laws that every plan and every way back must obey, for products, live states and rollouts of any shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from console.config.settings import Settings
from console.domain import events as ev
from console.domain.codec import from_json, to_json
from console.domain.deployment import StepStatus
from console.domain.ids import ServiceName
from console.domain.plan import TRAFFIC_KINDS, Phase, Plan, Step, StepKind, Wish
from console.planning.live import Live, LiveArm, LiveService
from console.planning.plans import build_plan
from console.planning.rollback import build_rollback, traffic_undos
from providers.contract import MigrationFile
from tests.planning.stories import NEW, NOON, OLD, PRODUCTION, RELEASE, Story

KINDS = {"arms": "render", "plain": "render", "staged": "vercel", "database": "supabase"}


@st.composite
def stages(draw: st.DrawFn) -> list[int]:
    return [*sorted(draw(st.sets(st.integers(1, 99), max_size=4))), 100]


@st.composite
def products(draw: st.DrawFn) -> tuple[Settings, Live, tuple[MigrationFile, ...]]:
    """A product of up to six services in an acyclic graph of needs, with something live or nothing."""
    shapes = draw(st.lists(st.sampled_from(["arms", "plain", "staged"]), min_size=1, max_size=5))
    names = [f"s{number}" for number in range(len(shapes))]
    if draw(st.booleans()):
        shapes, names = ["database", *shapes], ["db", *names]
    services, placements, live = {}, {}, {}
    for number, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        needs = draw(st.lists(st.sampled_from(names[:number]), unique=True)) if number else []
        probe = {"health": {"path": "/"}} if draw(st.booleans()) else {}
        services[name] = {"provider": KINDS[shape], "needs": needs, **probe}
        placements[name] = _placement(name, shape)
        live[ServiceName(name)] = draw(_live(shape))
    order = draw(st.permutations(names))
    environment = {
        "stages": draw(stages()),
        "approvals": draw(st.integers(0, 2)),
        "keep": draw(st.sampled_from(["0s", "1m", "forever"])),
        "services": {name: placements[name] for name in order},
    }
    kinds = {"render", "vercel", "supabase", "github"}
    providers = {**{kind: {"kind": kind} for kind in kinds}, "edge": {"kind": "caddy"}}
    source = {"provider": draw(st.sampled_from(["github", ""]))}
    data = {
        "providers": providers,
        "source": source,
        "services": services,
        "environments": {"production": environment},
    }
    files = tuple(MigrationFile(f"{n}", f"m{n}", "select 1;", "select 2;") for n in range(draw(st.integers(0, 3))))
    return Settings.model_validate(data), Live(live, at=NOON), files


def _placement(name: str, shape: str) -> dict[str, object]:
    if shape == "database":
        return {"id": name, "migrations": "m"}
    if shape == "arms":
        arms = {arm: {"id": f"{name}-{arm}", "url": f"http://{name}-{arm}"} for arm in ("blue", "green")}
        return {**arms, "traffic": {"router": "edge", "route": name}}
    return {"id": name, "url": f"http://{name}"}


@st.composite
def _live(draw: st.DrawFn, shape: str) -> LiveService:
    if not draw(st.booleans()):
        return LiveService()
    if shape != "arms":
        return LiveService(OLD, f"dep-{draw(st.integers(0, 9))}", suspended=draw(st.booleans()))
    busy, idle = draw(st.permutations(["blue", "green"]))
    return LiveService(
        arms={busy: LiveArm(OLD, "d1", weight=100), idle: LiveArm(NEW, "d2", suspended=draw(st.booleans()))}
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    settings_, live, files = draw(products())
    return build_plan(settings_, Wish(PRODUCTION), RELEASE, live, files)


def in_order(steps: Sequence[Step]) -> bool:
    seen: set[str] = set()
    for step in steps:
        if not seen.issuperset(step.needs):
            return False
        seen.add(step.id)
    return True


def ancestors(steps: Iterable[Step]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for step in steps:
        found[step.id] = set(step.needs).union(*(found[need] for need in step.needs))
    return found


@settings(max_examples=40)
@given(plan=plans())
def test_a_plan_is_an_ordered_graph_whose_shifts_sum_to_100(plan: Plan) -> None:
    assert len({step.id for step in plan.steps}) == len(plan.steps)
    assert in_order(plan.steps)
    for step in plan.steps:
        for arguments in (step.arguments, step.undo.arguments if step.undo else {}):
            weights = arguments.get("weights")
            assert weights is None or sum(weights.values()) == 100
    assert from_json(Plan, to_json(plan)).digest == plan.digest


@settings(max_examples=40)
@given(plan=plans())
def test_nobody_is_served_before_what_the_service_needs_and_nothing_is_retired_before_all_is_verified(
    plan: Plan,
) -> None:
    above = ancestors(plan.steps)
    for retire in (step for step in plan.steps if step.phase is Phase.DECOMMISSION):
        watched = {step.id for step in plan.steps if step.phase in {Phase.VERIFY, Phase.ROLLOUT}}
        assert watched <= above[retire.id]
    for service in plan.services:
        own = [step for step in plan.steps if step.service == service]
        moves = [step for step in own if step.kind in TRAFFIC_KINDS]
        prepared = {step.id for step in own if step.phase is Phase.PREPARE}
        assert all(prepared <= above[move.id] for move in moves)


@st.composite
def begun(draw: st.DrawFn) -> tuple[Plan, Story]:
    """A plan of which some steps ended and some had just begun, in any order that its needs allow."""
    plan = draw(plans())
    story = Story(plan)
    finished: set[str] = set()
    for _ in range(draw(st.integers(0, len(plan.steps)))):
        ready = [s for s in plan.steps if s.id not in finished and finished.issuperset(s.needs)]
        if not ready:
            break
        step = draw(st.sampled_from(ready))
        story.run([step])
        finished.add(step.id)
    ready = [s for s in plan.steps if s.id not in finished and finished.issuperset(s.needs)]
    for step in draw(st.lists(st.sampled_from(ready), unique_by=lambda s: s.id)) if ready else []:
        story.run([step], until=step.id)
    return plan, story


@settings(max_examples=40)
@given(made=begun())
def test_the_way_back_undoes_what_was_begun_traffic_first_and_nothing_else(made: tuple[Plan, Story]) -> None:
    plan, story = made
    deployment = story.deployment
    back = build_rollback(deployment)
    by_id = {step.id: step for step in plan.steps}
    above = ancestors(back)

    assert in_order(back)
    assert len({step.id for step in back}) == len(back)
    began = {state.step.id for state in deployment.steps.values() if state.was_begun}
    covered = {step.undoes for step in back if step.undoes} | {
        other for step in back for other in step.arguments.get("also_undoes", [])
    }
    assert covered == {i for i in began if by_id[i].undo is not None}

    moves = {step.id for step in back if step.undoes and by_id[step.undoes].kind in TRAFFIC_KINDS}
    for step in back:
        undone = by_id[step.undoes] if step.undoes else None
        if step.id in moves:
            assert {by_id[a.removeprefix("undo:").removesuffix(".health")].phase for a in above[step.id]} <= {
                Phase.DECOMMISSION
            }
            assert {a.removeprefix("undo:").split(".")[0] for a in above[step.id]} <= {step.service}
        elif undone is not None and undone.phase is not Phase.DECOMMISSION:
            assert moves <= above[step.id]


@settings(max_examples=40)
@given(made=begun())
def test_the_way_back_runs_against_the_plan(made: tuple[Plan, Story]) -> None:
    plan, story = made
    forward = ancestors(plan.steps)
    back = build_rollback(story.deployment)
    above = ancestors(back)
    rest = [
        step
        for step in back
        if step.undoes and step.kind not in {StepKind.ANNOUNCE, *TRAFFIC_KINDS} and not step.id.endswith("decommission")
    ]
    for early in rest:
        for late in rest:
            traffic = {s.id for s in plan.steps if s.kind in TRAFFIC_KINDS}
            if early.undoes in forward[late.undoes] and not {early.undoes, late.undoes} & traffic:
                assert late.id in above[early.id]


@settings(max_examples=30)
@given(made=begun())
def test_a_way_back_that_was_walked_leaves_nothing_to_undo(made: tuple[Plan, Story]) -> None:
    _, story = made
    back = build_rollback(story.deployment)
    story.tell(ev.RollbackRequested(ev.Trigger.MANUAL, "test", story.now))
    story.tell(ev.RollbackPlanned(back))
    story.run(back)

    assert build_rollback(story.deployment) == ()
    undone = traffic_undos(story.deployment)
    assert all(story.deployment.steps[step].status is StepStatus.SUCCEEDED for step in undone)

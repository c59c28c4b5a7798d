"""Plan a pipeline of the operator's own: its order and limits, with each step's work as the built-in strategies do it.

A step whose work does not exist now (nothing to migrate, nothing to resume, no arm to compare with) or whose condition
does not hold is left out with a note, and what needed it waits for its needs instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import reduce

from console.config.graphs import ancestors
from console.config.pipeline_checks import find_order_faults
from console.config.pipeline_shape import OWN_KINDS, Pipeline, PipelineStep
from console.domain.emergency import Gate
from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind
from console.planning.arms import ArmWriter
from console.planning.conditions import Facts, Undecidable, why_not
from console.planning.draft import SLACK, Draft, Flow
from console.planning.own_acts import plan_act, plan_armed, plan_undo
from console.planning.pipeline_notes import note_gaps

PHASES = tuple(Phase)
GATES = {StepKind.APPROVAL: Gate.APPROVALS, StepKind.BAKE: Gate.BAKE, StepKind.BENCHMARK: Gate.BENCHMARK}
"""Steps that an emergency may pass over."""
JUDGED = frozenset({StepKind.BAKE, StepKind.VERIFY})
LATEST_OWN = Phase.VERIFY
"""Acts of one's own count among what verifies, however late they are: retiring has a way back of its own."""


@dataclass(frozen=True)
class CustomSteps:
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass
class _Writing:
    """What has been planned so far, by the pipeline's ids; `heads` are the first steps where one became several."""

    work: dict[str, Step] = field(default_factory=dict)
    heads: dict[str, StepId] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, wanted: PipelineStep, *steps: Step) -> None:
        self.work.update((step.id, step) for step in steps)
        self.heads[wanted.id] = steps[0].id


def plan_pipeline(draft: Draft, pipeline: Pipeline, flows: Mapping[str, Flow], before: Iterable[Step]) -> CustomSteps:
    """Write the pipeline's steps for the services that are part of this deployment.

    Args:
        flows: What the built-in strategy would do with each service; the work of each step is taken from there.
        before: The steps that frame the deployment; the pipeline begins after the last of them.
    """
    graph = {step.id: step.needs for step in pipeline.steps}
    by_id = {step.id: step for step in pipeline.steps}
    root = tuple(step.id for step in before)[-1:]
    facts = Facts(draft, tuple(flows), migrations=any(map(_has_migrations, flows.values())))
    writing = _Writing()
    writing.refusals += [
        f"Step {step.id} of the pipeline is about {step.service}, which {draft.wish.environment} does not have."
        for step in pipeline.steps
        if step.service and step.service not in draft.environment.services
    ]
    armed: list[PipelineStep] = []
    for wanted in _in_order(pipeline):
        if _is_passed_over(draft, wanted, writing) or _is_left_out(wanted, facts, writing):
            continue
        if wanted.outcome != "succeeded" and (not wanted.service or wanted.service in flows):
            armed.append(wanted)
        if wanted.outcome == "failed":
            continue
        earlier = [by_id[name] for name in ancestors(graph, wanted.id) if name in writing.work]
        needs = _needs(wanted, graph, writing.work) or root
        found = _work_of(draft, wanted, flows, earlier, _phase_after(earlier, writing))
        if found is None:
            if wanted.service in flows:
                words = f"{wanted.id}: there is nothing to {wanted.kind} for {wanted.service} now; left out."
                writing.notes.append(words)
            continue
        own = list[Step]()
        for step in _brought_along(flows[wanted.service], found) if wanted.service in flows else ():
            own.append(replace(step, id=StepId(f"{wanted.id}.{step.id.rpartition('.')[2]}"), needs=needs))
            needs = (own[-1].id,)
        flow = flows.get(wanted.service)
        writing.add(wanted, *own, _shaped(draft, found, wanted, flow, needs))
    for wanted in armed:
        _arm(draft, wanted, flows.get(wanted.service), graph, writing, root)
    _measure_before(flows, writing.work, root)
    if writing.left_out:
        writing.refusals += _refuse_gaps([step for step in pipeline.steps if step.id in writing.work], graph, writing)
    steps = _sorted(_renamed_sources(tuple(writing.work.values()), flows))
    return CustomSteps(steps, (*writing.notes, *note_gaps(steps, flows)), tuple(writing.refusals))


def _measure_before(flows: Mapping[str, Flow], work: dict[str, Step], root: tuple[StepId, ...]) -> None:
    """Have the metrics of each service that is judged by them measured once before anything of it is done."""
    graph = {step.id: step.needs for step in work.values()}
    for name, flow in flows.items():
        measure = next((step for step in flow.prepare if step.kind is StepKind.MEASURE), None)
        own = {step.id: step for step in work.values() if step.service == name}
        if measure is None or not any(step.kind in JUDGED for step in own.values()):
            continue
        work[measure.id] = replace(measure, needs=root)
        for step in own.values():
            if own.keys().isdisjoint(ancestors(graph, step.id)):
                work[step.id] = replace(step, needs=(*step.needs, measure.id))


def _is_passed_over(draft: Draft, wanted: PipelineStep, writing: _Writing) -> bool:
    gate = GATES.get(wanted.step_kind)
    if gate is None or not draft.passes(gate):
        return False
    writing.notes.append(f"{wanted.id} is left out: this is an emergency.")
    return True


def _is_left_out(wanted: PipelineStep, facts: Facts, writing: _Writing) -> bool:
    if wanted.when is None:
        return False
    try:
        reason = why_not(wanted.when, facts)
    except Undecidable as problem:
        writing.refusals.append(f"Whether {wanted.id} is to be done cannot be said: {problem}")
        return True
    if reason:
        writing.left_out[wanted.id] = reason
        writing.notes.append(f"{wanted.id} is left out: {reason}.")
    return bool(reason)


def _refuse_gaps(left: list[PipelineStep], graph: Mapping[str, tuple[str, ...]], writing: _Writing) -> Iterable[str]:
    """What is sound as written may not be without the steps whose conditions do not hold."""
    missing = ", ".join(f"{name}: {reason}" for name, reason in writing.left_out.items())
    return [f"{fault.what} Left out are {missing}." for fault in find_order_faults(left, graph)]


def _arm(
    draft: Draft,
    wanted: PipelineStep,
    flow: Flow | None,
    graph: Mapping[str, tuple[str, ...]],
    writing: _Writing,
    root: tuple[StepId, ...],
) -> None:
    """Put the step that has an act ready before anything it watches: after what comes before all of that, no later."""
    work = writing.work
    watched = [writing.heads[name] for name in _needs(wanted, graph, work)]
    if wanted.outcome == "failed" and wanted.needs and not watched:
        writing.notes.append(f"{wanted.id}: nothing of what it watches is done; left out.")
        return
    planned = {step.id: step.needs for step in work.values()}
    common = reduce(frozenset.intersection, [frozenset(ancestors(planned, name)) for name in watched] or [frozenset()])
    nearest = [name for name in common if not any(name in ancestors(planned, other) for other in common)]
    step_id = f"{wanted.id}.armed" if wanted.outcome == "always" else wanted.id
    phase = PHASES[max((PHASES.index(work[name].phase) for name in nearest if name in work), default=0)]
    armed = plan_armed(draft, wanted, flow, step_id, min(phase, LATEST_OWN, key=PHASES.index))
    needs = tuple(StepId(name) for name in planned if name in nearest) or root
    work[step_id] = replace(armed, needs=needs)
    for name in dict.fromkeys([*watched, *([wanted.id] if wanted.outcome == "always" else [])]):
        step = work[name]
        work[name] = replace(step, needs=(*step.needs, armed.id))


def _sorted(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Each step after those it needs, otherwise as they stand."""
    left, done = list(steps), dict[StepId, Step]()
    own = {step.id for step in steps}
    while left:
        step = next(step for step in left if all(need in done or need not in own for need in step.needs))
        left.remove(step)
        done[step.id] = step
    return tuple(done.values())


def _phase_after(earlier: Iterable[PipelineStep], writing: _Writing) -> Phase:
    """Where an act of one's own belongs: beside the latest of what comes before it."""
    found = [PHASES.index(writing.work[step.id].phase) for step in earlier]
    return PHASES[min(max(found, default=PHASES.index(Phase.PREPARE)), PHASES.index(LATEST_OWN))]


def _has_migrations(flow: Flow) -> bool:
    return any(step.kind is StepKind.MIGRATE for step in (*flow.prepare, *flow.serve))


def _in_order(pipeline: Pipeline) -> list[PipelineStep]:
    """Each step after those it needs, otherwise as written."""
    left, done = list(pipeline.steps), []
    names: set[str] = set()
    while left:
        step = next(step for step in left if names.issuperset(step.needs))
        left.remove(step)
        done.append(step)
        names.add(step.id)
    return done


def _work_of(
    draft: Draft, wanted: PipelineStep, flows: Mapping[str, Flow], earlier: Iterable[PipelineStep], phase: Phase
) -> Step | None:
    kind = wanted.step_kind
    if kind in OWN_KINDS and (not wanted.service or wanted.service in flows):
        return plan_act(draft, wanted, flows.get(wanted.service), phase)
    if kind is StepKind.APPROVAL:
        limit = wanted.timeout or draft.environment.limits.approval
        arguments = {
            "approvals": wanted.approvals,
            "environment": draft.wish.environment,
            "wait_s": limit.total_seconds(),
        }
        title = f"Wait for {wanted.approvals} approval{'s' if wanted.approvals > 1 else ''}"
        return draft.step(wanted.id, title, kind, Phase.CHECK, arguments=arguments, lasts=timedelta(), time_limit=limit)
    flow = flows.get(wanted.service)
    if flow is None:
        return None
    if kind in {StepKind.SHIFT, StepKind.BAKE} and flow.candidate_arm:
        return _stage_of(draft, wanted, flow, earlier)
    usual = (*flow.prepare, *flow.serve, *flow.verify, *flow.retire)
    return next((step for step in usual if step.kind is kind), None)


def _brought_along(flow: Flow, found: Step) -> Iterable[Step]:
    """A pipeline names what it deploys and migrates; variables and a backup before that are not left to it."""
    if found.kind is StepKind.DEPLOY:
        return (step for step in (*flow.prepare, *flow.serve) if step.kind is StepKind.CONFIGURE)
    return (step for step in (*flow.serve, *flow.retire) if step.kind is StepKind.BACK_UP and step.id in found.needs)


def _stage_of(draft: Draft, wanted: PipelineStep, flow: Flow, earlier: Iterable[PipelineStep]) -> Step | None:
    """A shift or a bake. Where nothing is live there are no stages: only the move to 100 is left."""
    stable = None if flow.first else next(a for a in draft.placement(flow.service).arms if a != flow.candidate_arm)
    writer = ArmWriter(draft, flow.service, flow.candidate_arm, stable)
    if wanted.step_kind is StepKind.SHIFT:
        weight = wanted.weight or 0
        return writer.shift(weight) if stable or weight == 100 else None
    weights = [step.weight for step in earlier if step.service == flow.service and step.weight is not None]
    return writer.bake(weights[0], wanted.duration) if stable and weights else None


def _needs(wanted: PipelineStep, graph: Mapping[str, tuple[str, ...]], work: Mapping[str, Step]) -> tuple[StepId, ...]:
    """The nearest steps before it that are really done."""
    found: dict[StepId, None] = {}
    todo = list(wanted.needs)
    while todo:
        need = todo.pop(0)
        if need in work:
            found[work[need].id] = None
        else:
            todo += graph[need]
    return tuple(found)


def _shaped(draft: Draft, step: Step, wanted: PipelineStep, flow: Flow | None, needs: tuple[StepId, ...]) -> Step:
    usual = 0 if wanted.step_kind in OWN_KINDS else step.attempts - 1
    lasts = wanted.duration if wanted.step_kind is StepKind.VERIFY else None
    shaped = replace(
        step,
        id=StepId(wanted.id),
        name=wanted.name or step.name,
        needs=needs,
        time_limit=wanted.timeout or (lasts + SLACK if lasts else step.time_limit),
        attempts=(usual if wanted.retries is None else wanted.retries) + 1,
    )
    if lasts is not None:
        arguments = {**step.arguments, "duration_s": lasts.total_seconds()}
        shaped = replace(shaped, arguments=arguments, forecast=lasts)
    if wanted.undo.mode == "own":
        shaped = replace(shaped, undo=plan_undo(draft, wanted, flow), no_undo="")
    elif wanted.undo.mode == "none" and step.undo is not None:
        shaped = replace(shaped, undo=None, no_undo="The pipeline leaves it in place.")
    return shaped


def _renamed_sources(steps: tuple[Step, ...], flows: Mapping[str, Flow]) -> tuple[Step, ...]:
    """Let `url_from` and the like name the pipeline's own steps."""
    usual = {step.id: (step.service, step.kind) for flow in flows.values() for step in (*flow.prepare, *flow.serve)}
    own = {(step.service, step.kind): step.id for step in reversed(steps)}

    def renamed(given: Mapping[str, object]) -> dict[str, object]:
        return {
            key: own.get(usual[StepId(str(value))], value) if key.endswith("_from") and str(value) in usual else value
            for key, value in given.items()
        }

    return tuple(
        replace(
            step,
            arguments=renamed(step.arguments),
            undo=step.undo and replace(step.undo, arguments=renamed(step.undo.arguments)),
        )
        for step in steps
    )

"""Plan a pipeline of the operator's own: its order and limits, with each step's work as the built-in strategies do it.

A step whose work does not exist now (nothing to migrate, nothing to resume, no arm to compare with) is left out with a
note, and what needed it waits for its needs instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from console.config.graphs import ancestors
from console.config.pipeline_shape import Pipeline, PipelineStep
from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind
from console.planning.arms import ArmWriter
from console.planning.draft import SLACK, Draft, Flow


@dataclass(frozen=True)
class CustomSteps:
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def plan_pipeline(draft: Draft, pipeline: Pipeline, flows: Mapping[str, Flow], before: Iterable[Step]) -> CustomSteps:
    """Write the pipeline's steps for the services that are part of this deployment.

    Args:
        flows: What the built-in strategy would do with each service; the work of each step is taken from there.
        before: The steps that frame the deployment; the pipeline begins after the last of them.
    """
    graph = {step.id: step.needs for step in pipeline.steps}
    by_id = {step.id: step for step in pipeline.steps}
    root = tuple(step.id for step in before)[-1:]
    refusals = tuple(
        f"Step {step.id} of the pipeline is about {step.service}, which {draft.wish.environment} does not have."
        for step in pipeline.steps
        if step.service and step.service not in draft.environment.services
    )
    work: dict[str, Step] = {}
    notes: list[str] = []
    for wanted in _in_order(pipeline):
        found = _work_of(draft, wanted, flows, [by_id[name] for name in ancestors(graph, wanted.id)])
        if found is None:
            if wanted.service in flows:
                notes.append(f"{wanted.id}: there is nothing to {wanted.kind} for {wanted.service} now; left out.")
            continue
        needs = _needs(wanted, graph, work) or root
        if found.kind is StepKind.DEPLOY:
            for step in _configuring(flows[wanted.service]):
                own = replace(step, id=StepId(f"{wanted.id}.{step.id.rpartition('.')[2]}"), needs=needs)
                work[own.id] = own
                needs = (own.id,)
        work[wanted.id] = _shaped(found, wanted, needs)
    return CustomSteps(_renamed_sources(tuple(work.values()), flows), tuple(notes), refusals)


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
    draft: Draft, wanted: PipelineStep, flows: Mapping[str, Flow], earlier: Iterable[PipelineStep]
) -> Step | None:
    kind = wanted.step_kind
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


def _configuring(flow: Flow) -> Iterable[Step]:
    """A pipeline names what it deploys; that the variables are right before is not left to it."""
    return (step for step in (*flow.prepare, *flow.serve) if step.kind is StepKind.CONFIGURE)


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


def _shaped(step: Step, wanted: PipelineStep, needs: tuple[StepId, ...]) -> Step:
    lasts = wanted.duration if wanted.step_kind is StepKind.VERIFY else None
    shaped = replace(
        step,
        id=StepId(wanted.id),
        name=wanted.name or step.name,
        needs=needs,
        time_limit=wanted.timeout or (lasts + SLACK if lasts else step.time_limit),
        attempts=step.attempts if wanted.retries is None else wanted.retries + 1,
    )
    if lasts is not None:
        arguments = {**step.arguments, "duration_s": lasts.total_seconds()}
        shaped = replace(shaped, arguments=arguments, forecast=lasts)
    if wanted.undo == "none" and step.undo is not None:
        shaped = replace(shaped, undo=None, no_undo="The pipeline leaves it in place.")
    return shaped


def _renamed_sources(steps: tuple[Step, ...], flows: Mapping[str, Flow]) -> tuple[Step, ...]:
    """Let `url_from` and the like name the pipeline's own steps."""
    usual = {step.id: (step.service, step.kind) for flow in flows.values() for step in (*flow.prepare, *flow.serve)}
    own = {(step.service, step.kind): step.id for step in reversed(steps)}

    def renamed(step: Step) -> Step:
        arguments = {
            key: own.get(usual[StepId(str(value))], value) if key.endswith("_from") and str(value) in usual else value
            for key, value in step.arguments.items()
        }
        return replace(step, arguments=arguments)

    return tuple(renamed(step) for step in steps)

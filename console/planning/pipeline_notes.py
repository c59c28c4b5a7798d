"""What a pipeline of one's own leaves undone that the built-in strategies never would, said beside its plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from console.config.graphs import ancestors
from console.domain.plan import Step, StepKind
from console.planning.draft import Flow


def note_gaps(steps: Sequence[Step], flows: Mapping[str, Flow]) -> Iterator[str]:
    """Services that stop short of all requests, and moves of traffic that nothing judges."""
    graph = {step.id: tuple(step.needs) for step in steps}
    for name, flow in flows.items():
        if not flow.candidate_arm:
            continue
        own = [step for step in steps if step.service == name]
        shifts = [step for step in own if step.kind is StepKind.SHIFT]
        weights = {step.id: _weight(step, flow.candidate_arm) for step in shifts}
        if any(step.kind is StepKind.DEPLOY for step in own) and 100 not in weights.values():
            most = max(weights.values(), default=0)
            yield f"{name}: the pipeline ends with {most} % of requests for the new release."
        for step in shifts:
            later = [other for other in own if step.id in ancestors(graph, other.id)]
            judged = any(other.kind in {StepKind.BAKE, StepKind.VERIFY} for other in later)
            if weights[step.id] and not judged and not flow.first:
                where = "verifies it there" if weights[step.id] == 100 else "judges it there"
                yield f"{step.id} gives {name} {weights[step.id]} % of requests, and no step {where}."


def _weight(step: Step, arm: str) -> int:
    weights = step.arguments.get("weights")
    found = weights.get(arm, 0) if isinstance(weights, Mapping) else 0
    return found if isinstance(found, int) else 0

"""Which gates an emergency deployment really passes over: those it may, and that would be there otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from console.config.strategies import CUSTOM, known_strategies
from console.domain.emergency import EmergencyTerms, Gate
from console.domain.plan import StepKind
from console.planning.draft import Draft


def find_terms(draft: Draft) -> EmergencyTerms:
    """What the plan passes over, in the order of the gates, and for how long it may."""
    emergency = draft.environment.emergency
    there = set(_gates(draft))
    return EmergencyTerms(tuple(gate.value for gate in Gate if gate in there and draft.passes(gate)), emergency.valid)


def _gates(draft: Draft) -> Iterator[Gate]:
    """Every gate that this deployment would have if it were none."""
    environment = draft.environment
    strategy = draft.wish.strategy or environment.strategy
    moves_release = strategy in known_strategies(draft.settings.custom_pipelines)
    if moves_release and draft.settings.source.provider and environment.gates.checks == "required":
        yield Gate.CHECKS
    kinds = set(_own_kinds(draft, strategy))
    if environment.approvals or StepKind.APPROVAL in kinds:
        yield Gate.APPROVALS
    if not moves_release:
        return
    arms = [name for name in _chosen(draft) if draft.placement(name).arms and draft.live_of(name).stable_arm]
    staged = [*arms, *(name for name in _chosen(draft) if draft.placement(name).instances and _runs(draft, name))]
    own = strategy.startswith(CUSTOM)
    compared = any(draft.service(name).benchmark is not None for name in arms)
    if StepKind.BENCHMARK in kinds if own else compared:
        yield Gate.BENCHMARK
    if staged and (StepKind.BAKE in kinds or not own):
        yield Gate.BAKE
    if any(draft.shape_of(name).is_manual for name in staged):
        yield Gate.PROMOTION


def _runs(draft: Draft, name: str) -> bool:
    return any(instance.commit or instance.deployment for instance in draft.live_of(name).arms.values())


def _own_kinds(draft: Draft, strategy: str) -> Iterator[StepKind]:
    pipeline = draft.settings.custom_pipelines.get(strategy.removeprefix(CUSTOM))
    if pipeline is not None and strategy.startswith(CUSTOM):
        yield from (step.step_kind for step in pipeline.steps)


def _chosen(draft: Draft) -> list[str]:
    return [name for name in draft.environment.services if not draft.wish.services or name in draft.wish.services]

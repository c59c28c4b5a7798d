"""In what state a rollback that could not go on leaves each service, in words a person can act on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.domain.deployment import Deployment, StepState, StepStatus, is_rollback_step
from console.domain.traffic import say_weights

SHOWN = 3
"""Steps named of one service; more are counted."""


def name_place(state: StepState) -> str:
    """The service of a step, or whatever it belongs to where it has none."""
    return str(state.step.service or state.step.provider or state.step.id)


def describe_standing(deployment: Deployment, failed: Sequence[StepState]) -> dict[str, str]:
    """By service: who serves, what could not be taken back and why, and what therefore stands as it was deployed.

    Args:
        failed: Undos that were given up.
    """
    places = dict.fromkeys([*(name_place(state) for state in failed), *map(str, deployment.plan.services)])
    return {place: _describe(deployment, place, failed) for place in places}


def _describe(deployment: Deployment, place: str, failed: Sequence[StepState]) -> str:
    words: list[str] = []
    weights = next((w for service, w in deployment.weights.items() if service == place), None)
    if weights:
        words.append(f"traffic: {say_weights(weights)}")
    words += [f"{state.step.name}: {state.detail.rstrip('.')}" for state in failed if name_place(state) == place]
    stands = [
        state.step.name
        for state in deployment.steps.values()
        if not is_rollback_step(state) and state.step.service == place and state.was_begun and state.step.undo
    ]
    if stands:
        words.append(f"not taken back: {_some(stands)}")
    elif _was_changed(deployment, place):
        words.append("taken back")
    else:
        words.append("not touched")
    return "; ".join(words) + "."


def _was_changed(deployment: Deployment, place: str) -> bool:
    return any(s.status is StepStatus.UNDONE for s in deployment.steps.values() if s.step.service == place)


def _some(names: Iterable[str]) -> str:
    known = list(names)
    rest = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return ", ".join(known[:SHOWN]) + rest

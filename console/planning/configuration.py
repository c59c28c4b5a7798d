"""Steps that bring a service's variables to what the configuration wants, before a release or by themselves.

Arguments hold names and digests. The executor resolves the values again and refuses those whose digest is another one,
so that what was shown is what is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from console.domain.plan import Phase, Step, StepKind, Undo
from console.domain.variables import NOTHING_TO_SET, UNREADABLE, Reconfiguration
from console.planning.draft import Draft

EFFECTS = {
    "render": "Render applies variables with the next deploy of a service; setting them restarts nothing.",
    "vercel": "Vercel uses variables in the next build of a project; what is live keeps the ones it was built with.",
}
SHOWN = 3


@dataclass(frozen=True)
class ConfigurationSteps:
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def plan_place(draft: Draft, name: str, arm: str, phase: Phase, *, step_id: str = "") -> ConfigurationSteps:
    """The step for one place, or none where everything is as wanted. `arm` is empty for a service in one place."""
    live = draft.live_of(name)
    change = live.arms[arm].configuration if arm in live.arms else live.configuration
    return _steps(draft, name, arm, phase, change, step_id or f"{name}.configure")


def plan_memory(draft: Draft, name: str, arm: str) -> ConfigurationSteps:
    """For the arm that serves now: nothing is set, but what its release ran with is put back before it starts again.

    Only where somebody set variables there since; a service that restarts would take those.
    """
    change = draft.live_of(name).arms[arm].configuration
    before = {each.name: each.before for each in change.changes}
    back = {each: digest for each, digest in change.back.items() if digest != before.get(each)}
    lost = tuple(each for each in change.lost if before.get(each) != UNREADABLE)
    if not back:
        return ConfigurationSteps()
    memory = replace(change, changes=(), back=back, lost=lost, problem="")
    return _steps(draft, name, arm, Phase.PREPARE, memory, f"{name}.configure-{arm}")


def plan_configuration(draft: Draft, chosen: Sequence[str], before: Sequence[Step]) -> ConfigurationSteps:
    """Set what is wanted everywhere and deploy nothing. The way back is what is set now."""
    found = [
        _steps(draft, name, arm, Phase.PREPARE, _by_itself(change), f"{name}.configure{'-' if arm else ''}{arm}")
        for name in chosen
        for arm, change in _places(draft, name)
    ]
    root = tuple(step.id for step in before)[-1:]
    steps = tuple(replace(step, needs=(*step.needs, *root)) for each in found for step in each.steps)
    refusals = tuple(refusal for each in found for refusal in each.refusals)
    if not steps and not refusals:
        refusals = (NOTHING_TO_SET,)
    return ConfigurationSteps(steps, tuple(note for each in found for note in each.notes), refusals)


def hidden_arguments(draft: Draft, name: str, arm: str = "") -> dict[str, object]:
    """What a step that gives a release must know of values that its platform keeps to itself."""
    live = draft.live_of(name)
    change = live.arms[arm].configuration if arm in live.arms else live.configuration
    return {"hidden": dict(change.hidden)} if change.hidden else {}


def lost_names(step: Step) -> tuple[str, ...]:
    """Variables that the undo of a configuring step cannot put back."""
    lost = step.arguments.get("lost")
    return tuple(str(name) for name in lost) if step.kind is StepKind.CONFIGURE and isinstance(lost, list) else ()


def _places(draft: Draft, name: str) -> Iterator[tuple[str, Reconfiguration]]:
    live = draft.live_of(name)
    if live.arms:
        yield from ((arm, state.configuration) for arm, state in live.arms.items())
    else:
        yield "", live.configuration


def _by_itself(change: Reconfiguration) -> Reconfiguration:
    back = {each.name: each.before for each in change.changes if each.before != UNREADABLE}
    return replace(change, back=back, lost=tuple(each.name for each in change.changes if each.before == UNREADABLE))


def _steps(
    draft: Draft, name: str, arm: str, phase: Phase, change: Reconfiguration, step_id: str
) -> ConfigurationSteps:
    place = f"{arm} of {name}" if arm else name
    if change.problem:
        return ConfigurationSteps(refusals=(f"{place}: its variables cannot be planned: {change.problem}",))
    if not change.is_needed:
        return ConfigurationSteps(notes=_lost_notes(place, change))
    placement = draft.placement(name)
    target = placement.places[arm].id if arm else placement.id
    names = [each.name for each in change.changes]
    back = dict(change.back)
    step = draft.step(
        step_id,
        f"Set {_listed(names)} of {place}" if names else f"Remember what {place} is configured with",
        StepKind.CONFIGURE,
        phase,
        service=name,
        provider=draft.service(name).provider,
        arguments={
            "target": target,
            "arm": arm,
            "environment": draft.wish.environment,
            "changes": [{"name": c.name, "before": c.before, "after": c.after} for c in change.changes],
            "back": back,
            "lost": list(change.lost),
        },
        undo=Undo(
            StepKind.RESTORE_CONFIGURATION,
            f"Put the variables of {place} back",
            {"target": target, "arm": arm, "back": back},
        )
        if back
        else None,
        no_undo="" if back else "The platform keeps the earlier values to itself.",
    )
    effect = EFFECTS.get(draft.settings.kind_of(name), "")
    return ConfigurationSteps((step,), (*((effect,) if effect and names else ()), *_lost_notes(place, change)))


def _lost_notes(place: str, change: Reconfiguration) -> tuple[str, ...]:
    if not change.lost:
        return ()
    return (f"{place}: a rollback cannot put back {', '.join(change.lost)}; nobody has the earlier value.",)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")

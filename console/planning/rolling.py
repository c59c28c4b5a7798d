"""A service with several instances that all serve: its release changes one batch of them after the other.

A batch is out of traffic while it changes: the others carry its share, it is deployed side by side, proves its health,
and comes back. What was updated is then judged against what was not yet; after the last batch nothing is left beside
it. Without a router (workers that share a queue) nobody is led away, and what a batch does is watched on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from console.config.metrics import metric_arguments
from console.config.strategies import CUSTOM, ROLLING, batch_size
from console.domain.emergency import Gate
from console.domain.ids import StepId
from console.domain.plan import Phase, Step
from console.domain.traffic import divide_evenly, is_even
from console.planning.draft import Draft, Flow, chain
from console.planning.instance_steps import InstanceWriter, listed

IN_PLACE: Mapping[str, str] = {
    "render": (
        "Render replaces its instances by itself: it starts new ones, asks their health check path, leads requests "
        "over and stops the old ones. Without that path it waits for an open port only, and a service with a disk is "
        "away while it changes."
    ),
    "vercel": "Vercel has no instances to replace: everybody gets the new release in one move.",
}
"""What a platform does with a service in one place, where rolling is asked for."""


def plan_rolling(draft: Draft, name: str) -> Flow:
    """Write the steps of a service whose placement names instances."""
    refusal = _refuse_strategy(draft, name)
    if refusal:
        return Flow(name, refusals=(refusal,))
    writer = InstanceWriter(draft, name)
    refusals = (*_refuse_traffic(writer), *(why for each in writer.names for why in writer.configured(each).refusals))
    if refusals:
        return Flow(name, refusals=refusals)
    return Flow(
        name,
        prepare=() if writer.is_first else writer.measure(_order(writer)[0][0]),
        serve=tuple(_first(writer) if writer.is_first else _in_batches(writer)),
        verify=writer.verify(),
        notes=tuple(dict.fromkeys(_notes(writer))),
        first=writer.is_first,
    )


def refuse_arms(draft: Draft, name: str) -> tuple[str, ...]:
    """Blue and green take turns: there is nothing to change in batches."""
    if draft.shape_of(name).strategy != ROLLING:
        return ()
    words = f"{name} has the arms blue and green, which take turns; {ROLLING} changes instances that all serve."
    return (f"{words} Leave --strategy out, or name other services with --service.",)


def note_in_place(draft: Draft, name: str) -> tuple[str, ...]:
    """Who replaces the instances of a service in one place, where rolling is asked for."""
    words = IN_PLACE.get(draft.settings.kind_of(name), "its platform replaces what runs by itself, in its own way.")
    return (f"{name}: {words}",) if draft.shape_of(name).strategy == ROLLING else ()


def _refuse_strategy(draft: Draft, name: str) -> str:
    strategy = draft.shape_of(name).strategy
    away = "Leave --strategy out, or name other services with --service."
    if strategy != ROLLING:
        return f"{name} has instances, which go live by {ROLLING}, not by {strategy}. {away}"
    wished = draft.wish.strategy or draft.environment.strategy
    pipeline = draft.settings.custom_pipelines.get(wished.removeprefix(CUSTOM)) if wished.startswith(CUSTOM) else None
    if pipeline is not None and any(step.service == name for step in pipeline.steps):
        return (
            f"{name} has instances, and a pipeline has no batches. Take it out of {wished}, or deploy it by {ROLLING}."
        )
    return ""


def _refuse_traffic(writer: InstanceWriter) -> Iterator[str]:
    """Traffic that is uneven at rest is somebody's unfinished work, and would be evened out unseen."""
    name, traffic = writer.name, writer.traffic
    if traffic is None or writer.is_first:
        return
    idle = [each for each in writer.names if writer.state(each).weight and not writer.runs(each)]
    if idle:
        told = ", ".join(f"{each} ({writer.state(each).weight} %)" for each in idle)
        yield f"{name}: nothing runs on {told}, which gets traffic. Take its weight away, then deploy."
        return
    serving = {each: writer.state(each).weight for each in writer.names if writer.runs(each)}
    if not is_even(serving):
        wanted = _shares(divide_evenly(tuple(serving), tuple(serving)))
        environment = writer.draft.wish.environment
        yield (
            f"{name}: its instances get uneven shares of traffic ({_shares(serving)}). Take back the deployment that "
            f"left them so (`quarterdeck rollback {environment}`), or divide route {traffic.route} of {traffic.router} "
            f"evenly ({wanted}); then deploy."
        )


def _first(writer: InstanceWriter) -> list[Step]:
    """Nothing is live, so there is nothing to be careful with: all start at once."""
    lines = [chain(writer.changing(each, 1, Phase.PREPARE, tries=True)) for each in writer.names]
    body = _joined(lines, joins=writer.traffic is not None)
    return [*body, writer.join(_ends(body))] if writer.traffic is not None else body


def _in_batches(writer: InstanceWriter) -> list[Step]:
    """Every batch: out, changed, well, back, judged. The next one waits for all that, also where a bake is left out."""
    body: list[Step] = []
    before: tuple[StepId, ...] = ()
    taking, updated = writer.taking, tuple[str, ...]()
    bakes, routed = not writer.draft.passes(Gate.BAKE), writer.traffic is not None
    for number, batch in enumerate(_order(writer), 1):
        leaving = [each for each in batch if each in taking]
        if leaving and routed:
            others = [each for each in taking if each not in batch]
            body.append(writer.drain(number, leaving, others, updated, before))
            before = (body[-1].id,)
        lines = [chain(writer.changing(each, number, Phase.ROLLOUT, tries=number == 1)) for each in batch]
        changed = [
            step if step.needs else replace(step, needs=before) for step in _joined(lines, joins=bakes or routed)
        ]
        body += changed
        taking, updated = writer.ordered({*taking, *batch}), writer.ordered({*updated, *batch})
        if routed:
            body.append(writer.rejoin(number, batch, taking, _ends(changed)))
        before = (body[-1].id,) if routed else _ends(changed)
        if bakes:
            body.append(writer.bake(number, batch, updated, taking, before))
            before = (*before, body[-1].id)
    return body


def _order(writer: InstanceWriter) -> list[tuple[str, ...]]:
    """The batches. Instances that do not serve yet come first: nobody has to be led away from them."""
    ordered = (*(each for each in writer.names if each not in writer.taking), *writer.taking)
    size = batch_size(writer.environment, writer.placement)
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _notes(writer: InstanceWriter) -> Iterator[str]:
    name = writer.name
    for each in writer.names:
        yield from writer.configured(each).notes
    if writer.is_first:
        yield f"{name}: nothing is live, so all {len(writer.names)} instances start at once."
        return
    commits = {writer.state(each).commit for each in writer.taking} - {""}
    if len(commits) > 1:
        yield f"{name}: its instances run {len(commits)} different releases now; afterwards one."
    yield _note_on_batches(writer)
    if writer.traffic is None:
        how = "by asking its health" if writer.asked(writer.names) else "by what its platform says of it"
        yield f"{name}: no router counts its requests, so each batch is judged {how}."
    elif writer.live.uncounted:
        yield f"{name}: {writer.live.uncounted} Batches are judged by asking them, not by what visitors get."
    elif writer.live.sticky:
        yield f"{name}: visitors stay where they first were ({writer.live.sticky}); shares are not looked at."
    measured = metric_arguments(writer.draft.settings, writer.draft.wish.environment, name)
    if measured:
        names = ", ".join(str(one["name"]) for one in measured)
        if writer.traffic is None or writer.live.uncounted:
            yield f"{name}: {names} is not looked at, since no router counts who gets which release."
        else:
            yield f"{name}: {names} is measured of the first instance of each batch, beside {writer.taking[-1]}."
    if writer.is_manual and not writer.draft.passes(Gate.BAKE):
        hours = writer.environment.limits.approval.total_seconds() / 3600
        yield f"{name}: each batch but the last waits for `promote` though it passed, {hours:g} h at most."


def _note_on_batches(writer: InstanceWriter) -> str:
    order = _order(writer)
    count = "1 batch" if len(order) == 1 else f"{len(order)} batches"
    words = f"{writer.name}: {count}, {' · '.join(listed(batch) for batch in order)}"
    if writer.traffic is None:
        return f"{words}. They share a queue: those that do not change go on working meanwhile."
    fewest = min(len({*writer.taking} - {*batch}) for batch in order)
    return f"{words}; each other one carries up to {-(-100 // fewest)} % of the requests meanwhile."


def _joined(lines: Sequence[Sequence[Step]], *, joins: bool) -> list[Step]:
    """Side by side where a later step waits for all of them, else one after the other, so that one is the last."""
    steps = [step for line in lines for step in line]
    return steps if joins else list(chain([replace(step, needs=()) for step in steps]))


def _ends(steps: Sequence[Step]) -> tuple[StepId, ...]:
    needed = {need for step in steps for need in step.needs}
    return tuple(step.id for step in steps if step.id not in needed)


def _shares(weights: Mapping[str, int]) -> str:
    return " · ".join(f"{name} {weight} %" for name, weight in weights.items())

"""How dangerous a plan looks: points that each have a reason in words.

The points are a judgement, not a measurement: 25 and more reads as medium, 60 and more as high (`Risk.word`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from console.domain.plan import Risk, Step, StepKind
from console.planning.configuration import lost_names
from console.planning.draft import Draft, Flow
from console.planning.emergency import find_terms
from console.planning.past import GATES

LONG_AGO = timedelta(days=14)
MANY_CHANGES = 20
ENOUGH_DEPLOYMENTS = 4
OFTEN_BAD = 0.25
CHANGING = frozenset(
    {
        StepKind.MIGRATE,
        StepKind.PROMOTE,
        StepKind.SHIFT,
        StepKind.SUSPEND,
        StepKind.REVOKE_SECRET,
        StepKind.PROMOTE_STANDBY,
        StepKind.POINT_NAME,
    }
)


def judge_risk(draft: Draft, steps: Sequence[Step], flows: Sequence[Flow]) -> Risk:
    """Add up what makes this deployment more dangerous than a routine one, at most 100."""
    found = [
        *_schema(steps),
        *_data(steps),
        *_firsts(flows),
        *_distance(draft),
        *_undos(steps),
        *_lost(steps),
        *_haste(draft),
        *_unstaged(steps),
        *_past(draft),
        *_flaky(draft, steps),
        *_company(draft, steps),
    ]
    found.sort(key=lambda point: -point[0])
    score = min(100, sum(points for points, _ in found))
    return Risk(score, tuple(reason for _, reason in found), tuple(points for points, _ in found))


Points = tuple[int, str]


def _schema(steps: Sequence[Step]) -> Iterator[Points]:
    for step in steps:
        if step.kind is StepKind.MIGRATE:
            files = step.arguments.get("files")
            count = len(files) if isinstance(files, list) else 1
            noun = "migration changes" if count == 1 else "migrations change"
            yield 15, f"{count} {noun} the schema of {step.service}."


def _data(steps: Sequence[Step]) -> Iterator[Points]:
    for step in steps:
        if step.kind is StepKind.FENCE_SOURCE:
            yield 10, f"{step.service} takes the place of a file that people's data is in."
        if step.kind is StepKind.RESTORE_DATA:
            yield 40, f"All that {step.service} holds is replaced by what it held before."


def _firsts(flows: Sequence[Flow]) -> Iterator[Points]:
    names = [flow.service for flow in flows if flow.first]
    if names:
        yield 20, f"First deployment of {', '.join(names)}: there is nothing to go back to."


def _distance(draft: Draft) -> Iterator[Points]:
    changes = draft.live.changes
    if changes is not None and changes > MANY_CHANGES:
        yield 15, f"{changes} commits at once; small releases are easier to judge."
    if draft.live.at and draft.live.since and draft.live.at - draft.live.since > LONG_AGO:
        yield 10, f"What is live is {(draft.live.at - draft.live.since).days} days old."


def _undos(steps: Sequence[Step]) -> Iterator[Points]:
    for step in steps:
        if step.kind in CHANGING and step.undo is None:
            yield 20, f"{step.name} cannot be taken back. {step.no_undo}".rstrip()


def _lost(steps: Sequence[Step]) -> Iterator[Points]:
    for step in steps:
        lost = lost_names(step)
        if lost:
            yield 10, f"{step.name}: nobody could put back the earlier {', '.join(lost)}."


def _haste(draft: Draft) -> Iterator[Points]:
    if draft.wish.emergency:
        yield 30, f"Emergency: {find_terms(draft).words}"
    elif draft.environment.tier.serves_customers and draft.environment.gates.checks != "required":
        yield 10, f"The commit's checks do not close the gate (gates.checks is {draft.environment.gates.checks})."


def _unstaged(steps: Sequence[Step]) -> Iterator[Points]:
    """Moves that give everybody the new release at once."""
    names = [
        str(step.service)
        for step in steps
        if step.kind is StepKind.PROMOTE or (step.kind is StepKind.DEPLOY and step.service and _goes_to_all(step))
    ]
    if names:
        yield 5, f"{', '.join(dict.fromkeys(names))} cannot be given to a part of the requests first."


def _goes_to_all(step: Step) -> bool:
    """An instance is one of several, the first of which are judged before the others follow."""
    return step.phase == "rollout" and "batch" not in step.arguments


def _past(draft: Draft) -> Iterator[Points]:
    past = draft.history.past
    if past.last_bad:
        yield 10, f"The deployment before did not hold: {past.last_bad}."
    if past.ended >= ENOUGH_DEPLOYMENTS and past.bad >= OFTEN_BAD * past.ended:
        yield 10, f"{past.bad} of the last {past.ended} deployments did not hold."


def _flaky(draft: Draft, steps: Sequence[Step]) -> Iterator[Points]:
    """A gate that says now this, now that of one commit may let a bad one pass."""
    gates = dict.fromkeys((step.service or "", step.kind) for step in steps if step.kind in GATES)
    for service, kind in gates:
        record = draft.history.past.gates.get((service, kind))
        if record is not None and record.flaky:
            name = f"{kind.value} of {service}" if service else kind.value
            yield 5, f"{name} is flaky: for {record.flaky} of {record.commits} commits it both failed and passed."


def _company(draft: Draft, steps: Sequence[Step]) -> Iterator[Points]:
    """Deployments of other environments that ask the same platforms at the same time."""
    ours = {step.provider for step in steps if step.provider}
    for lock in draft.live.others:
        if lock.environment not in draft.settings.environments:
            continue
        shared = sorted(ours & set(draft.settings.providers_of(lock.environment)))
        if shared:
            yield 5, f"{lock.holder} deploys {lock.environment} at the same time, also on {', '.join(shared)}."

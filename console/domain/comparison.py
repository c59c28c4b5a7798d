"""Two deployments side by side: the one place that says what is compared, for the console, the command and scripts.

Pure: two deployments in, one value out. What differs is named; how it is said is for whoever shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.domain.deployment import Deployment, StepState, is_rollback_step
from console.domain.events import Trigger
from console.domain.statuses import DeploymentStatus, StepStatus
from console.domain.verdict import VerdictKind, number

FIGURES: Mapping[str, str] = {
    "requests": "canary_requests",
    "errors": "canary_errors",
    "error_rate": "canary_error_rate",
    "baseline_error_rate": "baseline_error_rate",
    "latency_mean_s": "canary_latency_mean",
    "baseline_latency_mean_s": "baseline_latency_mean",
    "score": "score",
}
"""Figures that are compared, by the name of the evidence they are taken from: rates are 0..1, latencies seconds."""
SLOWER = 1.25
"""From this ratio on, and from two seconds, a step is said to be slower, or faster the other way round."""
NOTICEABLE = timedelta(seconds=2)


@dataclass(frozen=True)
class TakenBack:
    """How a deployment was taken back; seconds count from when it was asked."""

    trigger: Trigger
    by: str
    reason: str
    traffic_restored_s: float | None = None
    duration_s: float | None = None


@dataclass(frozen=True)
class Move:
    """Weights that were read back, seconds after the deployment was asked for."""

    after_s: float
    service: str
    weights: Mapping[str, int]


@dataclass(frozen=True)
class Side:
    """One of the two. `figures` are of the last judgement of each service, by the names of `FIGURES`.

    `configuration` holds the digests that the release was deployed with, by service and variable; one that differs
    between places of a service has several, in order.
    """

    id: str
    environment: str
    release: str
    commit: str
    strategy: str
    services: tuple[str, ...]
    status: DeploymentStatus
    requested_by: str
    requested_at: datetime
    duration_s: float
    risk: str
    risk_score: int
    steps_ended: int
    steps: int
    retries: int
    plan_digest: str
    verdicts: Mapping[VerdictKind, int]
    traffic: tuple[Move, ...] = ()
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    configuration: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    rollback: TakenBack | None = None
    skipped_gates: tuple[str, ...] = ()
    failure: str = ""
    candidate_arms: Mapping[str, str] = field(default_factory=dict)

    def road(self, service: str) -> tuple[str, ...]:
        """The candidate's shares in the order in which it had them; all weights where no arm is the candidate."""
        arm = self.candidate_arms.get(service, "")
        moves = [move.weights for move in self.traffic if move.service == service]
        if arm:
            return tuple(f"{weights[arm]} %" for weights in moves if arm in weights)
        return tuple(", ".join(f"{name} {weight} %" for name, weight in weights.items()) for weights in moves)


@dataclass(frozen=True)
class StepSide:
    """One step in one of the two; `duration_s` is None before its start."""

    status: StepStatus
    duration_s: float | None
    attempts: int
    verdict: VerdictKind | None = None
    detail: str = ""


@dataclass(frozen=True)
class StepPair:
    """Steps that do the same; None where one of the two has none. `change_s` only where both succeeded.

    They are told by their id, since names tell arms and releases, which are others each time; `name` is the first's.
    """

    id: str
    name: str
    is_rollback: bool
    first: StepSide | None
    second: StepSide | None
    change_s: float | None = None
    is_slower: bool = False
    is_faster: bool = False


@dataclass(frozen=True)
class VariableDifference:
    """A variable whose digests differ; an empty tuple where one of the two was not given it."""

    service: str
    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """`differs` names the fields of `Side` that are not the same, apart from who, when and which."""

    first: Side
    second: Side
    steps: tuple[StepPair, ...]
    variables: tuple[VariableDifference, ...]
    differs: tuple[str, ...]


COMPARED = (
    "environment", "release", "commit", "strategy", "services", "status", "risk", "retries",
    "plan_digest", "verdicts", "figures", "configuration", "rollback", "skipped_gates", "failure",
)  # fmt: skip


def compare(first: Deployment, second: Deployment, now: datetime) -> Comparison:
    """Put two deployments side by side; what has not ended is measured up to `now`."""
    a, b = _side(first, now), _side(second, now)
    return Comparison(
        a,
        b,
        _pair_steps(first, second, now),
        tuple(_variables(a, b)),
        tuple(name for name in COMPARED if getattr(a, name) != getattr(b, name)),
    )


def _side(d: Deployment, now: datetime) -> Side:
    plan = d.plan
    return Side(
        id=d.id,
        environment=d.environment,
        release=str(plan.release),
        commit=plan.release.commit,
        strategy=plan.strategy,
        services=tuple(plan.services),
        status=d.status,
        requested_by=d.requested_by,
        requested_at=d.requested_at,
        duration_s=d.duration(now).total_seconds(),
        risk=plan.risk.word,
        risk_score=plan.risk.score,
        steps_ended=sum(1 for state in d.steps.values() if state.status.is_terminal),
        steps=len(d.steps),
        retries=sum(state.attempts - 1 for state in d.steps.values() if state.attempts > 1),
        plan_digest=plan.digest,
        verdicts={kind: count for kind in VerdictKind if (count := _count(d, kind))},
        traffic=tuple(
            Move((record.at - d.requested_at).total_seconds(), record.service, dict(record.weights))
            for record in d.traffic
        ),
        figures=_figures(d),
        configuration=_configuration(d),
        rollback=_taken_back(d),
        skipped_gates=tuple(d.emergency.skipped) if d.emergency else (),
        failure=d.failure,
        candidate_arms=dict(plan.candidate_arms),
    )


def _count(d: Deployment, kind: VerdictKind) -> int:
    return sum(1 for record in d.verdicts if record.verdict.kind is kind)


def _figures(d: Deployment) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for record in d.verdicts:
        state = d.steps.get(record.step)
        service = record.service or (state.step.service if state else None) or ""
        values = {name: number(record.verdict.evidence, key) for name, key in FIGURES.items()}
        if values["requests"] is not None:
            found[service] = {name: value for name, value in values.items() if value is not None}
    return found


def _configuration(d: Deployment) -> dict[str, dict[str, tuple[str, ...]]]:
    """What the release was given; what a rollback put back is of the release before."""
    found: dict[str, dict[str, set[str]]] = {}
    for record in d.configurations:
        state = d.steps.get(record.step)
        if state is not None and is_rollback_step(state):
            continue
        for name, digest in record.digests.items():
            found.setdefault(record.service, {}).setdefault(name, set()).add(digest)
    return {
        service: {name: tuple(sorted(digests)) for name, digests in sorted(names.items())}
        for service, names in found.items()
    }


def _taken_back(d: Deployment) -> TakenBack | None:
    if d.rollback is None:
        return None
    back, everything = d.rollback.traffic_restored_after, d.rollback.duration
    return TakenBack(
        d.rollback.trigger, d.rollback.requested_by, d.rollback.reason, _seconds(back), _seconds(everything)
    )


def _variables(a: Side, b: Side) -> list[VariableDifference]:
    """Of services that both deployed with variables on record; others were not given any to compare."""
    found: list[VariableDifference] = []
    for service in (name for name in a.configuration if name in b.configuration):
        ours, theirs = a.configuration[service], b.configuration[service]
        names = dict.fromkeys([*ours, *theirs])
        found += [
            VariableDifference(service, name, ours.get(name, ()), theirs.get(name, ()))
            for name in names
            if ours.get(name) != theirs.get(name)
        ]
    return found


def _pair_steps(first: Deployment, second: Deployment, now: datetime) -> tuple[StepPair, ...]:
    ours, theirs = first.steps, second.steps
    verdicts = [{record.step: record.verdict.kind for record in d.verdicts} for d in (first, second)]
    pairs: list[StepPair] = []
    for key in dict.fromkeys([*ours, *theirs]):
        a, b = ours.get(key), theirs.get(key)
        one = None if a is None else _step(a, verdicts[0].get(a.step.id), now)
        other = None if b is None else _step(b, verdicts[1].get(b.step.id), now)
        named = a or b
        assert named is not None
        pairs.append(_pair(named, one, other))
    return tuple(pairs)


def _step(state: StepState, verdict: VerdictKind | None, now: datetime) -> StepSide:
    return StepSide(state.status, _seconds(state.duration(now)), state.attempts, verdict, state.detail)


def _pair(named: StepState, one: StepSide | None, other: StepSide | None) -> StepPair:
    name, is_rollback = named.step.name, is_rollback_step(named)
    times = [side.duration_s for side in (one, other) if side is not None and side.status is StepStatus.SUCCEEDED]
    if len(times) < 2 or times[0] is None or times[1] is None:
        return StepPair(named.step.id, name, is_rollback, one, other)
    before, after = times[0], times[1]
    tells = abs(after - before) >= NOTICEABLE.total_seconds()
    slower, faster = tells and after > before * SLOWER, tells and before > after * SLOWER
    return StepPair(named.step.id, name, is_rollback, one, other, after - before, slower, faster)


def _seconds(took: timedelta | None) -> float | None:
    return None if took is None else took.total_seconds()

"""Judge recorded rollouts once more, by other tolerances: what would be decided differently today?

Pure: events in, pairs of verdicts out. The counts that a verdict rested on are on record with it. Where a record has
only the figures of its verdict, the counts are worked out from them, without what the latency of single stretches of
time told: then a verdict on latency cannot be computed again, and is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.analysis.evidence import ArmCounts, Evidence
from console.analysis.judge import judge
from console.analysis.settings import JudgeSettings
from console.domain import events as ev
from console.domain.codec import from_json
from console.domain.deployment import begin
from console.domain.ids import DeploymentId, EnvironmentName, StepId
from console.domain.plan import Step
from console.domain.verdict import Verdict, VerdictKind
from console.watch.judgement import with_metrics_of

FOLLOWS: Mapping[tuple[VerdictKind, VerdictKind], str] = {
    (VerdictKind.PASS, VerdictKind.FAIL): "It went on, and would be taken back.",
    (VerdictKind.PASS, VerdictKind.INCONCLUSIVE): "It went on, and would be held for more requests.",
    (VerdictKind.FAIL, VerdictKind.PASS): "It was taken back, and would go on.",
    (VerdictKind.FAIL, VerdictKind.INCONCLUSIVE): "It was taken back, and would be held for more requests.",
    (VerdictKind.INCONCLUSIVE, VerdictKind.PASS): "It was held, and would go on.",
    (VerdictKind.INCONCLUSIVE, VerdictKind.FAIL): "It was held, and would be taken back.",
}


@dataclass(frozen=True)
class Replayed:
    """One recorded verdict beside the one of today.

    `now` is None where it cannot be computed, for the reason in `gap`. `is_whole` says that all counts were on record.
    """

    deployment: DeploymentId
    environment: EnvironmentName
    release: str
    service: str
    step: StepId
    at: datetime
    then: Verdict
    now: Verdict | None = None
    is_whole: bool = True
    gap: str = ""

    @property
    def differs(self) -> bool:
        return self.now is not None and self.now.kind is not self.then.kind

    @property
    def follows(self) -> str:
        """What the difference means for the rollout, in words."""
        return FOLLOWS.get((self.then.kind, self.now.kind), "") if self.now else ""


def replay(history: Sequence[ev.Event], settings: JudgeSettings) -> tuple[Replayed, ...]:
    """Judge every stage of one deployment again that was judged by a router's counts.

    Args:
        history: The deployment's events, oldest first, beginning with its request.
        settings: The tolerances to judge by.
    """
    if not history:
        return ()
    requested = begin(history[0])
    steps = {step.id: step for step in requested.plan.steps}
    found: list[Replayed] = []
    before: dict[str, Evidence] = {}
    for index, event in enumerate(history):
        judged = event.payload
        if not isinstance(judged, ev.StageJudged) or not _is_counted(steps.get(judged.step), judged.verdict):
            continue
        service = str(judged.service or "")
        counts = _recorded(judged, history[index + 1 :])
        evidence = counts or _worked_out(before.get(service, Evidence()), judged.verdict.evidence)
        if counts is not None:
            before[service] = counts
        gap = "" if counts else _gap(judged.verdict)
        found.append(
            Replayed(
                requested.id,
                requested.environment,
                requested.plan.release.name,
                service,
                judged.step,
                event.at,
                judged.verdict,
                None if gap else judge(evidence, with_metrics_of(settings, _rules(steps[judged.step]))),
                counts is not None,
                gap,
            )
        )
    return tuple(found)


def _rules(step: Step) -> Mapping[str, Any]:
    found = step.arguments["judge"]
    return found if isinstance(found, Mapping) else {}


def _is_counted(step: Step | None, verdict: Verdict) -> bool:
    return step is not None and "judge" in step.arguments and "canary_requests" in verdict.evidence


def _recorded(judged: ev.StageJudged, later: Sequence[ev.Event]) -> Evidence | None:
    """With the verdict, else with the success of its step, which follows at once where the verdict ended it."""
    data = judged.counts or _outputs(judged.step, later).get("evidence")
    return from_json(Evidence, data) if data else None


def _outputs(step: StepId, later: Sequence[ev.Event]) -> Mapping[str, Any]:
    for event in later:
        payload = event.payload
        if isinstance(payload, ev.StageJudged) and payload.step == step:
            return {}
        if isinstance(payload, ev.StepSucceeded) and payload.step == step:
            return payload.outputs
    return {}


def _worked_out(before: Evidence, figures: Mapping[str, Any]) -> Evidence:
    """The counts that the figures of a verdict tell, after those of the stages before it."""
    share = float(figures.get("share", 0.0))
    threshold = figures.get("slow_threshold")
    evidence = Evidence(before.stages, threshold, before.before, before.bounds).entering(share)
    candidate = _difference(_arm("canary", figures, threshold), evidence.candidate)
    stable = _difference(_arm("baseline", figures, threshold), evidence.stable) if share < 1.0 else ArmCounts()
    return evidence.adding(candidate, stable)


def _arm(arm: str, figures: Mapping[str, Any], threshold: object) -> ArmCounts:
    requests = int(figures.get(f"{arm}_requests") or 0)
    return ArmCounts(
        requests=requests,
        errors=int(figures.get(f"{arm}_errors") or 0),
        slow=int(figures.get(f"{arm}_slow") or 0),
        timed=requests if threshold is not None else 0,
        latency_sum=float(figures.get(f"{arm}_latency_mean") or 0.0) * requests,
    )


def _difference(total: ArmCounts, known: ArmCounts) -> ArmCounts:
    return ArmCounts(
        *(
            max(0, getattr(total, name) - getattr(known, name))
            for name in ("requests", "errors", "slow", "timed", "latency_sum")
        )
    )


def _gap(then: Verdict) -> str:
    if then.evidence.get("trigger") == "latency":
        return "It was judged by latency, and the record does not have the counts that this takes."
    return ""


def differences(found: Sequence[Replayed]) -> Iterator[Replayed]:
    yield from (one for one in found if one.differs)

"""Is the canary's error rate worse? Beside the baseline by the share of errors, alone by the baseline's own record.

With all traffic on the canary nothing runs beside it. What changes then may be the release, or the world: so its errors
are held against a multiple of the rate that the baseline had in its last stage, or that rate's upper confidence bound.
Nearly all of alpha pays for the evidence and a fiftieth for the bound, so that both together stay within alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from console.analysis.budget import ERRORS
from console.analysis.evidence import ArmCounts, Evidence, total
from console.analysis.sequential import ratios
from console.analysis.sequential.bounds import lower_bound, upper_bound
from console.analysis.settings import JudgeSettings

EVIDENCE_PART, BOUND_PART = 0.98, 0.02


@dataclass(frozen=True)
class ErrorFinding:
    """What was found of errors.

    `is_damage` rolls back, `is_notable` says that the evidence is there but the damage lies below the floor, and
    `is_over_limit` that the rate is surely above what is tolerated whatever the baseline does.
    """

    log_evidence: float
    log_evidence_needed: float
    is_damage: bool
    is_notable: bool
    is_over_limit: bool
    words: str


def find_errors(evidence: Evidence, settings: JudgeSettings) -> ErrorFinding:
    """Weigh all stages; the frozen evidence of the former ones multiplies that of the current one."""
    log_evidence = ratios.log_evidence_of_stages(
        (s.likely_share, s.candidate.errors, s.stable.errors) for s in evidence.concurrent
    )
    alone = total(*(stage.candidate for stage in evidence.stages if stage.share >= 1.0))
    baseline = evidence.stable if evidence.stable.requests else evidence.before
    if alone.requests:
        bound = bound_alone(evidence, settings)
        log_evidence += ratios.log_evidence(alone.errors, alone.requests - alone.errors, bound)
    needed = evidence_needed(settings)
    excess = _excess(evidence, baseline)
    is_strong = log_evidence >= needed
    is_damage = is_strong and excess > settings.floor
    is_over_limit = _is_over_limit(evidence, settings)
    words = _words(evidence, baseline, log_evidence) if is_strong or is_over_limit else ""
    return ErrorFinding(log_evidence, needed, is_damage, is_strong and not is_damage, is_over_limit, words)


def _is_over_limit(evidence: Evidence, settings: JudgeSettings) -> bool:
    if settings.max_error_rate >= 1.0:
        return False
    candidate = evidence.candidate
    return lower_bound(candidate.errors, candidate.requests, settings.alpha.of(ERRORS)) > settings.max_error_rate


def _last_beside(evidence: Evidence) -> ArmCounts:
    """What the baseline answered last, before it got nothing more."""
    stages = [stage.stable for stage in evidence.concurrent if stage.stable.requests]
    return stages[-1] if stages else evidence.before


def evidence_needed(settings: JudgeSettings) -> float:
    """Natural logarithm of the evidence at which errors take a release back."""
    return -math.log(EVIDENCE_PART * settings.alpha.of(ERRORS))


def bound_alone(evidence: Evidence, settings: JudgeSettings) -> float:
    """The error rate (0..1) that a canary with all traffic may have, whatever is the matter."""
    baseline = _last_beside(evidence)
    if baseline.requests == 0:
        return settings.ceiling
    rate = upper_bound(baseline.errors, baseline.requests, BOUND_PART * settings.alpha.of(ERRORS))
    return min(max(settings.ceiling, rate, settings.alone_ratio * (baseline.error_rate or 0.0)), 0.999)


def _excess(evidence: Evidence, baseline: ArmCounts) -> float:
    return (evidence.candidate.error_rate or 0.0) - (baseline.error_rate or 0.0)


def _words(evidence: Evidence, baseline: ArmCounts, log_evidence: float) -> str:
    candidate = evidence.candidate
    times = f"{math.exp(min(log_evidence, 13.8)):,.0f}" if log_evidence < 13.8 else "more than a million"
    beside = (
        f"the current one in {baseline.errors} of {baseline.requests} ({baseline.error_rate or 0.0:.1%})"
        if baseline.requests
        else "nothing is known of the current one"
    )
    return (
        f"The new release failed in {candidate.errors} of {candidate.requests} requests "
        f"({candidate.error_rate or 0.0:.1%}), {beside}: {times} times likelier if it is worse than if it is not."
    )

"""May the rollout go on? Counts in, a verdict with its evidence and its reasons in words out.

Pure and without memory: the same counts give the same verdict, so that an auditor can compute it again. It may be asked
as often as anyone likes: looking does not raise the chance of a false rollback, which alpha bounds for a whole
rollout.

Rules, the gravest first. Instant: none of the first requests was good. Split: traffic is not divided as set, so nothing
is compared. Errors and latency: evidence that the canary is worse reached 1/alpha and the damage exceeds the floor.
Pass: evidence that the canary is *not* worse by the margin. Whatever is none of these is doubt, and doubt holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from console.analysis.evidence import Evidence, StageCounts
from console.analysis.rules.errors import ErrorFinding, find_errors
from console.analysis.rules.latency import LatencyFinding, find_latency
from console.analysis.rules.margin import MarginFinding, find_margin
from console.analysis.sequential.split_check import log_evidence_of_other_split
from console.analysis.settings import JudgeSettings
from console.domain.verdict import Verdict, VerdictKind


@dataclass(frozen=True)
class _Findings:
    stage: StageCounts
    split: float
    errors: ErrorFinding
    latency: LatencyFinding
    margin: MarginFinding


def judge(evidence: Evidence, settings: JudgeSettings | None = None) -> Verdict:
    """Judge the current stage in the light of all stages so far.

    The verdict's evidence holds the raw counts, each test's evidence, what it would take to roll back and
    `requests_needed`: how many more canary requests, all good, a pass would take.
    """
    settings = settings or JudgeSettings()
    stage = evidence.current
    if stage is None:
        return Verdict(VerdictKind.NOT_RUN, "Nothing was judged: no stage of the rollout has begun.")
    if stage.share <= 0.0:
        return Verdict(VerdictKind.NOT_RUN, "Nothing was judged: the new release gets no traffic in this stage.")
    found = _Findings(
        stage,
        log_evidence_of_other_split((s.share, s.candidate.requests, s.stable.requests) for s in evidence.concurrent),
        find_errors(evidence, settings),
        find_latency(evidence, settings),
        find_margin(evidence, settings),
    )
    kind, trigger, words = _decide(evidence, found, settings)
    return Verdict(kind, words, _figures(evidence, found, settings, trigger))


def _decide(evidence: Evidence, found: _Findings, settings: JudgeSettings) -> tuple[VerdictKind, str, str]:
    stage, total = found.stage, evidence.candidate
    doubt = VerdictKind.INCONCLUSIVE
    if total.requests >= settings.instant_requests and total.errors == total.requests:
        if _baseline_fails_too(stage):
            return doubt, "shared outage", f"Both arms fail: {_counts(evidence)}. This is not the new release's doing."
        return VerdictKind.FAIL, "instant", f"Not one of {total.requests} requests to the new release was good."
    if found.errors.is_over_limit:
        return VerdictKind.FAIL, "error limit", found.errors.words
    if stage.candidate.requests == 0:
        return doubt, "silent", f"The new release got no request in this stage; {found.margin.still_needed}."
    if stage.is_concurrent and stage.stable.requests == 0:
        return doubt, "silent", "The current release got no request in this stage, so there is nothing to compare with."
    if found.split >= -math.log(settings.split_alpha):
        return doubt, "split", _split_words(stage)
    if found.errors.is_damage:
        return VerdictKind.FAIL, "errors", found.errors.words
    if found.latency.is_damage:
        return VerdictKind.FAIL, "latency", found.latency.words
    if found.latency.is_doubt:
        return doubt, "latency", found.latency.words
    if stage.candidate.requests < settings.min_requests:
        missing = settings.min_requests - stage.candidate.requests
        return doubt, "few requests", f"{_counts(evidence)}. This stage needs {missing} more requests."
    if not found.margin.is_shown:
        return doubt, "few requests", f"{_counts(evidence)}. {found.margin.words}"
    words = [f"{_counts(evidence)}.", found.margin.words, found.latency.words]
    if found.errors.is_notable:
        words.append(f"Worth a look, though too small to act on: {found.errors.words}")
    return VerdictKind.PASS, "", " ".join(part for part in words if part)


def _baseline_fails_too(stage: StageCounts) -> bool:
    return stage.stable.requests > 0 and 2 * stage.stable.errors >= stage.stable.requests


def _split_words(stage: StageCounts) -> str:
    both = stage.candidate.requests + stage.stable.requests
    actual = stage.candidate.requests / both if both else 0.0
    return (
        f"Traffic is not divided as set: {stage.share:.0%} was to go to the new release, {actual:.1%} of {both} "
        "requests did. Nothing is compared until the router is looked at; a rollback stays possible at any time."
    )


def _counts(evidence: Evidence) -> str:
    candidate, stable = evidence.candidate, evidence.stable
    words = f"New release: {candidate.errors} errors in {candidate.requests} requests"
    return f"{words}; current: {stable.errors} in {stable.requests}" if stable.requests else words


def _figures(evidence: Evidence, found: _Findings, settings: JudgeSettings, trigger: str) -> Mapping[str, object]:
    candidate, stable = evidence.candidate, evidence.stable
    return {
        "trigger": trigger,
        "share": found.stage.share,
        "canary_requests": candidate.requests,
        "canary_errors": candidate.errors,
        "canary_error_rate": candidate.error_rate,
        "baseline_requests": stable.requests,
        "baseline_errors": stable.errors,
        "baseline_error_rate": stable.error_rate,
        "stage_canary_requests": found.stage.candidate.requests,
        "stage_baseline_requests": found.stage.stable.requests,
        "canary_latency_mean": candidate.latency_mean,
        "baseline_latency_mean": stable.latency_mean,
        "slow_threshold": evidence.slow_threshold,
        "canary_slow": candidate.slow,
        "baseline_slow": stable.slow,
        "error_log_evidence": round(found.errors.log_evidence, 6),
        "error_log_evidence_needed": round(found.errors.log_evidence_needed, 6),
        "error_p_value": min(1.0, math.exp(-found.errors.log_evidence)) if found.errors.log_evidence > 0 else 1.0,
        "latency_log_evidence": round(found.latency.slow_share, 6),
        "latency_log_evidence_needed": round(found.latency.slow_share_needed, 6),
        "latency_mean_log_evidence": round(found.latency.log_mean, 6),
        "latency_mean_log_evidence_needed": round(found.latency.log_mean_needed, 6),
        "split_log_evidence": round(found.split, 6),
        "split_log_evidence_needed": round(-math.log(settings.split_alpha), 6),
        "margin": settings.margin,
        "margin_log_evidence": round(found.margin.log_evidence, 6),
        "margin_log_evidence_needed": round(found.margin.log_evidence_needed, 6),
        "requests_needed": max(found.margin.requests_needed, settings.min_requests - found.stage.candidate.requests, 0),
    }

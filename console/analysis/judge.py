"""May the rollout go on? Counts in, a verdict with its evidence and its reasons in words out.

Pure and without memory: the same counts give the same verdict, so that an auditor can compute it again. It may be asked
as often as anyone likes: looking does not raise the chance of a false rollback, which alpha bounds for a whole
rollout.

Rules, the gravest first. Instant: none of the first requests was good. Alert: security is no matter of statistics.
Split: traffic is not divided as set, so nothing is compared. Errors, latency, users' reports and the operator's own
metrics: evidence that the canary is worse reached 1/alpha and the damage exceeds what is tolerated; what follows is set
for each, as it is for signals (a crash, a failed probe, a saturated machine). Pass: evidence that the
canary is *not* worse by the margin. Whatever is none of these is doubt, and doubt holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from console.analysis.evidence import Evidence, StageCounts
from console.analysis.fixed.gauges import DEFAULT, HIGH, WORSE, classify
from console.analysis.rules.errors import ErrorFinding, find_errors
from console.analysis.rules.latency import LatencyFinding, find_latency, find_latency_margin
from console.analysis.rules.margin import MarginFinding, find_margin
from console.analysis.rules.metrics import MetricFinding, find_metrics
from console.analysis.rules.reports import ReportFinding, find_reports
from console.analysis.sequential.split_check import log_evidence_of_other_split
from console.analysis.settings import Action, JudgeSettings
from console.domain.verdict import Verdict, VerdictKind

NOT_MEASURED = "not measured"
"""Trigger of the doubt about a metric without a reading."""

MOST_SHARE = 0.5
"""Share of the traffic up to which a canary that uses more than the baseline beside it surely needs more."""


@dataclass(frozen=True)
class _Findings:
    stage: StageCounts
    split: float
    errors: ErrorFinding
    latency: LatencyFinding
    reports: ReportFinding
    gauges: Mapping[str, str]
    metrics: tuple[MetricFinding, ...]
    margin: MarginFinding
    latency_margin: str

    def damage(self, evidence: Evidence, settings: JudgeSettings) -> Iterator[tuple[str, Action, str]]:
        """What the canary does worse, in which words, and what is to follow."""
        if evidence.alerts:
            yield "alert", settings.on_alert, f"Security alert of the new release: {evidence.alerts[0]}"
        if self.errors.is_damage:
            yield "errors", settings.on_errors, self.errors.words
        if self.latency.is_damage:
            yield "latency", settings.on_latency, self.latency.words
        if self.reports.is_damage:
            yield "reports", settings.on_reports, self.reports.words
        wanted = _wanted(settings)
        for signal in evidence.signals:
            yield signal.trigger, wanted.get(signal.trigger, Action.OBSERVE), signal.words
        for metric in self.metrics:
            if metric.is_damage:
                yield f"metric {metric.rule.name}", metric.rule.action, metric.words
        # A canary with less of the traffic uses less of its machine: only more is a finding, and only then.
        differ = [f"{name} is high" for name, found in self.gauges.items() if found == HIGH]
        if differ:
            # A test for one look must not take anything back at the hundredth.
            action = Action.OBSERVE if settings.on_gauges is Action.OBSERVE else Action.PAUSE
            yield "gauges", action, f"Beside the current release {', '.join(differ)}."


@dataclass(frozen=True)
class _Decision:
    """`action` is what the trigger led to, `observed` the triggers that led to nothing but a word."""

    kind: VerdictKind
    trigger: str
    words: str
    action: Action | None = None
    observed: tuple[str, ...] = ()


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
        find_reports(evidence, settings),
        _classify(evidence, stage, settings),
        find_metrics(evidence, settings),
        find_margin(evidence, settings),
        find_latency_margin(evidence, settings),
    )
    decision = _decide(evidence, found, settings)
    return Verdict(decision.kind, decision.words, _figures(evidence, found, settings, decision))


def _wanted(settings: JudgeSettings) -> Mapping[str, Action]:
    """What follows from each signal."""
    full = dict.fromkeys(("saturation", "connections"), settings.on_saturation)
    return {"crash": settings.on_crash, "probe": settings.on_probe, **full}


def _classify(evidence: Evidence, stage: StageCounts, settings: JudgeSettings) -> Mapping[str, str]:
    """Gauges that the platforms measure by themselves, while the canary gets no more of the traffic than the other."""
    ruled = {rule.name for rule in settings.metrics}
    pairs = evidence.gauges if 0.0 < stage.share <= MOST_SHARE else ()
    return {
        pair.name: classify(pair.candidate, pair.stable, WORSE.get(pair.name, DEFAULT)).label
        for pair in pairs
        if pair.name not in ruled
    }


def _decide(evidence: Evidence, found: _Findings, settings: JudgeSettings) -> _Decision:
    return _decide_at_once(evidence, found, settings) or _decide_on_damage(evidence, found, settings)


def _decide_at_once(evidence: Evidence, found: _Findings, settings: JudgeSettings) -> _Decision | None:
    """What needs no comparison, and what forbids one."""
    stage, candidate = found.stage, evidence.candidate
    doubt = VerdictKind.INCONCLUSIVE
    if candidate.requests >= settings.instant_requests and candidate.errors == candidate.requests:
        if _baseline_fails_too(stage):
            words = f"Both arms fail: {_counts(evidence)}. This is not the new release's doing."
            return _Decision(doubt, "shared outage", words)
        words = f"Not one of {candidate.requests} requests to the new release was good."
        return _Decision(VerdictKind.FAIL, "instant", words, Action.ROLL_BACK)
    if evidence.alerts and settings.on_alert is Action.ROLL_BACK:
        words = f"Security alert of the new release: {evidence.alerts[0]}"
        return _Decision(VerdictKind.FAIL, "alert", words, Action.ROLL_BACK)
    wanted = _wanted(settings)
    grave = next((one for one in evidence.signals if wanted.get(one.trigger) is Action.ROLL_BACK), None)
    if grave is not None:
        return _Decision(VerdictKind.FAIL, grave.trigger, grave.words, Action.ROLL_BACK)
    if found.errors.is_over_limit:
        return _Decision(VerdictKind.FAIL, "error limit", found.errors.words, Action.ROLL_BACK)
    if stage.candidate.requests == 0:
        words = f"The new release got no request in this stage; {found.margin.still_needed}."
        return _Decision(doubt, "silent", words)
    if stage.is_concurrent and stage.stable.requests == 0:
        words = "The current release got no request in this stage, so there is nothing to compare with."
        return _Decision(doubt, "silent", words)
    if settings.split_alpha and found.split >= -math.log(settings.split_alpha):
        return _Decision(doubt, "split", _split_words(stage))
    return None


def _decide_on_damage(evidence: Evidence, found: _Findings, settings: JudgeSettings) -> _Decision:
    damage = list(found.damage(evidence, settings))
    for action, kind in ((Action.ROLL_BACK, VerdictKind.FAIL), (Action.PAUSE, VerdictKind.INCONCLUSIVE)):
        for trigger, wanted, words in damage:
            if wanted is action:
                return _Decision(kind, trigger, words, action)
    observed = tuple(trigger for trigger, _, _ in damage)
    kind, trigger, words = _decide_on_going_on(evidence, found, settings)
    seen = [f"Only observed: {said}" for _, _, said in damage]
    return _Decision(kind, trigger, " ".join((words, *seen)), observed=observed)


def _decide_on_going_on(evidence: Evidence, found: _Findings, settings: JudgeSettings) -> tuple[VerdictKind, str, str]:
    """Nothing is found to be worse: is it also shown that nothing is?"""
    stage, doubt = found.stage, VerdictKind.INCONCLUSIVE
    if found.latency.is_doubt:
        return doubt, "latency", found.latency.words
    missing = [one.rule.name for one in found.metrics if one.is_missing and one.rule.action is not Action.OBSERVE]
    if missing and stage.is_concurrent:
        said = f"Nobody measured {', '.join(missing)} of the new release in this stage, so nothing says it is well."
        return doubt, NOT_MEASURED, said
    if stage.candidate.requests < settings.min_requests:
        needed = settings.min_requests - stage.candidate.requests
        return doubt, "few requests", f"{_counts(evidence)}. This stage needs {needed} more requests."
    if not found.margin.is_shown:
        return doubt, "few requests", f"{_counts(evidence)}. {found.margin.words}"
    if found.latency_margin:
        return doubt, "few requests", f"{found.latency.words} {found.latency_margin}".strip()
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


def _figures(
    evidence: Evidence, found: _Findings, settings: JudgeSettings, decision: _Decision
) -> Mapping[str, object]:
    candidate, stable = evidence.candidate, evidence.stable
    figures: dict[str, object] = {
        "trigger": decision.trigger,
        "action": decision.action.value if decision.action else "",
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
        "split_log_evidence_needed": round(-math.log(settings.split_alpha), 6) if settings.split_alpha else None,
        "margin": settings.margin,
        "margin_log_evidence": round(found.margin.log_evidence, 6),
        "margin_log_evidence_needed": round(found.margin.log_evidence_needed, 6),
        "requests_needed": max(found.margin.requests_needed, settings.min_requests - found.stage.candidate.requests, 0),
    }
    if decision.observed:
        figures["observed"] = decision.observed
    if found.latency.slowdown is not None:
        figures |= zip(("slowdown", "slowdown_low", "slowdown_high"), found.latency.slowdown, strict=True)
    if found.reports.log_evidence:
        figures["report_log_evidence"] = round(found.reports.log_evidence, 6)
        figures["report_log_evidence_needed"] = round(found.reports.log_evidence_needed, 6)
    if found.metrics:
        figures["metrics"] = tuple(one.words for one in found.metrics)
    if evidence.signals:
        figures["signals"] = tuple(signal.words for signal in evidence.signals)
    if found.gauges:
        figures["gauges"] = tuple(f"{name}: {label}" for name, label in found.gauges.items())
    return figures

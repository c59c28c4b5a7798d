"""What a stage came to, for people: computed once at its end, beside the verdict and without a part in it.

Intervals of error rates and of the 95th percentile hold at every look, so that it does not matter when the stage was
ended. Gauges are compared by ranks, with every figure that people use for an effect, and a score sums the labels up.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

from console.analysis.evidence import Evidence, GaugePair, total
from console.analysis.fixed.gauges import DEFAULT, HIGH, NO_DATA, PASS, WORSE, classify, numbers
from console.analysis.fixed.ranks import compare_ranks
from console.analysis.fixed.score import Scored, score
from console.analysis.fixed.summary import mean_ratio, outliers, percentile, standardised_difference
from console.analysis.rules.errors import find_errors
from console.analysis.rules.latency import find_latency
from console.analysis.rules.reports import find_reports
from console.analysis.sequential.intervals import quantile_interval, rate_interval
from console.analysis.settings import Action, JudgeSettings

ALPHA = 0.05
"""Of every interval here: the truth is ever outside one of them with at most this probability."""

SLOW_END = 0.95
REQUESTS, MACHINE = "requests", "machine"
WEIGHTS: Mapping[str, float] = {REQUESTS: 75.0, MACHINE: 25.0}
"""Percent of the score, where gauges were read at all: what users get counts more than what it takes."""


def summarise(evidence: Evidence, settings: JudgeSettings) -> dict[str, object]:
    """Figures of the whole rollout so far, keyed as in a verdict's evidence; what nobody measured is left out."""
    figures: dict[str, object] = {}
    beside = [stage for stage in evidence.stages if stage.share < 1.0]
    arms = {
        "canary": (evidence.candidate, [stage.candidate.histogram for stage in evidence.stages]),
        "baseline": (evidence.stable, [stage.stable.histogram for stage in beside]),
    }
    for name, (counts, histograms) in arms.items():
        if counts.requests:
            low, high = rate_interval(counts.errors, counts.requests, ALPHA)
            figures |= {f"{name}_error_rate_low": low, f"{name}_error_rate_high": high}
        span = quantile_interval(_buckets(histograms, evidence.bounds), SLOW_END, ALPHA)
        if span is not None:
            figures |= {f"{name}_latency_p95_low": span[0], f"{name}_latency_p95_high": _finite(span[1])}
    results = tuple(_labels(evidence, settings))
    figures["score"] = round(score(results, WEIGHTS if {one.group for one in results} == {*WEIGHTS} else None), 1)
    figures["labels"] = tuple(f"{one.metric}: {one.label}" for one in results)
    if evidence.gauges:
        figures["gauge_effects"] = tuple(filter(None, map(_describe, evidence.gauges)))
    return figures


def _labels(evidence: Evidence, settings: JudgeSettings) -> Iterator[Scored]:
    """Every metric in Kayenta's words; critical is what takes a release back by itself."""
    rolls_back = Action.ROLL_BACK
    compared = total(*(stage.candidate for stage in evidence.concurrent)).requests and evidence.stable.requests
    errors = NO_DATA if not compared else HIGH if find_errors(evidence, settings).is_damage else PASS
    yield Scored("errors", errors, REQUESTS, settings.on_errors is rolls_back)
    if evidence.bounds and compared:
        label = HIGH if find_latency(evidence, settings).is_damage else PASS
        yield Scored("latency", label, REQUESTS, settings.on_latency is rolls_back)
    if evidence.candidate.reports or evidence.stable.reports:
        label = HIGH if find_reports(evidence, settings).is_damage else PASS
        yield Scored("reports", label, REQUESTS, settings.on_reports is rolls_back)
    for pair in evidence.gauges:
        found = classify(pair.candidate, pair.stable, WORSE.get(pair.name, DEFAULT))
        yield Scored(pair.name, found.label, MACHINE)


def _describe(pair: GaugePair) -> str:
    """One gauge in words: medians, how large the difference is by each measure, how sure it is, what stands out."""
    ours, theirs = numbers(pair.candidate), numbers(pair.stable)
    if not ours or not theirs:
        return ""
    test = compare_ranks(ours, theirs)
    words = [
        f"{pair.name}: median {percentile(ours, 0.5):.4g} beside {percentile(theirs, 0.5):.4g}",
        f"shift {test.shift:+.4g} ({test.lower:+.4g} to {test.upper:+.4g})",
        f"larger in {test.larger(len(ours) * len(theirs)):.0%} of pairs",
        f"p {test.p_value:.3g}",
    ]
    ratio, distance = mean_ratio(ours, theirs), standardised_difference(ours, theirs)
    if ratio is not None:
        words.insert(1, f"mean × {ratio:.3g}")
    if distance is not None:
        words.append(f"{distance:+.2f} standard deviations")
    strange = sum(outliers(ours)), sum(outliers(theirs))
    if any(strange):
        words.append(f"{strange[0]} and {strange[1]} outliers")
    return ", ".join(words)


def _buckets(histograms: list[tuple[int, ...]], bounds: tuple[float, ...]) -> Mapping[float, int]:
    """Cumulative counts of several stages; without those that have other buckets."""
    fitting = [counts for counts in histograms if len(counts) == len(bounds) + 1]
    summed = [sum(counts) for counts in zip(*fitting, strict=True)]
    return dict(zip((*bounds, math.inf), itertools.accumulate(summed), strict=False))


def _finite(value: float) -> float | None:
    """JSON knows no infinity: nothing is known above."""
    return value if math.isfinite(value) else None

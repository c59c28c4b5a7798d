"""Is a metric of the operator's worse on the canary? Pairs of readings taken at one time, counted as tosses of a coin.

While the canary is no worse than tolerated, it is so in at most half of the pairs: what both arms share, an outage or
the hour of the day, moves both readings of a pair. Evidence against that is the same likelihood ratio as for errors, at
a probability of one half, so that one may look at any time; a metric that may roll back has its part of alpha. A limit
is a rule without statistics: passed in several readings in a row, while the other arm keeps it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

from console.analysis.evidence import Evidence, GaugePair
from console.analysis.fixed.gauges import Direction
from console.analysis.sequential.ratios import MORE, log_evidence
from console.analysis.settings import Action, JudgeSettings, MetricRule

EVEN = 0.5
FEWEST_PAIRS = 5
BEYOND_IN_A_ROW = 3
OBSERVING_ALPHA = 0.01
"""For metrics that take nothing back, and so need no part of the rollout's alpha."""


@dataclass(frozen=True)
class MetricFinding:
    """`is_missing` says that this stage has no reading of the canary. Natural logarithms of the evidence."""

    rule: MetricRule
    log_evidence: float
    log_evidence_needed: float
    is_damage: bool
    is_missing: bool
    words: str


def budget_name(rule: MetricRule) -> str:
    """Under which name a metric takes its part of alpha."""
    return f"metric {rule.name}"


def find_metrics(evidence: Evidence, settings: JudgeSettings) -> tuple[MetricFinding, ...]:
    """Weigh every metric that has a rule."""
    known = {pair.name: pair for pair in evidence.gauges}
    return tuple(_find(rule, known.get(rule.name, GaugePair(rule.name)), settings) for rule in settings.metrics)


def _find(rule: MetricRule, pair: GaugePair, settings: JudgeSettings) -> MetricFinding:
    alpha = settings.alpha.of(budget_name(rule)) if rule.action is Action.ROLL_BACK else OBSERVING_ALPHA
    sides = {Direction.INCREASE: (pair.higher,), Direction.DECREASE: (pair.lower,)}
    counts = sides.get(rule.direction, (pair.higher, pair.lower))
    needed = -math.log(alpha / len(counts)) if alpha > 0.0 else math.inf
    worse = max(counts)
    measured = log_evidence(worse, pair.pairs - worse, EVEN, MORE) if pair.pairs else 0.0
    is_beyond = pair.beyond >= BEYOND_IN_A_ROW
    is_worse = pair.pairs >= FEWEST_PAIRS and measured >= needed
    words = _limit_words(rule, pair) if is_beyond else _words(rule, pair, worse)
    return MetricFinding(rule, measured, needed, is_beyond or is_worse, not pair.candidate, words)


def _limit_words(rule: MetricRule, pair: GaugePair) -> str:
    beside = f", {pair.stable[-1]:g} beside it" if pair.stable else ""
    return (
        f"{rule.name} of the new release is {pair.candidate[-1]:g}{beside}: past the limit of {rule.limit:g} in the "
        f"last {pair.beyond} readings."
    )


def _words(rule: MetricRule, pair: GaugePair, worse: int) -> str:
    values = ""
    if pair.candidate and pair.stable:
        values = f" ({fmean(pair.candidate):.4g} on average, {fmean(pair.stable):.4g} beside it)"
    how = f"worse by more than {rule.tolerance:.0%} in {worse} of {pair.pairs} readings"
    return f"{rule.name} of the new release{values}: {how}."

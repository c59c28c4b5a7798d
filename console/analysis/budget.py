"""One probability of a false rollback for a whole rollout, divided among everything that may roll it back.

Metrics share the budget: whatever they have to do with each other, false rollbacks of all together stay within the sum.
Stages do not: evidence multiplies over them, and the bound holds for the product at every look of every stage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

ERRORS, SLOW_SHARE, LOG_MEAN, REPORTS = "errors", "slow share", "log mean", "reports"

WEIGHTS: Mapping[str, int] = MappingProxyType({ERRORS: 4, SLOW_SHARE: 1, LOG_MEAN: 1, REPORTS: 1})
"""How the budget is divided among the metrics that are judged. Errors are rare, so that each nat of evidence costs many
requests: they get the most, and a slowdown is still found in about seven tenths of the time that it may take."""


@dataclass(frozen=True)
class AlphaBudget:
    """The probability for the whole rollout (0..1), and the metrics that share it, those of the operator's included."""

    total: float = 0.01
    metrics: tuple[str, ...] = (ERRORS, SLOW_SHARE, LOG_MEAN)

    @cached_property
    def _parts(self) -> Mapping[str, float]:
        weights = {metric: WEIGHTS.get(metric, 1) for metric in self.metrics}
        return {metric: self.total * weight / sum(weights.values()) for metric, weight in weights.items()}

    def of(self, metric: str) -> float:
        """The part of one metric; nothing for one that is not judged."""
        return self._parts.get(metric, 0.0)

    def log_evidence_needed(self, metric: str) -> float:
        """Natural logarithm of the evidence at which this metric acts; no evidence suffices where it has no part."""
        part = self.of(metric)
        return -math.log(part) if part > 0.0 else math.inf

"""One probability of a false rollback for a whole rollout, divided among everything that may roll it back.

Metrics share the budget: whatever they have to do with each other, false rollbacks of all together stay within the sum.
Stages do not: evidence multiplies over them, and the bound holds for the product at every look of every stage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ERRORS, SLOW_SHARE, LOG_MEAN = "errors", "slow share", "log mean"

PARTS: Mapping[str, float] = MappingProxyType({ERRORS: 0.5, SLOW_SHARE: 0.25, LOG_MEAN: 0.25})


@dataclass(frozen=True)
class AlphaBudget:
    """The probability for the whole rollout (0..1)."""

    total: float = 0.01

    def of(self, metric: str) -> float:
        """The part of one metric."""
        return self.total * PARTS[metric]

    def log_evidence_needed(self, metric: str) -> float:
        """Natural logarithm of the evidence at which this metric rolls back."""
        return -math.log(self.of(metric))

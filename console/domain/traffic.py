"""How requests are divided between the arms of a service.

Weights are whole percent by arm and sum to 100; an arm is a named place where one release runs (`blue`, `green`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from console.domain.errors import UsageError

Weights = Mapping[str, int]


def checked_weights(weights: Weights) -> dict[str, int]:
    """Return the weights as a dictionary once they are whole, within 0..100 and sum to 100.

    Raises:
        UsageError: They are not; says which.
    """
    for arm, weight in weights.items():
        if not 0 <= weight <= 100:
            raise UsageError(f"The weight of {arm} is {weight}.", "weights", "A weight is a whole percent, 0 to 100.")
    total = sum(weights.values())
    if total != 100:
        raise UsageError(f"The weights {dict(weights)} sum to {total}.", "weights", "They must sum to 100.")
    return dict(weights)


def split(candidate: str, stable: str, weight: int) -> dict[str, int]:
    """Give `weight` percent to the candidate's arm and the rest to the stable one."""
    return checked_weights({stable: 100 - weight, candidate: weight})


def checked_stages(stages: Sequence[int]) -> tuple[int, ...]:
    """Return the stages once they rise strictly within 1..100 and end at 100.

    Raises:
        UsageError: They do not.
    """
    rising = all(a < b for a, b in itertools.pairwise(stages))
    if not stages or not rising or stages[0] < 1 or stages[-1] != 100:
        raise UsageError(
            f"The stages {list(stages)} are not a rollout.", "stages", "Write rising whole percents that end at 100."
        )
    return tuple(stages)

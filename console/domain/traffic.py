"""How requests are divided between the arms of a service.

Weights are whole percent by arm and sum to 100; an arm is a named place where one release runs (`blue`, `green`, or
one of several instances).
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


def divide_evenly(arms: Sequence[str], among: Sequence[str]) -> dict[str, int]:
    """Give each of `among` the same, the first ones one percent more where 100 cannot be divided; the others nothing.

    Raises:
        UsageError: There is nobody to give anything.
    """
    chosen = [arm for arm in arms if arm in among]
    each, more = divmod(100, len(chosen)) if chosen else (0, 0)
    given = {arm: each + (place < more) for place, arm in enumerate(chosen)}
    return checked_weights({arm: given.get(arm, 0) for arm in arms})


def is_even(weights: Weights) -> bool:
    """Whether all get the same, as far as whole percents can be."""
    return bool(weights) and min(weights.values()) > 0 and max(weights.values()) - min(weights.values()) <= 1


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


def busy_arms(weights: Weights) -> dict[str, int]:
    """The arms that get requests. An arm without weight and an arm that is not named are the same."""
    return {arm: weight for arm, weight in weights.items() if weight}


def divide_alike(one: Weights, other: Weights) -> bool:
    """Whether requests are divided the same way by both."""
    return busy_arms(one) == busy_arms(other)


def say_weights(weights: Weights) -> str:
    """As `blue 90 % · green 10 %`."""
    return " · ".join(f"{arm} {weight} %" for arm, weight in weights.items())


def whole_percents(parts: Sequence[int]) -> list[int]:
    """Scale to whole percent that sum to 100, the largest remainders rounded up. Nothing at all stays nothing."""
    total = sum(parts)
    if not total:
        return [0 for _ in parts]
    percents = [100 * part // total for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda place: -(100 * parts[place] % total))
    for place in by_remainder[: 100 - sum(percents)]:
        percents[place] += 1
    return percents

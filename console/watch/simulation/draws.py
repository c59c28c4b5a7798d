"""Many Poisson numbers at once, with the standard library alone.

A table of 256 cells turns each random byte into a number at the speed of `bytes.translate`. A cell in which two numbers
meet says so, and that draw alone is made finer, so that the distribution is exact to the last digit of a float.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from random import Random

CELLS = 256
UNSURE = 255
"""Mark of a cell in which numbers meet; larger numbers than this are drawn one by one."""

SPREADS = 8.0
FEW = 3.0
"""Expected numbers in a whole column up to which each is put at its own place."""


class Poisson:
    """Numbers of a Poisson distribution from one uniform number each, by a table of its sums."""

    def __init__(self, expected: float) -> None:
        reach = SPREADS * math.sqrt(expected) + SPREADS
        self._first = max(0, int(expected - reach))
        sums, total = [], 0.0
        for number in range(self._first, int(expected + reach) + 1):
            total += math.exp(number * math.log(expected) - expected - math.lgamma(number + 1)) if expected else 1.0
            sums.append(total)
        self._sums = sums[:-1]
        self._cells = self._tabulate() if self._first + len(sums) < UNSURE else None

    def draw(self, chance: float) -> int:
        """The number at `chance` (0..1) of the distribution."""
        return self._first + bisect_left(self._sums, chance)

    def column(self, dice: Random, length: int) -> Sequence[int]:
        """So many independent numbers."""
        if self._cells is None:
            return [self.draw(dice.random()) for _ in range(length)]
        cells = dice.randbytes(length)
        numbers = cells.translate(self._cells)
        at = numbers.find(UNSURE)
        if at < 0:
            return numbers
        mended = bytearray(numbers)
        while at >= 0:
            mended[at] = self.draw((cells[at] + dice.random()) / CELLS)
            at = mended.find(UNSURE, at + 1)
        return mended

    def _tabulate(self) -> bytes:
        cells = bytearray(CELLS)
        for cell in range(CELLS):
            low = bisect_right(self._sums, cell / CELLS)
            high = bisect_left(self._sums, (cell + 1) / CELLS)
            cells[cell] = self._first + low if low == high else UNSURE
        return bytes(cells)


@lru_cache(maxsize=4096)
def poisson(expected: float) -> Poisson:
    return Poisson(expected)


def poisson_column(dice: Random, expected: float, length: int) -> Sequence[int]:
    """So many numbers with the same mean; of a rare event none at all, an empty column, where it never happens."""
    if expected * length > FEW:
        return poisson(expected).column(dice, length)
    happened = poisson(round(expected * length, 9)).draw(dice.random())
    if not happened:
        return ()
    column = [0] * length
    for _ in range(happened):
        column[dice.randrange(length)] += 1
    return column


def failing(dice: Random, first: int, last: int, share: float) -> Sequence[int]:
    """Which of the requests numbered `first` to `last` fail, each by itself: by jumps from one to the next."""
    if share <= 0.0:
        return ()
    chance, log, good, at = dice.random, math.log, math.log1p(-share), first - 1
    found: list[int] = []
    while True:
        at += 1 + int(log(1.0 - chance()) / good)
        if at > last:
            return found
        found.append(at)

"""What the collector has counted at any look, worked out from the running totals of a whole rollout.

`RolloutCollector` adds up look by look; here the same counts are differences of totals, so that looks at which nothing
is asked cost nothing. Both give the same `Evidence`, to the last digit; the tests hold one against the other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.analysis.evidence import ArmCounts, Evidence, StageCounts, total
from console.analysis.sequential.log_mean import log_middles
from console.watch.collector import (
    RECENT_LOOKS,
    REQUESTS_A_BLOCK,
    REQUESTS_FOR_THRESHOLD,
    SLOW_QUANTILE,
    THRESHOLD_LOOKS,
)
from console.watch.simulation.traffic import BOUNDS, ArmTraffic, Traffic

FINITE = BOUNDS[:-1]
MIDDLES = log_middles(FINITE)


@dataclass(frozen=True)
class _Threshold:
    """The bound above which answers are slow after a look, and what each arm's totals were there."""

    look: int
    place: int | None
    slow: tuple[int, int] = (0, 0)
    above: tuple[int, int] = (0, 0)


class Counted:
    """The evidence of one rollout at any look; looks are asked for in rising order within a stage."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.start = 0
        self.share = 0.0
        self.ended: tuple[StageCounts, ...] = ()
        self._thresholds = [_Threshold(0, None)]
        self._busy: list[int] = []
        self._oldest: list[int] = []
        self._chosen = [0]
        self._seen = 0
        self._block_since = 0
        self._blocks = StageCounts(0.0)

    @property
    def is_concurrent(self) -> bool:
        return 0.0 < self.share < 1.0

    def enter(self, weight: int, look: int) -> None:
        """Begin a stage after a look; the weight in force again changes nothing."""
        self._forget_after(look)
        share = weight / 100
        if share == self.share:
            return
        if self.share:
            self.ended = self.evidence_at(look).stages
        self.start, self.share = look, share
        self._block_since, self._blocks = look, StageCounts(share)

    def slow(self, arm: int, look: int) -> int:
        """Requests of an arm (0 the stable one) that were slow in their moment, since the rollout began."""
        since = self._threshold_at(look)
        if since.place is None:
            return 0
        return since.slow[arm] + self.traffic.arms[arm].above(since.place)[look] - since.above[arm]

    def timed(self, arm: int, look: int) -> int:
        first = next((one.look for one in self._thresholds[:2] if one.place is not None), look)
        requests = self.traffic.arms[arm].requests
        return requests[look] - requests[min(first, look)]

    def slow_threshold(self, look: int) -> float | None:
        place = self._threshold_at(look).place
        return None if place is None else BOUNDS[place]

    def follow(self, look: int) -> None:
        """Let the threshold follow the baseline up to a look: its last looks, as the collector keeps them."""
        requests, busy, chosen = self.traffic.stable.requests, self._busy, self._chosen
        oldest = self._oldest[-1] if self._oldest else 0
        fresh_since = requests[chosen[-1]]
        for at in range(self._seen + 1, look + 1) if requests[look] != requests[self._seen] else ():
            now = requests[at]
            if now == requests[at - 1]:
                continue
            busy.append(at)
            while len(busy) - oldest > THRESHOLD_LOOKS and (
                now - requests[busy[oldest] - 1] >= 2 * REQUESTS_FOR_THRESHOLD
            ):
                oldest += 1
            self._oldest.append(oldest)
            if now - fresh_since >= REQUESTS_FOR_THRESHOLD:
                fresh_since = now
                chosen.append(at)
                self._set_threshold(at, busy[oldest] - 1)
        self._seen = max(self._seen, look)

    def evidence_at(self, look: int) -> Evidence:
        """All that a collector would have at this look."""
        self.follow(look)
        self._close_blocks(look)
        stage = replace(
            self._blocks,
            candidate=self._between(1, self.start, look),
            stable=self._between(0, self.start, look),
            recent=None if self.is_concurrent else self._recent(look),
        )
        knows_bounds = any(arm.requests[look] for arm in self.traffic.arms)
        bounds = FINITE if knows_bounds else ()
        return Evidence((*self.ended, stage), self.slow_threshold(look), bounds=bounds)

    def _forget_after(self, look: int) -> None:
        """Take back what was read beyond a look, where the rollout went another way than was drawn."""
        self._seen = min(self._seen, look)
        kept = bisect_right(self._busy, look)
        del self._busy[kept:], self._oldest[kept:]
        del self._chosen[bisect_right(self._chosen, look) :]
        del self._thresholds[bisect_right(self._thresholds, look, key=_look) :]

    def _between(self, arm: int, since: int, until: int) -> ArmCounts:
        traffic = self.traffic.arms[arm]
        return ArmCounts(
            traffic.requests[until] - traffic.requests[since],
            traffic.errors(until) - traffic.errors(since),
            self.slow(arm, until) - self.slow(arm, since),
            self.timed(arm, until) - self.timed(arm, since),
            traffic.seconds(until) - traffic.seconds(since),
            traffic.histogram(since, until),
        )

    def _recent(self, look: int) -> ArmCounts:
        looks = range(max(self.start, look - RECENT_LOOKS + 1), look + 1)
        return total(*(self._between(1, max(self.start, at - 1), at) for at in looks))

    def _threshold_at(self, look: int) -> _Threshold:
        return self._thresholds[bisect_right(self._thresholds, look, key=_look) - 1]

    def _set_threshold(self, look: int, since: int) -> None:
        place = _nearest_place(self.traffic.stable, since, look)
        if place != self._thresholds[-1].place:
            slow = self.slow(0, look), self.slow(1, look)
            above = self.traffic.stable.above(place)[look], self.traffic.candidate.above(place)[look]
            self._thresholds.append(_Threshold(look, place, slow, above))

    def _close_blocks(self, look: int) -> None:
        """Close every stretch of time in which there were enough requests by then."""
        if not self.is_concurrent:
            self._close_blocks_alone(look)
            return
        (theirs, ours), needed = (arm.requests for arm in self.traffic.arms), REQUESTS_A_BLOCK
        mine_of, others_of = (_weighted(arm, look) for arm in (self.traffic.candidate, self.traffic.stable))
        blocks = slower = 0
        sums, squares = self._blocks.block_sum, self._blocks.block_squares
        since = self._block_since
        while since < look:
            at = max(
                bisect_left(ours, ours[since] + needed, since + 1, look + 1),
                bisect_left(theirs, theirs[since] + needed, since + 1, look + 1),
            )
            if at > look:
                break
            mine = sum([middle * (totals[at] - totals[since]) for middle, totals in mine_of]) / (ours[at] - ours[since])
            others = sum([middle * (totals[at] - totals[since]) for middle, totals in others_of])
            others /= theirs[at] - theirs[since]
            blocks += 1
            slower += mine > others
            sums += mine - others
            squares += (mine - others) * (mine - others)
            since = at
        self._keep_blocks(since, blocks, slower, sums, squares)

    def _close_blocks_alone(self, look: int) -> None:
        """With nothing beside it, most of the requests must be slow; before there is a threshold none is timed."""
        place = self._threshold_at(look).place
        if place is None:
            return
        requests, slow = self.traffic.candidate.requests, self.traffic.candidate.above(place)
        since, blocks, slower = self._block_since, 0, 0
        while since < look:
            at = bisect_left(requests, requests[since] + REQUESTS_A_BLOCK, since + 1, look + 1)
            if at > look:
                break
            blocks += 1
            slower += 2 * (slow[at] - slow[since]) > requests[at] - requests[since]
            since = at
        self._keep_blocks(since, blocks, slower, self._blocks.block_sum, self._blocks.block_squares)

    def _keep_blocks(self, since: int, blocks: int, slower: int, sums: float, squares: float) -> None:
        known = self._blocks
        self._block_since = since
        self._blocks = replace(
            known,
            blocks=known.blocks + blocks,
            blocks_slower=known.blocks_slower + slower,
            block_sum=sums,
            block_squares=squares,
        )


def _look(threshold: _Threshold) -> int:
    return threshold.look


def _weighted(arm: ArmTraffic, look: int) -> list[tuple[float, Sequence[int]]]:
    """Of what `log_latency` sums the means, in its order; buckets without requests would add nothing."""
    return [(MIDDLES[place], totals) for place, totals in arm.places.items() if totals[look]]


def _nearest_place(arm: ArmTraffic, since: int, until: int) -> int:
    """As `bound_near` has it, of the buckets' places."""
    wanted = SLOW_QUANTILE * (arm.requests[until] - arm.requests[since])
    below = before = 0
    for place in range(len(FINITE)):
        totals: Sequence[int] = arm.places.get(place, ())
        before, below = below, below + (totals[until] - totals[since] if totals else 0)
        if below >= wanted:
            return place if not place or abs(below - wanted) < abs(before - wanted) else place - 1
    return len(FINITE) - 1

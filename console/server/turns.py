"""Whose log is read next, so that any number of logs is read fairly within a share of a platform's rate limit.

A few logs are *followed*, each for some minutes while others want that too. All others are *looked at*, again and
again: each look asks for what was said since the last one. Every request is paid from one purse that fills steadily.
Logs of an environment in which something moves come first, then those that somebody watches by name.

Pure: it is told the time, and what became of its decisions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from math import ceil
from typing import Generic, TypeVar

from console.server.shares import Reading
from providers.tail import pause_after

P = TypeVar("P", bound=Hashable)

SPEAKS_FOR = timedelta(seconds=15)
SPEAKING_TURN = timedelta(minutes=10)
SILENT_TURN = timedelta(minutes=3)
PAUSE = timedelta(minutes=1)
"""How long nothing more is followed after following took too much."""
SAVES_FOR = timedelta(seconds=15)
RETRY = timedelta(seconds=10)
ROUND_MINUTES = 3
"""So many are followed at most that all others could be looked at once in this time."""
BURST = 1 / 8
FOLLOWING_AT_MOST = 2 / 3
BEFORE_THE_REST = 3
"""Looks that first ranks take in a row before one goes to whoever waits longest."""


class Rank(IntEnum):
    """Why a log is read; a lower one comes first."""

    MOVES = 0
    WATCHED = 1
    WITH_ALL = 2


@dataclass(frozen=True)
class Decision(Generic[P]):
    """What to do now: end these, then follow those, and look at those."""

    end: tuple[P, ...] = ()
    follow: tuple[P, ...] = ()
    look: tuple[P, ...] = ()


@dataclass
class _Turn:
    """One log. `asked_at` is when its last look was decided, `empty` how many looks in a row found nothing."""

    rank: Rank
    looking: bool = False
    due: bool = True
    empty: int = 0
    asked_at: datetime | None = None
    heard_at: datetime | None = None
    followed_from: datetime | None = None
    followed_until: datetime | None = None
    failed_at: datetime | None = None

    def speaks(self, now: datetime) -> bool:
        return _within(self.heard_at, SPEAKS_FOR, now)


class Turns(Generic[P]):
    """The logs of one connection.

    No minute sees more than `share` and a quarter of it, as `reading` counts requests: what following and long answers
    took too much is paid back by the looks that come later.

    Args:
        share: Requests a minute.
    """

    def __init__(self, reading: Reading, share: float) -> None:
        self._reading = reading
        self._share = share
        self._burst = max(share * BURST, reading.look, reading.begin)
        self._left = self._burst
        self._filled_at: datetime | None = None
        self._held_from: datetime | None = None
        self._held = timedelta(0)
        self._gave_up_at: datetime | None = None
        self._in_a_row = 0
        self._turns: dict[P, _Turn] = {}

    # --- what is told ---------------------------------------------------------------------------------------------

    def want(self, ranks: Mapping[P, Rank]) -> None:
        """Read exactly these from now on."""
        for place in self._turns.keys() - ranks.keys():
            del self._turns[place]
        for place, rank in ranks.items():
            self._turns.setdefault(place, _Turn(rank)).rank = rank

    def hurry(self, places: Iterable[P]) -> None:
        """Begin these anew, as if they had just spoken; those that are followed have been let go of."""
        for place in places:
            if turn := self._turns.get(place):
                turn.empty, turn.due = 0, True
                turn.followed_from = turn.followed_until = turn.failed_at = None

    def heard(self, place: P, now: datetime) -> None:
        """A log that is followed said something."""
        if turn := self._turns.get(place):
            turn.heard_at, turn.empty = now, 0

    def looked(self, place: P, lines: int, fresh: int, now: datetime) -> None:
        """A look has ended. One that brought as much as it asked for has left something: the next follows at once.

        Args:
            lines: How many it brought.
            fresh: How many of them were new.
        """
        further = ceil(lines / self._reading.page) - 1
        self._left -= max(0, further) * self._reading.look
        if turn := self._turns.get(place):
            turn.looking = False
            turn.empty = 0 if fresh else turn.empty + 1
            turn.heard_at = now if fresh else turn.heard_at
            turn.due = turn.due or lines >= self._reading.lines

    def ended(self, place: P, now: datetime) -> None:
        """Following has ended by itself."""
        if turn := self._turns.get(place):
            turn.followed_from, turn.followed_until, turn.failed_at = None, now, now
            turn.asked_at = now

    def hold(self, now: datetime, wait: timedelta) -> None:
        """Ask nothing for a while: the platform said that the limit is used up."""
        self._held_from, self._held = now, wait
        self._left = min(self._left, 0.0)

    # --- what is decided ------------------------------------------------------------------------------------------

    def decide(self, now: datetime) -> Decision[P]:
        """Say what to do now; it counts as done. Asked about once a second."""
        self._pay(now)
        if _within(self._held_from, self._held, now):
            return Decision()
        end = self._give_up(now)
        ended, follow, saves = self._begin(now)
        return Decision((*end, *ended), follow, self._look(now, saves))

    def _pay(self, now: datetime) -> None:
        """Fill the purse for the time that has passed, and take out what following cost in it."""
        passed = max(0.0, (now - self._filled_at).total_seconds()) / 60 if self._filled_at else 0.0
        self._filled_at = now
        self._left = min(self._burst, self._left + passed * (self._share - self._following_costs(now)))

    def _following_costs(self, now: datetime) -> float:
        """Requests a minute."""
        costs = (self._reading.speaking if turn.speaks(now) else self._reading.silent for turn in self._followed())
        return float(sum(costs))

    def _followed(self) -> list[_Turn]:
        return [turn for turn in self._turns.values() if turn.followed_from is not None]

    def _give_up(self, now: datetime) -> tuple[P, ...]:
        """End following where it takes more than there is, or most of it while others of that rank wait."""
        costs = self._following_costs(now)
        if self._left >= self._reading.look or costs <= self._share * FOLLOWING_AT_MOST:
            return ()
        place = self._last_followed()
        turn = self._turns[place]
        if self._left >= 0 and all(self._turns[other].rank > turn.rank for other in self._due(now)):
            return ()
        self._gave_up_at = now
        self._let_go(turn, now)
        return (place,)

    def _last_followed(self) -> P:
        """Who gives way first: of the last rank, the one that was followed longest."""
        followed = [
            (-turn.rank, turn.followed_from, place) for place, turn in self._turns.items() if turn.followed_from
        ]
        return min(followed, key=lambda one: one[:2])[2]

    def _let_go(self, turn: _Turn, now: datetime) -> None:
        turn.followed_from, turn.followed_until, turn.asked_at = None, now, now

    def _at_once(self) -> int:
        """How many may be followed, so that the others can be looked at within ROUND_MINUTES."""
        reading = self._reading
        looked_at = reading.look / ROUND_MINUTES
        followed = reading.silent + reading.begin * timedelta(minutes=1) / SILENT_TURN
        left = self._share - len(self._turns) * looked_at
        fitting = left / (followed - looked_at) if followed > looked_at else reading.most
        return max(min(1, reading.most), int(min(fitting, reading.most)))

    def _begin(self, now: datetime) -> tuple[tuple[P, ...], tuple[P, ...], bool]:
        """Follow who waited longest, in free places or in that of one whose turn is over: ended, begun, to save for."""
        places = self._at_once()
        ended: list[P] = []
        begun: list[P] = []
        if not places or _within(self._gave_up_at, PAUSE, now):
            return (), (), False
        free = [
            (turn.rank, turn.followed_until is not None, turn.followed_until or now, order, place, turn)
            for order, (place, turn) in enumerate(self._turns.items())
            if turn.followed_from is None and not turn.looking and not _within(turn.failed_at, RETRY, now)
        ]
        for *_, place, turn in sorted(free, key=lambda one: one[:4]):
            is_full = len(self._followed()) >= places
            last = self._last_followed() if is_full else place
            if is_full and not self._gives_way(self._turns[last], turn, now):
                break
            if self._left < self._reading.begin:
                return tuple(ended), tuple(begun), self._can_save(now)
            if is_full:
                self._let_go(self._turns[last], now)
                ended.append(last)
            self._left -= self._reading.begin
            turn.followed_from = now
            begun.append(place)
        return tuple(ended), tuple(begun), False

    def _can_save(self, now: datetime) -> bool:
        """Whether there soon is enough to begin, if looks wait for that."""
        comes = self._share - self._following_costs(now)
        return self._reading.begin - self._left <= comes * (SAVES_FOR / timedelta(minutes=1))

    def _gives_way(self, followed: _Turn, waiting: _Turn, now: datetime) -> bool:
        if waiting.rank != followed.rank:
            return waiting.rank < followed.rank
        return not _within(followed.followed_from, SPEAKING_TURN if followed.speaks(now) else SILENT_TURN, now)

    def _due(self, now: datetime) -> list[P]:
        """Those whose time for a look has come: sooner where something was said lately."""
        return [
            place
            for place, turn in self._turns.items()
            if turn.followed_from is None and not turn.looking and (turn.due or self._is_due(turn, now))
        ]

    def _is_due(self, turn: _Turn, now: datetime) -> bool:
        return _waited(turn, now) >= pause_after(turn.empty, self._reading.every)

    def _urgency(self, turn: _Turn, now: datetime) -> float:
        """How long it has waited; the silence of a log makes that count half at most."""
        pause = pause_after(turn.empty, self._reading.every)
        return _waited(turn, now) / min(pause, 2 * self._reading.every)

    def _look(self, now: datetime, saves: bool) -> tuple[P, ...]:
        """Look at those that wait longest; while it is saved to follow one, only at those never looked at."""
        due = [place for place in self._due(now) if not saves or self._turns[place].asked_at is None]
        looks: list[P] = []
        while due and self._left >= self._reading.look:
            ranks = {self._turns[place].rank for place in due}
            first = min(ranks)
            anyone = self._in_a_row >= BEFORE_THE_REST and len(ranks) > 1
            fitting = due if anyone else [place for place in due if self._turns[place].rank == first]
            place = max(fitting, key=lambda one: self._urgency(self._turns[one], now))
            self._in_a_row = 0 if anyone else self._in_a_row + 1
            due.remove(place)
            turn = self._turns[place]
            turn.looking, turn.due, turn.asked_at = True, False, now
            self._left -= self._reading.look
            looks.append(place)
        return tuple(looks)


def _waited(turn: _Turn, now: datetime) -> float:
    """Seconds since its last look was decided."""
    if turn.asked_at is None or now < turn.asked_at:
        return float("inf")
    return (now - turn.asked_at).total_seconds()


def _within(begin: datetime | None, length: timedelta, now: datetime) -> bool:
    """Whether so little time has passed. A clock that was set back ends every wait."""
    return begin is not None and begin <= now < begin + length

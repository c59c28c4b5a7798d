"""Logs take turns within a share of a platform's limit: fairly, the urgent ones first, none forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.server.shares import READINGS, Reading, share_of
from console.server.turns import Rank, Turns
from console.watch.pace import MANNERS
from tests.server.world import NOON

SERVICES = {"render": 80, "vercel": 60, "supabase": 30}
RANGES = Reading(60, look=1, page=100, lines=300, begin=1, silent=1, speaking=1, most=0, every=10.0)
SECOND = timedelta(seconds=1)


def silence(place: int, second: int) -> int:
    return 0


@dataclass
class World:
    """Runs the turns of one connection second by second, as the tail does.

    `said` tells how many lines a log says in a second; a log that is followed costs what its reading says.
    """

    reading: Reading
    share: float
    said: Callable[[int, int], int] = silence
    answer_after: int = 1
    now: datetime = NOON
    second: int = 0
    spent: list[float] = field(default_factory=list)
    covered: dict[int, int] = field(default_factory=dict)
    gaps: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    looks: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    spoke: dict[int, int] = field(default_factory=dict)
    followed: set[int] = field(default_factory=set)
    was_followed: set[int] = field(default_factory=set)
    under_way: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turns: Turns[int] = Turns(self.reading, self.share)

    def want(self, ranks: Mapping[int, Rank]) -> None:
        self.turns.want(ranks)
        for place in ranks:
            self.covered.setdefault(place, self.second)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self._step()

    def _step(self) -> None:
        cost = 0.0
        for begun, place in [one for one in self.under_way if self.second - one[0] >= self.answer_after]:
            self.under_way.remove((begun, place))
            lines = min(sum(self.said(place, at) for at in range(self.covered[place], begun)), self.reading.lines)
            self.turns.looked(place, lines, lines, self.now)
            cost += max(0, -(-lines // self.reading.page) - 1) * self.reading.look
            self._cover(place, begun)
        for place in self.followed:
            if self.said(place, self.second):
                self.turns.heard(place, self.now)
                self.spoke[place] = self.second
            speaks = self.second - self.spoke.get(place, -60) < 15
            cost += (self.reading.speaking if speaks else self.reading.silent) / 60
            self._cover(place, self.second)
        decision = self.turns.decide(self.now)
        assert set(decision.end) <= self.followed
        self.followed -= set(decision.end)
        assert not set(decision.follow) & self.followed
        self.followed |= set(decision.follow)
        self.was_followed |= self.followed
        cost += len(decision.follow) * self.reading.begin + len(decision.look) * self.reading.look
        for place in decision.look:
            assert place not in self.followed
            assert place not in [other for _, other in self.under_way]
            self.looks[place] += 1
            self.under_way.append((self.second, place))
        self.spent.append(cost)
        self.second += 1
        self.now += SECOND

    def _cover(self, place: int, until: int) -> None:
        self.gaps[place] = max(self.gaps[place], until - self.covered[place])
        self.covered[place] = max(self.covered[place], until)

    def longest_gap(self) -> int:
        """Seconds for which a log was not read, at most."""
        return max([*self.gaps.values(), *(self.second - at for at in self.covered.values())])

    def worst_minute(self) -> float:
        return max(sum(self.spent[at : at + 60]) for at in range(max(1, len(self.spent) - 59)))


def everything(count: int, rank: Rank = Rank.WATCHED) -> dict[int, Rank]:
    return dict.fromkeys(range(count), rank)


def each(seconds: int) -> Callable[[int, int], int]:
    return lambda place, second: int((second + place) % seconds == 0)


def half_of_them(place: int, second: int) -> int:
    return int(place % 2 == 0 and second % 2 == 0)


MANY = [(kind, said) for kind in SERVICES for said in (silence, each(30), half_of_them)]


class TestGivenTwoHundredServices:
    @pytest.mark.parametrize(("kind", "said"), MANY)
    def test_when_all_are_read_then_looking_and_reading_stay_within_the_limit(self, kind, said):
        count, reading = SERVICES[kind], READINGS[kind]
        world = World(reading, share_of(kind, count), said)
        world.want(everything(count))

        world.run(400)

        assert world.worst_minute() + MANNERS[kind].most_in_a_minute <= reading.limit
        assert world.longest_gap() <= 330

    @pytest.mark.parametrize("kind", ["render", "vercel"])
    def test_when_all_are_silent_then_each_is_followed_in_its_turn(self, kind):
        world = World(READINGS[kind], share_of(kind, 24))
        world.want(everything(24))

        world.run(1500)

        assert world.was_followed == set(range(24))


class TestGivenAFewServices:
    @pytest.mark.parametrize(("kind", "count"), [("render", 12), ("vercel", 2)])
    def test_when_all_are_read_then_all_are_followed_without_an_end(self, kind, count):
        world = World(READINGS[kind], share_of(kind, count), each(2))
        world.want(everything(count))
        world.run(60)

        world.run(1200)

        assert len(world.followed) == count
        assert world.longest_gap() <= 30

    def test_when_following_is_asking_again_then_each_is_asked_every_ten_to_twenty_seconds(self):
        world = World(READINGS["supabase"], share_of("supabase", 2), lambda place, second: place)
        world.want(everything(2))

        world.run(600)

        assert 28 <= world.looks[0] <= 32
        assert 58 <= world.looks[1] <= 61


class TestGivenSomethingMoves:
    @pytest.mark.parametrize(("kind", "longest"), [("render", 4), ("vercel", 20), ("supabase", 25)])
    def test_when_everything_else_is_read_too_then_it_goes_first_without_pause(self, kind, longest):
        count = SERVICES[kind]
        world = World(READINGS[kind], share_of(kind, count), each(30))
        world.want(everything(count, Rank.WITH_ALL))
        world.run(300)
        world.gaps.clear()

        world.want(everything(count, Rank.WITH_ALL) | {count - 1: Rank.MOVES})
        world.turns.hurry([count - 1])
        world.followed.discard(count - 1)
        world.run(10)
        world.gaps.clear()
        world.run(300)

        assert world.gaps[count - 1] <= longest

    def test_when_that_takes_all_there_is_then_the_others_are_not_forgotten(self):
        world = World(RANGES, 6.0, each(1))
        world.want(everything(20, Rank.MOVES) | {20: Rank.WITH_ALL, 21: Rank.WATCHED})

        world.run(1800)

        assert all(world.looks[place] for place in range(22))


class TestGivenALogWithMoreThanALookBrings:
    def test_then_it_is_looked_at_again_at_once_and_its_pages_are_paid(self):
        world = World(RANGES, 30.0, lambda place, second: 100)
        world.want({1: Rank.WATCHED})

        world.run(300)

        assert 45 <= world.looks[1] <= 55
        assert world.worst_minute() <= 30 * 1.25 + 3


class TestGivenThePlatformAsksForAPause:
    def test_then_nothing_is_asked_until_it_is_over_or_the_clock_was_set_back(self):
        world = World(RANGES, 30.0)
        world.want(everything(5))
        world.run(60)

        world.turns.hold(world.now, timedelta(minutes=2))
        world.spent.clear()
        world.run(119)
        during = sum(world.spent)
        world.run(30)

        assert during == 0
        assert sum(world.spent) > 0

        world.turns.hold(world.now, timedelta(hours=1))
        world.now -= timedelta(minutes=10)
        world.spent.clear()
        world.run(60)
        assert sum(world.spent) > 0


class TestGivenFollowingFails:
    def test_then_it_is_begun_again_a_little_later(self):
        world = World(READINGS["render"], 60.0)
        world.want({1: Rank.WATCHED})
        world.run(5)

        world.turns.ended(1, world.now)
        world.followed.clear()
        world.run(8)
        before = set(world.followed)
        world.run(5)

        assert (before, world.followed) == (set(), {1})


readings = st.builds(
    Reading,
    limit=st.just(100),
    look=st.integers(1, 5),
    page=st.just(100),
    lines=st.just(300),
    begin=st.integers(1, 20),
    silent=st.integers(0, 20),
    speaking=st.integers(20, 120),
    most=st.integers(0, 12),
    every=st.sampled_from([2.0, 5.0, 10.0]),
)


@settings(max_examples=12)
@given(
    reading=readings,
    ranks=st.lists(st.sampled_from(Rank), min_size=1, max_size=40),
    share=st.integers(10, 200),
    seed=st.integers(1, 40),
    changed=st.lists(st.integers(0, 39), max_size=5),
)
def test_the_share_is_kept_and_nobody_is_forgotten_whoever_speaks(reading, ranks, share, seed, changed):
    world = World(reading, share, lambda place, second: int((place * 7 + second) % seed == 0))
    wanted = dict(enumerate(ranks))
    world.want(wanted)
    world.run(300)
    for place in changed:
        wanted[place] = Rank.WATCHED
        world.want(wanted)
    world.run(600)

    assert world.worst_minute() <= share * 1.25 + reading.look + 2 * reading.begin + reading.speaking / 4
    assert all(world.looks[place] or place in world.was_followed for place in wanted)

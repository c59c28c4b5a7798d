"""Turns of reading one log: no line is lost between them, none passes twice, equal ones at one moment included."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from console.domain.telemetry import LogLine
from console.server.heard import Heard
from providers.tail import OVERLAP
from tests.server.world import NOON


def line(second: float, text: str = "") -> LogLine:
    return LogLine(NOON + timedelta(seconds=second), "api", text)


def take(heard: Heard, said: list[LogLine], until: int) -> list[LogLine]:
    """One turn over what has been said by now, as a platform answers it for a range."""
    begin = heard.begin()
    return [one for one in sorted(said[:until], key=lambda one: one.at) if one.at >= begin and heard.fresh(one)]


@settings(max_examples=40)
@given(
    steps=st.lists(st.integers(0, 9), max_size=60),
    texts=st.lists(st.sampled_from("ab"), min_size=60, max_size=60),
    turns=st.lists(st.integers(0, 60), max_size=12),
)
def test_turns_give_every_line_once(steps, texts, turns):
    at, said = 0, []
    for step, text in zip(steps, texts, strict=False):
        at += max(0, step - 6)
        said.append(line(at, text))
    heard = Heard(NOON)

    found = [one for until in [*sorted(turns), len(said)] for one in take(heard, said, until)]

    assert sorted(found, key=repr) == sorted(said, key=repr)


class TestGivenLinesThatComeLate:
    def test_when_within_the_overlap_then_they_pass(self):
        heard = Heard(NOON)
        take(heard, [line(10, "new")], 1)

        found = take(heard, [line(7, "late"), line(10, "new")], 2)

        assert [one.text for one in found] == ["late"]

    def test_when_a_platform_rounds_the_range_down_then_what_was_heard_long_ago_does_not_pass(self):
        heard = Heard(NOON)
        old, new = line(0, "old"), line(50, "new")
        take(heard, [old, new], 2)

        heard.begin()

        assert not heard.fresh(old)


class TestGivenATurnThatLeftLinesUnread:
    def test_then_the_next_begins_where_it_ended(self):
        heard = Heard(NOON)
        take(heard, [line(10)], 1)
        heard.is_behind = True

        begins = [heard.begin(), heard.begin()]

        assert begins == [line(10).at, line(10).at - OVERLAP]

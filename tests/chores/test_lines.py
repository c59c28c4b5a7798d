"""What a chore and its worker tell each other, and how a chore tells its pace."""

from __future__ import annotations

import pytest

from console.chores.lines import (
    Beat,
    Done,
    Failed,
    Line,
    Order,
    Stopped,
    Told,
    read_line,
    read_order,
    write_line,
    write_order,
)
from console.chores.pace import Pace


class TestGivenALine:
    @pytest.mark.parametrize(
        "line",
        [Told("load", "orders", 3, 9, 1.5, 4.0), Beat(), Stopped(), Done("all", {"rows": 3}), Failed("no", "at", "do")],
    )
    def test_when_it_is_written_and_read_then_it_says_the_same(self, line: Line) -> None:
        assert read_line(write_line(line)) == line

    @pytest.mark.parametrize(
        "text", [b"", b"warning: x\n", b"[]\n", b'{"done": 3}\n', b'{"x": {}}\n', b'{"done": {"a": 1}}\n']
    )
    def test_when_it_is_none_of_ours_then_it_says_nothing(self, text: bytes) -> None:
        assert read_line(text) is None

    def test_when_an_order_is_shown_then_its_secrets_are_not(self) -> None:
        order = Order("load", "/f", {"source": "/s"}, {"address": "pass-0001"})

        assert read_order(write_order(order)) == order
        assert "pass-0001" not in repr(order)


class TestGivenAPhase:
    def test_when_it_has_run_a_while_then_the_rate_is_of_this_run_alone(self) -> None:
        heard: list[Told] = []
        now = iter([0.0, 0.1, 2.0, 2.1, 3.0])
        pace = Pace(heard.append, lambda: next(now))

        pace("load", "t", 1000, 2000)
        pace("load", "t", 1010, 2000)
        pace("load", "t", 1200, 2000)
        pace("load", "t", 1210, 2000)
        pace("keys", "t")

        assert [(told.done, told.rate, told.left_s) for told in heard] == [
            (1000, 0.0, None),
            (1200, 100.0, 8.0),
            (0, 0.0, None),
        ]

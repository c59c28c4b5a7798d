"""The picture between Textual and the terminal: both streams must show the same, and ours must be small."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pyte
import pytest
from textual._compositor import CompositorUpdate
from textual.screen import Screen

from console.client.service import LogBatch, Pulse
from screens.app import QuarterdeckApp
from screens.frame import Frame
from tests.screens import scene
from tests.screens.fake_service import FakeService


class Terminal:
    """A terminal emulator that is fed bytes and remembers how many."""

    def __init__(self, width: int, height: int) -> None:
        self.screen = pyte.Screen(width, height)
        self.screen.set_mode(pyte.modes.LNM)  # a terminal in our mode turns a newline into a new line
        self.stream = pyte.Stream(self.screen)
        self.count = 0

    def feed(self, data: str) -> None:
        self.count += len(data.encode())
        self.stream.feed(data)

    def cells(self) -> list[list[tuple[object, ...]]]:
        buffer = self.screen.buffer
        return [
            [tuple(buffer[y][x])[:5] for x in range(self.screen.columns)]  # character, colours, bold, italics
            for y in range(self.screen.lines)
        ]


class RecordedApp(QuarterdeckApp):
    """Keeps what Textual would write."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # passed through
        self.written: list[str] = []

    def _display(self, screen: Screen[object], renderable: object) -> None:
        if isinstance(renderable, CompositorUpdate):
            self.written.append(renderable.render_segments(self.console))


@pytest.mark.parametrize("theme", ["dark", "ansi"])
class TestGivenALiveDashboard:
    async def test_when_both_streams_are_replayed_then_every_cell_is_the_same(self, theme: str) -> None:
        service = FakeService(scene.tale("bake-10").events)
        clock = [scene.START + timedelta(seconds=150)]
        app = RecordedApp(service, clock=lambda: clock[0], theme=theme)
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.pause()
            for tick in range(30):
                clock[0] += timedelta(seconds=0.25)
                service.tell(Pulse(clock[0], scene.PRODUCTION, scene.arms(wave=6 * math.sin(tick))))
                service.log(LogBatch(scene.log_lines(3, 100 + 3 * tick, clock[0])))
                await pilot.pause()
                app.flush()
                app.drain_logs()
                await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
            await pilot.press("escape")
            await pilot.pause()

        plain, ours = Terminal(100, 30), Terminal(100, 30)
        frame = Frame(100, 30)
        for index, data in enumerate(app.written):
            plain.feed(data)
            frame.take(data)
            if index % 3 != 1:  # a dropped frame comes with the next one
                ours.feed(frame.flush())
        ours.feed(frame.flush())

        assert ours.cells() == plain.cells()
        assert ours.count < plain.count / 3


class TestGivenAFrame:
    def test_when_nothing_changed_then_nothing_is_sent(self) -> None:
        frame = Frame(20, 2)
        frame.take("\x1b[1;1H\x1b[1mhello\x1b[0m world")
        assert frame.flush()

        frame.take("\x1b[1;1H\x1b[1mhello\x1b[0m world")
        assert frame.flush() == ""

    def test_when_one_letter_changes_then_one_letter_is_sent(self) -> None:
        frame = Frame(20, 2)
        frame.take("\x1b[1;1Hhello world\x1b[2;1H")
        frame.flush()

        frame.take("\x1b[1;1Hhello wOrld\x1b[2;1H")
        assert frame.flush() == "\x1b[1;8HO\x1b[2;1H"

    def test_when_the_terminal_is_not_known_then_every_cell_is_sent_again(self) -> None:
        frame = Frame(4, 2)
        frame.take("\x1b[1;1Habcd\x1b[2;1Hefgh")
        frame.flush()

        frame.forget()
        assert "abcd" in frame.flush()

    def test_when_wide_characters_move_then_both_terminals_agree(self) -> None:
        random.seed(3)
        plain, ours, frame = Terminal(24, 3), Terminal(24, 3), Frame(24, 3)
        for _ in range(200):
            words = "".join(random.choice(["a", "b", " ", "漢", "字", "é", "─"]) for _ in range(8))
            row = random.randint(1, 3)
            # A whole line is drawn, as Textual does: half a wide character is never left behind.
            line = words + " " * (24 - sum(2 if c in "漢字" else 1 for c in words))
            data = f"\x1b[{row};1H\x1b[3{random.randint(1, 6)}m{line}\x1b[0m"
            plain.feed(data)
            frame.take(data)
            ours.feed(frame.flush())
        assert ours.screen.display == plain.screen.display

    def test_when_only_the_colour_changes_then_only_the_colour_is_sent(self) -> None:
        frame = Frame(8, 1)
        frame.take(
            "\x1b[1;1H\x1b[38;5;10;48;5;1mab\x1b[0m\x1b[38;5;11;48;5;1mcd\x1b[0m\x1b[1;38;5;11mef\x1b[0m  \x1b[1;1H"
        )
        assert frame.flush() == "\x1b[1;1H\x1b[0;38;5;10;48;5;1mab\x1b[38;5;11mcd\x1b[0;1;38;5;11mef\x1b[m  \x1b[1;1H"

    def test_when_lines_move_up_then_the_terminal_scrolls_them_and_shows_the_same(self) -> None:
        plain, ours, frame = Terminal(40, 12), Terminal(40, 12), Frame(40, 12)

        def picture(first: int) -> str:
            title = "\x1b[1;1H\x1b[1m" + "a pane above".ljust(40) + "\x1b[0m"
            logs = "".join(
                f"\x1b[{3 + n};1H\x1b[3{(first + n) % 7}m{f'line {first + n} of a log'.ljust(40)}\x1b[0m"
                for n in range(9)
            )
            return title + logs + "\x1b[12;1H" + "a footer".ljust(40)

        sizes = []
        for first in (0, 1, 3, 4, 11, 40, 41):
            plain.feed(picture(first))
            frame.take(picture(first))
            before = ours.count
            ours.feed(frame.flush())
            sizes.append(ours.count - before)
            assert ours.cells() == plain.cells()
        assert sizes[1] < 100
        assert sizes[0] > 300

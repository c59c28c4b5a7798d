"""The console as a process in a terminal: how it starts, what it sends, how it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pyte
import pytest

from console.domain.errors import UsageError
from screens.run import check_terminal, is_set, theme_for

PLAY = [sys.executable, "-m", "tests.screens.play"]


class TestGivenATerminal:
    def test_when_it_is_dumb_then_the_console_refuses_and_names_the_command_for_it(self) -> None:
        with pytest.raises(UsageError) as caught:
            check_terminal({"TERM": "dumb"}, input_is_terminal=True, output_is_terminal=True)
        assert "TERM=dumb" in caught.value.what
        assert "quarterdeck status" in caught.value.remedy

    def test_when_there_is_none_then_it_says_which_end_is_missing(self) -> None:
        with pytest.raises(UsageError) as caught:
            check_terminal({"TERM": "xterm"}, input_is_terminal=True, output_is_terminal=False)
        assert caught.value.where == "standard error"

    def test_when_no_colour_is_wanted_or_the_line_is_slow_then_its_own_colours_are_used(self) -> None:
        assert theme_for({"TERM": "xterm-256color", "NO_COLOR": ""}, "dark") == "ansi"
        assert theme_for({"TERM": "xterm-256color", "QUARTERDECK_SLOW": "1"}, "") == "ansi"
        assert theme_for({"TERM": "linux"}, "") == "ansi"
        assert theme_for({"TERM": "xterm-256color"}, "") == "dark"
        assert theme_for({"TERM": "xterm-256color"}, "light") == "light"
        assert not is_set({"QUARTERDECK_SLOW": "0"}, "QUARTERDECK_SLOW")


class Session:
    """The console in a pseudo-terminal of 100x30, watched by a terminal emulator."""

    def __init__(self, arguments: list[str], environ: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        clean = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLORTERM"}}
        self.process = subprocess.Popen(
            arguments,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**clean, "TERM": "xterm-256color", **environ},
            start_new_session=True,
        )
        os.close(slave)
        self.screen = pyte.Screen(100, 30)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""

    def read(self, seconds: float) -> bytes:
        """What comes within this time."""
        end, got = time.monotonic() + seconds, b""
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            if not ready:
                break
            try:
                data = os.read(self.master, 65536)
            except OSError:
                break
            if not data:
                break
            got += data
        self.raw += got
        self.stream.feed(got.replace(b"\x1b[>25u", b"").replace(b"\x1b[<u", b""))
        return got

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while text not in "\n".join(self.screen.display):
            assert time.monotonic() < end, "\n".join(self.screen.display)
            self.read(0.1)

    def ended(self, seconds: float = 10.0) -> int:
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        self.read(0.1)
        return self.process.wait(1)


@contextmanager
def session(*arguments: str, **environ: str) -> Iterator[Session]:
    made = Session([*PLAY, *arguments], environ)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.process.kill()
            made.process.wait()
        os.close(made.master)


@pytest.mark.e2e
class TestGivenTheConsoleInATerminal:
    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
    def test_when_a_signal_ends_it_then_the_terminal_is_as_before(self, number: int, code: int) -> None:
        with session("1", "5", "bake-10") as console:
            console.wait_for("Environments")
            before = termios.tcgetattr(console.master)
            console.process.send_signal(number)

            assert console.ended() == code
            assert b"\x1b[?1049l" in console.raw
            assert console.raw.rindex(b"\x1b[?25h") > console.raw.index(b"\x1b[?25l")
            assert before[3] & termios.ECHO == 0
            assert termios.tcgetattr(console.master)[3] & termios.ECHO

    def test_when_nothing_changes_then_nothing_is_sent(self) -> None:
        with session("1", "0", "idle") as console:
            console.wait_for("succeeded")
            console.read(1.5)
            assert console.read(2.0) == b""

            os.write(console.master, b"q")
            assert console.ended() == 0

    def test_when_the_terminal_takes_nothing_for_a_while_then_the_present_is_shown_afterwards(self) -> None:
        with session("50", "200", "bake-10") as console:
            console.wait_for("Environments")
            time.sleep(2)  # a reader that stalls; the pseudo-terminal takes a few KiB and then blocks
            console.wait_for("10/17")
            sent = len(console.raw)
            console.read(1.0)
            assert len(console.raw) - sent < 64 * 1024

    def test_when_no_colour_is_wanted_then_none_is_sent(self) -> None:
        with session("1", "5", "bake-10", NO_COLOR="1") as console:
            console.wait_for("production")
            console.read(1.0)
            colours = [b"38;", b"48;", *(b"\x1b[0;3%dm" % n for n in range(8)), *(b"\x1b[3%dm" % n for n in range(8))]
            assert not any(code in console.raw for code in colours)

    def test_when_screens_are_imported_then_neither_the_network_nor_the_engine_is(self) -> None:
        code = (
            "import sys, screens.app, screens.run, screens.driver;"
            "print([m for m in ('httpx', 'pydantic', 'dbos', 'sqlalchemy', 'jinja2') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

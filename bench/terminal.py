"""A program on a terminal of ours: what it draws, when, and what it costs while it rests."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path

QUIET_SECONDS = 0.5
ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[c": b"\x1b[?62;22c", b"\x1b[6n": b"\x1b[1;1R"}


class Terminal:
    """A child on a pty of 120 × 40. Times are seconds since it was started."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self.started = time.perf_counter()
        self.received = bytearray()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), {**os.environ, "TERM": "xterm-256color", **(environment or {})})
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def read(self, seconds: float) -> bytes:
        """Whatever comes within the time, answering what a real terminal would answer."""
        end = time.perf_counter() + seconds
        fresh = bytearray()
        while (left := end - time.perf_counter()) > 0:
            ready, _, _ = select.select([self._fd], [], [], left)
            if not ready:
                break
            try:
                part = os.read(self._fd, 65536)
            except OSError:
                break
            if not part:
                break
            for question, answer in ANSWERS.items():
                if question in part:
                    os.write(self._fd, answer)
            fresh += part
        self.received += fresh
        return bytes(fresh)

    def read_for(self, seconds: float) -> bytes:
        """Everything that comes during exactly that time."""
        end = time.perf_counter() + seconds
        fresh = bytearray()
        while (left := end - time.perf_counter()) > 0:
            fresh += self.read(left)
        return bytes(fresh)

    def first_paint(self, text: bytes, limit: float = 20.0) -> float:
        """Seconds until the text is on the screen.

        Raises:
            TimeoutError: It did not appear within the limit.
        """
        while text not in self.received:
            now = time.perf_counter() - self.started
            if now > limit:
                raise TimeoutError(f"{text!r} was not drawn within {limit} s: {bytes(self.received[-300:])!r}")
            self.read(0.005)
        return time.perf_counter() - self.started

    def send(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def first_byte_after(self, keys: bytes, limit: float = 2.0) -> float | None:
        """Seconds from a key to the first byte of the answer, None when nothing came."""
        before = time.perf_counter()
        self.send(keys)
        ready, _, _ = select.select([self._fd], [], [], limit)
        return time.perf_counter() - before if ready else None

    def settle(self) -> None:
        """Read until nothing has come for a while."""
        while self.read(QUIET_SECONDS):
            pass

    def close(self, with_signal: int = signal.SIGTERM) -> int:
        """End it and return its wait status."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, with_signal)
        end = time.perf_counter() + 5
        while time.perf_counter() < end:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                os.close(self._fd)
                return status
            self.read(0.02)
        os.kill(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        os.close(self._fd)
        return status


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Memory that a process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

"""A terminal driver that sends only cells that changed, and never lets a stalled terminal stop the event loop.

Textual's own writes through a queue of 30 that blocks the loop when the far end stalls. Here frames wait as a picture,
not as bytes: while the terminal has not taken the last ones, newer frames only change the picture, and one
difference is sent when it is ready again.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.messages import InBandWindowResize

from screens.frame import POSITION, Frame

if TYPE_CHECKING:
    from textual.app import App

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
MOST_WAITING = 2
CLOSE_WAIT_S = 1.0


class Writer(threading.Thread):
    """Writes text to a file in the background; `write` never waits. `drained` is called when all was taken."""

    def __init__(self, fileno: int, drained: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="terminal-output")
        self._fileno = fileno
        self._drained = drained
        self._waiting: deque[bytes | None] = deque()
        self._ready = threading.Semaphore(0)
        self._is_gone = False

    @property
    def waiting(self) -> int:
        """Writes that the terminal has not taken yet."""
        return len(self._waiting)

    def write(self, text: str) -> None:
        if not self._is_gone:
            self._waiting.append(text.encode("utf-8", "replace"))
            self._ready.release()

    def stop(self) -> None:
        """Write what waits and end; a terminal that takes nothing is left after a second."""
        self._waiting.append(None)
        self._ready.release()
        self.join(CLOSE_WAIT_S)

    def run(self) -> None:
        while True:
            self._ready.acquire()
            data = self._waiting[0]
            if data is None:
                return
            try:
                self._write(data)
            except OSError:  # the terminal is gone; SIGHUP ends the app
                self._is_gone = True
            self._waiting.popleft()
            if not self._waiting:
                self._drained()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fileno, view) :]
            except BlockingIOError:  # somebody who shares the terminal made it non-blocking
                select.select([], [self._fileno], [])


class DiffDriver(LinuxDriver):
    """Textual's driver for Linux and macOS, with a picture between it and the terminal."""

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None):
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._frame: Frame | None = None
        self._is_stale = False
        self._synchronized = False
        self._postponed = False
        self._writer: Writer | None = None

    def start_application_mode(self) -> None:
        self._is_stale = True
        self._writer = Writer(sys.__stderr__.fileno() if sys.__stderr__ else 2, self._on_drained)
        self._writer.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's is untyped
        if self._writer_thread is not None:  # ours took its place
            self._writer_thread.stop()
            self._writer_thread = None
        resized = signal.getsignal(signal.SIGWINCH)

        def on_resize(number: int, stack: Any) -> None:
            self._is_stale = True
            if callable(resized):
                resized(number, stack)

        signal.signal(signal.SIGWINCH, on_resize)

    def process_message(self, message: Message) -> None:
        if isinstance(message, InBandWindowResize):
            self._is_stale = True
        super().process_message(message)

    def write(self, data: str) -> None:
        writer = self._writer
        if writer is None:
            return
        if data in (BEGIN, END):
            self._synchronized = True
        elif POSITION.search(data):
            others = self._picture().take(data)
            if others:
                writer.write(others)
            self._show()
        else:
            writer.write(data)

    def close(self) -> None:
        super().close()
        if self._writer is not None:
            self._writer.stop()
            self._writer = None

    def _picture(self) -> Frame:
        width, height = self._app.size
        frame = self._frame
        if frame is None or (frame.width, frame.height) != (width, height):
            frame = self._frame = Frame(width, height)
            self._is_stale = False
        return frame

    def _show(self) -> None:
        writer, frame = self._writer, self._frame
        if writer is None or frame is None:
            return
        if writer.waiting >= MOST_WAITING:
            self._postponed = True
            return
        self._postponed = False
        if self._is_stale:
            self._is_stale = False
            frame.forget()
        out = frame.flush()
        if out:
            writer.write(f"{BEGIN}{out}{END}" if self._synchronized else out)

    def _on_drained(self) -> None:
        if self._postponed:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._show)

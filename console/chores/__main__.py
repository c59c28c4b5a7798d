"""The process of one chore: `python -m console.chores`, started by the engine and spoken to in lines (`lines.py`).

It ends by itself when it is asked to (SIGTERM) and when whoever started it is gone.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO

from console.chores.lines import BEAT_SECONDS, Beat, Failed, Line, Stopped, read_order, write_line
from console.chores.pace import Pace
from console.chores.tasks import Asked, find_task
from console.domain.errors import ConsoleError

PATIENCE_SECONDS = 20.0
"""How long a chore that nobody hears any more may take to its next good place to stop."""


class Mouth:
    """Says lines, one at a time. What nobody hears stops the chore."""

    def __init__(self, out: IO[bytes], stop: threading.Event) -> None:
        self._out = out
        self._stop = stop
        self._lock = threading.Lock()

    def say(self, line: Line) -> None:
        try:
            with self._lock:
                self._out.write(write_line(line))
                self._out.flush()
        except OSError:
            self._stop.set()


def main() -> int:
    """Do the one chore that is ordered."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no line of ours
    stop = threading.Event()
    mouth = Mouth(out, stop)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C at a worker in the foreground is the worker's to answer
    try:
        order = read_order(sys.stdin.buffer.readline())
    except (ValueError, TypeError):
        mouth.say(Failed("No order came.", "python -m console.chores", "It is started by the worker alone."))
        return 1
    for body in (_watch_parent, _beat):
        threading.Thread(target=body, args=(mouth, stop), daemon=True).start()
    folder = Path(order.folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w", encoding="ascii") as lock:
        if not _take(lock, stop):
            mouth.say(Stopped())
            return 0
        mouth.say(_carry_out(Asked(order, Pace(mouth.say), stop.is_set)))
    return 0


def _carry_out(asked: Asked) -> Line:
    try:
        return find_task(asked.order.task)(asked)
    except ConsoleError as problem:
        return Failed(problem.what, problem.where, problem.remedy, problem.transient, problem.transient)


def _take(lock: IO[str], stop: threading.Event) -> bool:
    """Wait until no other process does this chore: one that lost its worker ends within moments."""
    while not stop.is_set():
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
        else:
            return True
    return False


def _watch_parent(_: Mouth, stop: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    stop.set()
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)


def _beat(mouth: Mouth, stop: threading.Event) -> None:
    while not stop.wait(BEAT_SECONDS):
        mouth.say(Beat())


if __name__ == "__main__":
    sys.exit(main())

"""Run one of PostgreSQL's programs to its end, or until somebody says stop."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from console.backups.values import Interrupted, Stopped

LOOK_EVERY_S = 0.05
END_WITHIN_S = 5.0
KEPT_WORDS = 2000
_PR_SET_PDEATHSIG = 1
_CROWDED = ("too many connections", "too many clients", "remaining connection slots", "max clients reached")


class ProgramFailed(Exception):
    """It ended badly; carries its last words, which may hold names and values of the database but no password."""


def _end_with_us() -> Callable[[], None] | None:
    """Have the kernel end a program when we are killed, or it would go on writing into what is swept."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    return ask


def is_crowded(problem: ProgramFailed) -> bool:
    """Whether it ended because the server takes no more connections: with fewer it may go on."""
    return any(sign in str(problem).lower() for sign in _CROWDED)


class Program:
    """A program that runs beside us. Leaving the block ends it.

    Args:
        arguments: Hold no secret; those come by the environment.
        output: Where its output goes; else nowhere.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        redact: Callable[[str], str],
        output: Path | None = None,
    ) -> None:
        self._name = Path(arguments[0]).name
        self._redact = redact
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the block
        with contextlib.ExitStack() as stack:
            where = stack.enter_context(output.open("wb")) if output else subprocess.DEVNULL
            self._process = subprocess.Popen(
                list(arguments),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=where,
                stderr=self._words,
                start_new_session=True,  # Ctrl+C is for us; we end it
                preexec_fn=_end_with_us(),
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_WITHIN_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._words.close()

    def check(self) -> None:
        """Raise ProgramFailed when it has ended badly already."""
        if self._process.poll() not in (None, 0):
            raise ProgramFailed(self._last_words())

    def wait(self, stopped: Stopped, looked: Callable[[], None] = lambda: None) -> None:
        """Wait for its end; `looked` is called about every 50 ms.

        Raises:
            ProgramFailed: It ended with another code than 0.
            Interrupted: Somebody said stop.
        """
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LOOK_EVERY_S)
                break
            if stopped():
                raise Interrupted
            looked()
        self.check()

    def _last_words(self) -> str:
        self._words.seek(0, 2)
        self._words.seek(max(self._words.tell() - KEPT_WORDS, 0))
        words = self._redact(self._words.read().decode(errors="replace"))
        return words or f"{self._name} ended with {self._process.returncode} and without a word."

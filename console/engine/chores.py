"""Long work outside of the worker's own process: started, heard, and ended with the step that wanted it.

A chore that is killed, with its worker or without it, loses nothing: what it has done is on record where it did it, and
the same order given again goes on from there. So no chore is awaited over a restart; what is left of one is ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from console.chores.lines import BEAT_SECONDS, Beat, Done, Failed, Order, Stopped, Told, read_line, write_order
from console.engine.processes import end_group, end_named, name_process
from providers.redaction import redact

SILENCE_SECONDS = 12 * BEAT_SECONDS
"""A chore that shows no life for so long hangs, and is ended."""

LONGEST_LINE = 8 * 1024**2
LAST_LINES = 12
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "PGSSLROOTCERT")
"""What a chore gets of the worker's environment; its secrets come with its order alone."""

Ended = Done | Failed | Stopped


class Chores(Protocol):
    """Has chores done."""

    def backups(self) -> Path:
        """Where backups are kept, unless the configuration says otherwise."""
        ...

    def folder(self, deployment: str) -> Path:
        """Where the chores of a deployment keep what they need to go on."""
        ...

    def saved(self, deployment: str) -> Path:
        """Where rows and files are kept that a rollback would otherwise lose. Nothing removes them."""
        ...

    def opening(self, provider: str) -> str:
        """What a chore needs to open a provider by itself, as JSON; a secret."""
        ...

    async def run(
        self, order: Order, started: Callable[[str], Awaitable[None]], told: Callable[[Told | Beat], Awaitable[None]]
    ) -> Ended:
        """Have one done. Cancelled, it ends the chore first.

        Args:
            started: Told the name by which the chore's process is known, before anything else is waited for.
            told: How it goes, in order.
        """
        ...

    def end_left(self, name: str) -> bool:
        """End what a process that died has left running; whether there was anything."""
        ...


class ChildProcesses:
    """Does each chore in a process of its own.

    Args:
        home: The state directory.
        options: Of a provider, by its name, with its secrets in place.
    """

    def __init__(self, home: Path, options: Callable[[str], Mapping[str, Any]] = lambda _: {}) -> None:
        self._home = home
        self._options = options

    def opening(self, provider: str) -> str:
        return json.dumps(dict(self._options(provider)), default=_plain)

    def backups(self) -> Path:
        return self._home / "backups"

    def folder(self, deployment: str) -> Path:
        return self._home / "transfers" / deployment

    def saved(self, deployment: str) -> Path:
        return self._home / "saved" / deployment

    def end_left(self, name: str) -> bool:
        return end_named(name)

    async def run(
        self, order: Order, started: Callable[[str], Awaitable[None]], told: Callable[[Told | Beat], Awaitable[None]]
    ) -> Ended:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "console.chores",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._home,
                env=_environment(),
                start_new_session=True,
                limit=LONGEST_LINE,
            )
        except OSError as problem:
            what = f"The process of {order.task} cannot be started: {problem.strerror}."
            return Failed(what, sys.executable, again=True)
        last: deque[str] = deque(maxlen=LAST_LINES)
        listening = asyncio.create_task(_listen(process, last))
        try:
            await started(name_process(process.pid))
            assert process.stdin is not None
            process.stdin.write(write_order(order))
            ended = await _hear(process, told)
        except (BrokenPipeError, ConnectionResetError):
            ended = None
        finally:
            await end_group(process)
            await listening
        if ended is not None:
            return ended
        words = redact(last[-1] if last else "it wrote nothing", list(order.secrets.values()))
        return Failed(f"The process of {order.task} ended in its middle: {words}", again=True)


async def _hear(process: asyncio.subprocess.Process, told: Callable[[Told | Beat], Awaitable[None]]) -> Ended | None:
    """How it ended; None for one that was cut off."""
    assert process.stdout is not None
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                text = await process.stdout.readline()
        except TimeoutError:
            return Failed(f"It showed no life for {SILENCE_SECONDS:g} s and was ended.", "", "", again=True)
        if not text:
            return None
        match read_line(text):
            case None:
                continue
            case Told() | Beat() as line:
                await told(line)
            case ended:
                return ended


async def _listen(process: asyncio.subprocess.Process, last: deque[str]) -> None:
    assert process.stderr is not None
    while text := await process.stderr.read(65536):
        last.extend(line for line in text.decode("utf-8", errors="replace").splitlines() if line.strip())


def _plain(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


def _environment() -> dict[str, str]:
    """Without the worker's own secrets, and with the same code as the worker's."""
    import console

    code = str(Path(console.__file__).resolve().parents[1]) if console.__file__ else ""
    path = os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH", ""))))
    return {**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, "PYTHONPATH": path}

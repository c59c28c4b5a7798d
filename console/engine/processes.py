"""Run a program of the operator's without a shell: limited in time, ended with all it started, its last words kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

LAST_LINES = 40
LONGEST_LINE = 2000
GRACE = 5.0
"""Seconds between asking a program to end and ending it."""
LINGER = 1.0
"""Seconds after a program's end in which what it wrote may still arrive; what it left behind may hold the pipe open."""


@dataclass(frozen=True)
class Ended:
    """How a program ended. `status` is None when its time was over, negative when a signal ended it."""

    status: int | None
    lines: tuple[str, ...]
    seconds: float


async def run_program(
    arguments: Sequence[str],
    *,
    directory: Path,
    variables: Mapping[str, str],
    limit: timedelta,
    started: Callable[[int], Awaitable[None]],
) -> Ended:
    """Run it to its end. Cancelled, it ends the program and everything in its process group first.

    Args:
        variables: The whole environment that it gets.
        started: Told the process id before anything else is waited for.

    Raises:
        OSError: It cannot be started.
    """
    loop = asyncio.get_running_loop()
    process = await asyncio.create_subprocess_exec(
        *arguments,
        cwd=directory,
        env=dict(variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    began = loop.time()
    lines: deque[str] = deque(maxlen=LAST_LINES)
    reading = asyncio.create_task(_read(process, lines))
    status: int | None = None
    try:
        await started(process.pid)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit.total_seconds()):
                status = await process.wait()
    finally:
        # Nothing of it outlives its step, also when it ended well and left something behind.
        await end_group(process)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await asyncio.shield(reading)
        reading.cancel()
    return Ended(status, tuple(lines), loop.time() - began)


async def _read(process: asyncio.subprocess.Process, lines: deque[str]) -> None:
    """Keep the last lines; ones that are too long are cut, and carriage returns count as ends of lines."""
    assert process.stdout is not None
    rest = b""
    while chunk := await process.stdout.read(65536):
        *whole, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        lines.extend(_text(line) for line in whole if line.strip())
        if len(rest) > LONGEST_LINE:
            lines.append(_text(rest))
            rest = b""
    if rest.strip():
        lines.append(_text(rest))


def _text(line: bytes) -> str:
    words = line[:LONGEST_LINE].decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() or letter == "\t" else "·" for letter in words)


async def end_group(process: asyncio.subprocess.Process) -> None:
    """Ask a program and all it started to end, and end it when it does not in time."""
    if not _signal_group(process.pid, signal.SIGTERM):
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(leader: int, number: signal.Signals) -> bool:
    """Whether there was anything left of it. The group's id is the leader's, since it began a session of its own."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def name_process(pid: int) -> str:
    """A name by which a process is known again, also by another worker on this host: nothing else ever has it."""
    return f"process {pid} begun {_begun_at(pid)} on {os.uname().nodename} boot {_boot()}"


def end_named(name: str) -> bool:
    """End what is left of a process and its group; whether the very process was still there."""
    words = name.split(" ")
    pid = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    if not pid or _begun_at(pid) == "?" or name_process(pid) != name:
        return False
    return _signal_group(pid, signal.SIGKILL)


def _begun_at(pid: int) -> str:
    """Clock ticks from boot to the process's start, from the 22nd field of its stat; `?` where there is no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "?"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "?"

"""Start processes that never outlive the playground, and name them so that a reused pid is not mistaken for one.

A child asks the kernel to be killed when its parent ends (PR_SET_PDEATHSIG), so that even `kill -9` of the
supervisor leaves no orphans. The kernel means the parent *thread*: start children from the main thread only.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Identity:
    """A process that cannot be confused with a later one: its pid and its start time in kernel ticks since boot."""

    pid: int
    started: int
    what: str


def die_with_parent(deadly_signal: int = signal.SIGKILL) -> Callable[[], None]:
    """Make a `preexec_fn` that ties the child's life to this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, deadly_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def spawn(
    arguments: Sequence[str],
    output: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    user: int | None = None,
    group: int | None = None,
    deadly_signal: int = signal.SIGKILL,
    stdin: int = subprocess.DEVNULL,
    inherited: Sequence[int] = (),
    errors: IO[bytes] | int = subprocess.STDOUT,
) -> "subprocess.Popen[bytes]":
    """Start a child that dies with this process; errors go where the output goes unless they have a place of their own.

    `inherited` are file descriptors that the child keeps under the same numbers.
    """
    as_other: dict[str, Any] = {} if user is None else {"user": user, "group": group, "extra_groups": []}
    return subprocess.Popen(
        list(arguments),
        stdin=stdin,
        stdout=output,
        stderr=errors,
        env=None if environment is None else dict(environment),
        cwd=directory,
        preexec_fn=die_with_parent(deadly_signal),
        pass_fds=tuple(inherited),
        **as_other,
    )


async def end(process: "subprocess.Popen[bytes]", grace_s: float, polite_signal: int = signal.SIGTERM) -> None:
    """End a child: ask, wait up to `grace_s` seconds, then kill. Harmless when it has already ended."""
    if process.poll() is None:
        process.send_signal(polite_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, grace_s)
    if process.poll() is None:
        process.kill()
        process.wait()


def free_port() -> int:
    """Find a loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def identify(pid: int, what: str) -> Identity | None:
    """Identify a running process, or None when there is none."""
    fields = _stat(pid)
    return None if fields is None else Identity(pid, int(fields[19]), what)


def is_running(identity: Identity) -> bool:
    """Tell whether exactly this process still runs; a zombie does not."""
    fields = _stat(identity.pid)
    return fields is not None and int(fields[19]) == identity.started and fields[0] not in ("Z", "X")


def kill(identity: Identity, sig: int = signal.SIGKILL) -> None:
    """Send a signal to exactly this process; nothing happens when it is gone."""
    if is_running(identity):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(identity.pid, sig)


def cpu_seconds(pid: int) -> float:
    """Give the CPU time a process has used, user and system, in seconds; 0 when it is gone."""
    fields = _stat(pid)
    return 0.0 if fields is None else (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def memory_bytes(pid: int) -> int:
    """Give a process's resident memory in bytes; 0 when it is gone."""
    fields = _stat(pid)
    return 0 if fields is None else int(fields[21]) * _PAGE_BYTES


def _stat(pid: int) -> list[str] | None:
    # Fields of /proc/PID/stat from the state on, after the command's name, which may contain spaces.
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()

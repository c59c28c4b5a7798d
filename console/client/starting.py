"""Start a worker for a state directory, detached from this terminal; of several clients exactly one does."""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.client.places import Places
from console.client.service import WorkerUnavailable
from console.client.wire import error_from_json
from console.domain.errors import ConsoleError, ExitCode, Refused, StoreError

START_SECONDS = 30.0
SHOWN_LINES = 12


class WorkerRunning(Refused):
    """Another worker holds the state directory."""


def answers(path: Path) -> bool:
    """Whether somebody listens on a socket.

    Raises:
        Refused: Somebody does, but does not let us in.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(os.fspath(path))
        except PermissionError as problem:
            raise _not_ours(path) from problem
        except OSError:
            return False
    return True


def check_owner(places: Places, path: Path) -> None:
    """Refuse a socket that neither the state directory's owner nor root made: what we send there is obeyed or read.

    Raises:
        Refused: Says whose it is.
    """
    try:
        owner, home_owner = path.stat().st_uid, places.home.stat().st_uid
    except PermissionError as problem:
        raise _not_ours(path) from problem
    except OSError:
        return
    if owner not in (home_owner, os.geteuid(), 0):
        raise Refused(
            f"The socket belongs to another user (uid {owner}) than its state directory (uid {home_owner}).",
            str(path),
            "Nothing was sent. Remove the socket if it is not wanted, or name another state directory with --home.",
        )


def _not_ours(path: Path) -> Refused:
    return Refused(
        "The worker of this state directory belongs to another user and does not let you in.",
        str(path),
        "Ask its administrator to set [server] socket_group to a group of yours, or use another --home.",
    )


def ensure_worker(places: Places, config: Path | None = None) -> None:
    """Return once a worker answers, starting one if none does.

    Raises:
        ConsoleError: The worker's own error, in its own words, when it cannot start.
        WorkerUnavailable: It died without a word, or was not ready in time; shows the end of its log.
        Refused: The socket is another user's.
    """
    with _starting(places):
        path = places.find_socket()
        check_owner(places, path)
        deadline = time.monotonic() + START_SECONDS
        while not answers(places.find_socket()):
            try:
                _start(places, config)
            except WorkerRunning:
                # One that somebody else is starting, or that is just ending: wait until it answers or has gone.
                if not _is_settled(places, deadline):
                    raise


@contextmanager
def _starting(places: Places) -> Iterator[None]:
    """Let one client at a time look and start; the others wait for it and then find its worker."""
    try:
        places.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(places.starting, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as problem:
        owner = _owner_of(places.home)
        if owner is None:
            raise StoreError(
                "The state directory cannot be made here: no permission.", str(places.home), "Name another with --home."
            ) from problem
        if owner == os.geteuid():
            raise StoreError(
                "The state directory cannot be written.", str(places.home), "Check its mode, or use --home."
            ) from problem
        yield  # a member of the socket's group: may connect, and cannot start anything here
        return
    except FileExistsError as problem:
        raise StoreError(
            "The state directory is no directory.", str(places.home), "Move the file away, or use --home."
        ) from problem
    except OSError as problem:
        raise StoreError(
            f"The state directory cannot be used: {problem.strerror}.",
            str(places.home),
            "Check that it is on a writable disk with free space, or name another with --home.",
        ) from problem
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _owner_of(path: Path) -> int | None:
    """The owner's user id; None where nothing is, or nothing that we may see."""
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _start(places: Places, config: Path | None) -> None:
    if places.home.stat().st_uid != os.geteuid():
        raise WorkerUnavailable(
            "No worker answers, and this state directory is another user's.",
            str(places.home),
            "Ask its owner to start one (`quarterdeck worker start`), or name another directory with --home.",
        )
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "console.server", "--home", str(places.home), "--ready", str(writing)]
    command += ["--config", str(config.absolute())] if config else []
    began = _size(places.log)
    try:
        with open(os.open(places.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(writing,),
                cwd="/",
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_import_path())},
            )
    finally:
        os.close(writing)
    try:
        word = _read_word(reading, time.monotonic() + START_SECONDS)
    finally:
        os.close(reading)
    if word is None:
        raise _silent(places, process, began)
    if "error" in word:
        process.wait(5)
        raise error_from_json(word["error"])


def _is_settled(places: Places, deadline: float) -> bool:
    """Wait until the holder of the worker's lock answers, or nobody holds it; False when neither came in time."""
    while time.monotonic() < deadline:
        if answers(places.find_socket()) or not is_held(places.lock):
            return True
        time.sleep(0.05)
    return False


def is_held(lock: Path) -> bool:
    """Whether a living process holds a worker's lock; asked without taking it."""
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _import_path() -> list[str]:
    """The worker starts in `/`; give it this process's places for modules, made absolute."""
    return [os.path.abspath(entry) for entry in sys.path if not entry.endswith(".zip")]


def _read_word(reading: int, deadline: float) -> dict[str, object] | None:
    """Read the one line that a starting worker writes: `{}` when ready, or its error. None for no line."""
    data = b""
    while not data.endswith(b"\n"):
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not select.select([reading], [], [], remaining)[0]:
            return None
        piece = os.read(reading, 65536)
        if not piece:
            return None
        data += piece
    word: dict[str, object] = json.loads(data)
    return word


def _silent(places: Places, process: subprocess.Popen[bytes], began: int) -> ConsoleError:
    code = process.poll()
    if code is None:
        try:
            code = process.wait(0.5)
        except subprocess.TimeoutExpired:
            code = None
    what = (
        f"The worker is not ready after {START_SECONDS:.0f} s; it is still running (process {process.pid})."
        if code is None
        else f"The worker ended with {code} before it was ready."
    )
    error = WorkerUnavailable(what, tail(places.log, began), f"{places.log} has the whole story.")
    if code in set(ExitCode) and code:
        error.exit_code = ExitCode(code)
    return error


def tail(log: Path, begin: int = 0) -> str:
    """The last lines of a log, as far as they were written after `begin` bytes."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(begin if begin <= size else 0, size - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

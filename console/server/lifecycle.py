"""The worker as a process: one a state directory, its socket, its log, and its word to whoever started it."""

from __future__ import annotations

import contextlib
import fcntl
import grp
import json
import logging
import logging.handlers
import os
import socket
import stat
import sys
import tempfile
import time
from pathlib import Path

from console.client.places import LONGEST_SOCKET_PATH, Places
from console.client.starting import WorkerRunning, answers
from console.client.wire import error_to_json
from console.domain.errors import ConfigError, ConfigProblem, ConsoleError, StoreError

LOG_BYTES = 5 * 1024 * 1024
LOG_FILES = 3
BACKLOG = 128
LOOKERS_SECONDS = 0.3


def prepare_home(places: Places) -> None:
    """Make the state directory, for its owner alone.

    Raises:
        StoreError: It cannot be made, is no directory, or belongs to another user.
    """
    try:
        places.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = places.home.stat()
    except OSError as problem:
        raise StoreError(
            f"The state directory cannot be used: {problem.strerror}.",
            str(places.home),
            "Name another with --home, or correct this one.",
        ) from problem
    if status.st_uid != os.geteuid():
        raise StoreError(
            f"The state directory belongs to another user (uid {status.st_uid}).",
            str(places.home),
            "Run the worker as that user, or name another directory with --home.",
        )


class HomeLock:
    """Held from start to end; the kernel lets it go when the process dies, however it dies."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._handle: int | None = None

    def take(self) -> None:
        """Take it and write our process id into it.

        Raises:
            WorkerRunning: Another worker holds it; names its process.
        """
        try:
            handle = os.open(self._places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StoreError(
                f"The worker's lock cannot be opened: {problem.strerror}.", str(self._places.lock), "Check its owner."
            ) from problem
        try:
            _flock(handle)
        except BlockingIOError as problem:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise WorkerRunning(
                f"A worker is running here already (process {holder}).",
                str(self._places.home),
                "`quarterdeck worker status` shows it; `quarterdeck worker stop` ends it.",
            ) from problem
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle

    def release(self) -> None:
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def _flock(handle: int) -> None:
    """Take the lock; clients that only look whether it is held hold it for an instant themselves."""
    deadline = time.monotonic() + LOOKERS_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def open_listener(places: Places, group: str = "") -> tuple[socket.socket, Path]:
    """Bind the socket where clients look for it; only the holder of the home's lock may call this.

    Mode 0600, or 0660 for a group. What a dead worker left in the way is removed.

    Raises:
        StoreError: The path is taken by something that is not ours to remove.
        ConfigError: The group does not exist, or we are not in it.
    """
    path = _choose_path(places)
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as problem:
        listener.close()
        raise StoreError(
            f"The socket cannot be made: {problem.strerror}.", str(path), "Check the directory."
        ) from problem
    finally:
        os.umask(before)
    if group:
        try:
            _open_to_group(places, path, group)
        except BaseException:
            listener.close()
            path.unlink(missing_ok=True)
            raise
    else:
        places.home.chmod(0o700)
    return listener, path


def _choose_path(places: Places) -> Path:
    path = places.own_socket
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        places.pointer.unlink(missing_ok=True)
        return path
    # The pointer outlives workers, so that the same short directory serves the next one too.
    known = places.find_socket()
    if known != path and known.parent.is_dir() and known.parent.stat().st_uid == os.geteuid():
        return known
    directory = Path(tempfile.mkdtemp(prefix="quarterdeck-", dir=_short_root()))
    path = directory / "worker.sock"
    draft = places.pointer.with_suffix(".draft")
    draft.write_text(f"{path}\n", encoding="utf-8")
    draft.replace(places.pointer)
    return path


def _short_root() -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return runtime if runtime and len(runtime) < 60 and os.path.isdir(runtime) else "/tmp"  # noqa: S108 - mkdtemp is private


def _clear(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise StoreError("Something that is no socket stands in the socket's place.", str(path), "Move it away.")
    if status.st_uid != os.geteuid():
        raise StoreError(
            f"The socket of another user (uid {status.st_uid}) stands here.", str(path), "Remove it, or use --home."
        )
    if answers(path):
        raise StoreError(
            "Another process listens on the socket without holding the worker's lock.",
            str(path),
            "End it (`fuser` on the socket names it), then try again.",
        )
    path.unlink()


def _open_to_group(places: Places, path: Path, group: str) -> None:
    try:
        gid = grp.getgrnam(group).gr_gid
        for target, mode in ((path, 0o660), (places.home, 0o710), (path.parent, 0o710)):
            os.chown(target, -1, gid)
            target.chmod(mode)
        if places.pointer.exists():
            os.chown(places.pointer, -1, gid)
            places.pointer.chmod(0o640)
    except KeyError as problem:
        raise _bad_group(f"There is no group {group!r} on this host.", "Create it, or name another.") from problem
    except PermissionError as problem:
        raise _bad_group(f"This user may not give files to the group {group!r}.", "Join the group first.") from problem


def _bad_group(what: str, remedy: str) -> ConfigError:
    return ConfigError([ConfigProblem("config.toml", 0, "server.socket_group", what, remedy)])


class _RotatingLog(logging.handlers.RotatingFileHandler):
    """Takes standard error along when it turns the file over, so that a crash is written where people look."""

    def __init__(self, path: Path, takes_stderr: bool) -> None:
        self._takes_stderr = takes_stderr
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")

    def _open(self):  # type: ignore[no-untyped-def]  # the stream's type is logging's own business
        before = os.umask(0o177)
        try:
            stream = super()._open()
        finally:
            os.umask(before)
        if self._takes_stderr:
            os.dup2(stream.fileno(), 2)
            os.dup2(stream.fileno(), 1)
        return stream


def set_up_log(places: Places, *, detached: bool) -> None:
    """Write what the worker says to `worker.log`; to the terminal too when it runs in one."""
    handlers: list[logging.Handler] = [_RotatingLog(places.log, takes_stderr=detached)]
    if not detached:
        handlers.append(logging.StreamHandler(sys.stderr))
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in handlers:
        handler.setFormatter(form)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for noisy in ("httpx", "httpcore", "dbos"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Starter:
    """Whoever waits for this worker to be ready: a client at the other end of a pipe, systemd, or nobody."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe
        if pipe is not None:
            os.set_inheritable(pipe, False)

    def tell_ready(self) -> None:
        self._say({"ready": True})
        notify_systemd("READY=1")

    def tell_error(self, error: ConsoleError) -> None:
        self._say({"error": error_to_json(error)})

    def _say(self, word: object) -> None:
        if self._pipe is None:
            return
        with contextlib.suppress(OSError):  # a client that did not wait
            os.write(self._pipe, json.dumps(word).encode() + b"\n")
        with contextlib.suppress(OSError):
            os.close(self._pipe)
        self._pipe = None


def notify_systemd(state: str) -> None:
    """Tell systemd, where it started us with `Type=notify`; see sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.send(state.encode())

"""Serve ASGI apps inside the supervisor's event loop, each on a socket of its own."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

_STOP_WITHIN_S = 1.0


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals: the supervisor has its own handlers."""
        yield


class Served:
    """One app behind one socket."""

    def __init__(self, app: Any, held: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=1,
            backlog=256,
        )
        self._server = _Quiet(config)
        self._socket = held
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The TCP port of a socket that has one."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to serve; connections wait in the socket's queue until then."""
        self._task = asyncio.get_running_loop().create_task(self._server.serve(sockets=[self._socket]))

    async def stop(self) -> None:
        """Stop serving, cutting what has not ended within a second."""
        self._server.should_exit = True
        self._server.force_exit = True
        if self._task is not None:
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._task, _STOP_WITHIN_S)
        self._socket.close()


def bind_loopback() -> socket.socket:
    """Bind a free loopback port and listen."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    held.listen(256)
    return held


def bind_unix(path: str) -> socket.socket:
    """Bind a unix socket for the owner alone, replacing a dead one, and listen."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    held = socket.socket(socket.AF_UNIX)
    held.bind(path)
    os.chmod(path, 0o600)
    held.listen(64)
    return held

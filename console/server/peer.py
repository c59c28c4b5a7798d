"""The HTTP server on the unix socket. Each connection carries the user id that the kernel gives for its other end."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: `struct ucred` of unix(7)
GOODBYE_SECONDS = 3


def peer_uid(peer: socket.socket) -> int:
    """Ask the kernel who opened the other end of a unix socket."""
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(raw)[1])


class PeerProtocol(H11Protocol):
    """Puts `peer_uid` and `abort` (cut the connection at once) into the state of each request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast(asyncio.Transport, transport)
        uid = peer_uid(connection.get_extra_info("socket"))
        self.app_state = {**self.app_state, "peer_uid": uid, "abort": connection.abort}
        super().connection_made(connection)


class PeerServer(uvicorn.Server):
    """uvicorn without its signal handlers, which are the worker's business, and without its ten ticks a second.

    The ticks only serve the `Date` header and a request limit, and would be most of an idle worker's wake-ups.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PeerProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                date_header=False,
                server_header=False,
                timeout_graceful_shutdown=GOODBYE_SECONDS,
            )
        )

    async def listen(self, listener: socket.socket) -> None:
        """Accept connections from now on."""
        if not self.config.loaded:
            self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets=[listener])

    async def close(self) -> None:
        """Accept nothing more, let open requests end for a moment, then cut them off."""
        await self.shutdown()

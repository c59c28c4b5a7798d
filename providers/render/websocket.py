"""WebSockets over the network. Loaded when somebody follows a log, and not before."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Mapping
from functools import cache

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from providers.render.subscription import NoSocket

OPEN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 1.0
PING_EVERY_S = 45.0
"""Proxies let go of a connection that was silent for 60 to 100 s; a dead one shows after two of these at most."""
BODY_SHOWN = 2_000

log = logging.getLogger(__name__)
log.setLevel(logging.WARNING)  # below that the library writes whole handshakes, and so the token


class Straight(connect):
    """Follows no redirection: not every version of the library takes the token away on the way to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class NetworkSocket:
    """One open WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.headers = _plain(connection.response.headers.raw_items()) if connection.response else {}

    async def receive(self) -> str | None:
        try:
            frame = await self._connection.recv()
        except ConnectionClosed:
            return None
        return frame if isinstance(frame, str) else frame.decode(errors="replace")

    async def close(self) -> None:
        await self._connection.close()


async def open_websocket(address: str, headers: Mapping[str, str]) -> NetworkSocket:
    """Open one, through the proxy that the environment names if it names one.

    Without compression: a window for each of many silent sockets costs more memory than lines cost to send.

    Raises:
        NoSocket: Nobody answers, or the answer is no WebSocket.
    """
    try:
        return NetworkSocket(
            await Straight(
                address,
                additional_headers=dict(headers),
                user_agent_header="quarterdeck",
                compression=None,
                open_timeout=OPEN_WITHIN_S,
                close_timeout=CLOSE_WITHIN_S,
                ping_interval=PING_EVERY_S,
                ping_timeout=PING_EVERY_S,
                logger=log,
                ssl=_trust() if address.startswith("wss:") else None,
            )
        )
    except InvalidStatus as error:
        answer = error.response
        body = bytes(answer.body or b"")[:BODY_SHOWN].decode(errors="replace")
        raise NoSocket(str(error), answer.status_code, _plain(answer.headers.raw_items()), body) from error
    except (WebSocketException, OSError, ImportError, ValueError) as error:
        # ImportError: the environment names a SOCKS proxy, for which the library wants another one.
        raise NoSocket(str(error) or type(error).__name__) from error


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that every other call trusts; reading them takes longer than a handshake."""
    return httpx.create_ssl_context()


def _plain(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}

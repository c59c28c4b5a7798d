"""The platforms' own load balancer: one Caddy that leads each public name to its processes.

Every public name has a port for as long as the playground lives. The ports' sockets are bound before Caddy starts and
inherited by it, because Caddy reopens its own TCP listeners with each change and so loses what waits in their
queues. Answers say `Connection: close`: a change ends idle connections, and a client must not find its own among
them. What may still be lost (a connection accepted but not yet read when the change comes) the edge sends again.
"""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from console.playground.caddy import Caddy, Json, build_config, build_proxy, build_server
from console.playground.processes import free_port

PREPARED_PORTS = 96
_BACKLOG = 1024
_CLOSE: Json = {"handler": "headers", "response": {"deferred": True, "set": {"Connection": ["close"]}}}
_NOBODY: Json = {
    "handler": "static_response",
    "status_code": 503,
    "headers": {"Content-Type": ["application/json"]},
    "body": '{"error":"no instance is running"}',
}


class Ingress:
    """The load balancer. Ports are given out by `port_of`, also before `start`."""

    def __init__(self, sockets: Path, logs: Path, prepared_ports: int = PREPARED_PORTS) -> None:
        self._caddy = Caddy("ingress", sockets, logs)
        self._free = [_bind() for _ in range(prepared_ports)]
        self._held: dict[str, socket.socket | int] = {}
        self._targets: dict[str, tuple[int, ...]] = {}
        self._changing = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._caddy.pid

    def port_of(self, public_name: str) -> int:
        """Give the port of a public name, the same each time."""
        held = self._held.get(public_name)
        if held is None:
            held = self._free.pop(0) if self._free else free_port()
            self._held[public_name] = held
        return held if isinstance(held, int) else int(held.getsockname()[1])

    async def start(self) -> None:
        """Start Caddy with the names known so far, each answering 503.

        Raises:
            ConsoleError: It did not start.
        """
        inherited = [*self._free, *(held for held in self._held.values() if not isinstance(held, int))]
        await self._caddy.start(
            build_config(self._caddy.admin_socket, self._servers()), [one.fileno() for one in inherited]
        )

    async def lead(self, public_name: str, ports: Sequence[int]) -> None:
        """Lead a public name to these local ports from now on; none of them answers 503.

        Raises:
            ConsoleError: Caddy refused.
        """
        self.port_of(public_name)
        async with self._changing:
            self._targets[public_name] = tuple(ports)
            await self._caddy.change("POST", "/config/apps/http/servers", self._servers())

    async def stop(self) -> None:
        """End Caddy and give up the ports."""
        await self._caddy.stop()
        for held in (*self._free, *self._held.values()):
            if not isinstance(held, int):
                held.close()

    def _servers(self) -> Json:
        return {name: self._server(name) for name in self._held}

    def _server(self, name: str) -> Json:
        held = self._held[name]
        if isinstance(held, int):
            listen = f"127.0.0.1:{held}"
        else:
            # Until a name is served its socket only holds the port: connections are refused, not kept waiting.
            held.listen(_BACKLOG)
            listen = f"fd/{held.fileno()}"
        ports = self._targets.get(name, ())
        target = _NOBODY
        if ports:
            target = build_proxy([f"127.0.0.1:{port}" for port in ports])
            target["load_balancing"] = {"try_duration": "1s", "try_interval": "50ms"}
        return build_server(listen, [{"handle": [_CLOSE, target]}])


def _bind() -> socket.socket:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held

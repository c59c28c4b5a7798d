"""Servers of HAProxy by hand: what each is doing, and taking one out of the balance or back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from providers.ensuring import Setting

if TYPE_CHECKING:
    from providers.contract import Nothing
    from providers.haproxy.client import HAProxyClient
    from providers.haproxy.wire import Backend, Figures, Process, Server


@dataclass(frozen=True)
class Servers:
    backend: Annotated[str, "name of one backend; all of them when left out"] = ""


@dataclass(frozen=True)
class OneServer:
    backend: Annotated[str, "name of the backend"]
    server: Annotated[str, "name of the server"]


@dataclass(frozen=True)
class ServerReport:
    """One server. `percent` is its share of new requests in its backend now; counts are since HAProxy began.

    `balance` is how its backend divides, `sticky` the cookie that keeps a visitor at a server, where there is one.

    `status` is HAProxy's own word (UP, DOWN, DRAIN, MAINT, no check), `state` what it was told to be. Rising
    `retried` and `sent_elsewhere` mean that HAProxy hides a sick server.
    """

    backend: str
    server: str
    status: str
    state: str
    weight: int
    weight_of_file: int
    percent: float
    sessions: int
    queued: int
    requests: int
    errors: int
    retried: int
    sent_elsewhere: int
    mean_ms: int
    check: str
    balance: str
    sticky: str


class ServerReader:
    def __init__(self, client: HAProxyClient) -> None:
        self._client = client

    async def fetch_servers(self, request: Servers) -> Sequence[ServerReport]:
        """By backend, in the order of the configuration."""
        names = [request.backend] if request.backend else await self._client.fetch_backends()
        return [server for name in names for server in await self._fetch_backend(name)]

    async def fetch_process(self, request: Nothing) -> Process:
        return (await self._client.fetch_process())[0]

    async def _fetch_backend(self, backend: str) -> Sequence[ServerReport]:
        seen = await self._client.fetch_servers(backend)
        counted = await self._client.fetch_figures(backend)
        figures = {server.name: server for server in counted.servers}
        total = sum(server.share for server in seen.servers)
        return [
            _report(backend, counted.backend, server, figures[server.name], total)
            for server in seen.servers
            if server.name in figures
        ]


def _report(backend: str, about: Backend, server: Server, figures: Figures, total: int) -> ServerReport:
    return ServerReport(
        backend=backend,
        server=server.name,
        status=figures.status,
        state=server.state,
        weight=server.weight,
        weight_of_file=server.initial,
        percent=round(100 * server.share / total, 1) if total else 0.0,
        sessions=figures.sessions,
        queued=figures.queued,
        requests=figures.requests,
        errors=figures.errors,
        retried=figures.retried,
        sent_elsewhere=figures.sent_elsewhere,
        mean_ms=round(1000 * figures.mean_s),
        check=figures.check,
        balance=about.algorithm,
        sticky=about.cookie,
    )


def make_drain(client: HAProxyClient) -> Setting[OneServer]:
    """No new requests but those of visitors that stick to it; ended once none is under way."""

    async def holds(request: OneServer) -> bool | None:
        server = await _find(client, request)
        if server is None or server.state != "drain":
            return None if server is None else False
        counted = await client.fetch_figures(request.backend)
        return all(one.sessions == 0 for one in counted.servers if one.name == request.server)

    return Setting(OneServer, holds=holds, write=_writer(client, "drain"), say=lambda _: "drained")


def make_state(client: HAProxyClient, state: str, words: str) -> Setting[OneServer]:
    async def holds(request: OneServer) -> bool | None:
        server = await _find(client, request)
        return None if server is None else server.state == state

    return Setting(OneServer, holds=holds, write=_writer(client, state), say=lambda _: words)


def _writer(client: HAProxyClient, state: str) -> Callable[[OneServer], Awaitable[None]]:
    async def write(request: OneServer) -> None:
        await client.set_servers(request.backend, [(request.server, f"state {state}")])

    return write


async def _find(client: HAProxyClient, request: OneServer) -> Server | None:
    seen = await client.find_servers(request.backend)
    return next((server for server in seen.servers if server.name == request.server), None) if seen else None

"""Weights of a backend: read, moved in one line, read back; and what each arm was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.domain.errors import ProviderError, UnexpectedReply
from providers.contract import ArmCounters
from providers.haproxy.arms import divide, find_arms, read_percent
from providers.haproxy.wire import Figures, build_buckets, estimate_sum
from providers.shifting import NOT_ALONE, Shown
from providers.wire import ShapeError

if TYPE_CHECKING:
    from console.domain.traffic import Weights
    from providers.haproxy.client import Counted, HAProxyClient, Seen
    from providers.haproxy.settings import HAProxySettings, RouteSettings

RECENTLY_S = 3600


class Routes:
    """Translates between arms and servers. A route not configured has the defaults."""

    def __init__(self, client: HAProxyClient, settings: HAProxySettings) -> None:
        self._client = client
        self._settings = settings

    def find(self, route: str) -> RouteSettings:
        return self._settings.route(route)

    def is_configured(self, route: str) -> bool:
        return route in self._settings.routes

    def table_of(self, route: str) -> str:
        return self._settings.latency_table.replace("{route}", route)

    @property
    def bounds_ms(self) -> Sequence[int]:
        return self._settings.latency_bounds_ms

    def arms(self, route: str, servers: Sequence[str]) -> dict[str, list[str]]:
        """Raises Rejected where the backend's servers do not fit the arms."""
        settings = self.find(route)
        try:
            return find_arms(servers, settings.arms, settings.metrics)
        except ValueError as problem:
            raise self._client.refuse(
                f"HAProxy's backend {route} {problem}.",
                f"backend {route}",
                'Name its servers after the arms, or set metrics = "…{arm}…" where the service\'s traffic is written.',
            ) from problem

    def read(self, route: str, seen: Seen) -> dict[str, int]:
        return read_percent(seen.servers, self.arms(route, [server.name for server in seen.servers]))

    def changes(self, route: str, seen: Seen, wanted: Mapping[str, int]) -> list[tuple[str, str]]:
        """What to set, raised weights first, so that traffic never has nowhere to go.

        Raises:
            Rejected: An arm is unknown, or the servers do not fit the arms.
        """
        arms = self.arms(route, [server.name for server in seen.servers])
        unknown = sorted(set(wanted) - set(arms))
        if unknown:
            words = f"HAProxy's backend {route} knows no arm {', '.join(unknown)}; it has {', '.join(arms)}."
            raise self._client.refuse(words, f"backend {route}", "Name arms of this route.")
        found = {server.name: server for server in seen.servers}
        ready = {arm: [name for name in names if found[name].state == "ready"] for arm, names in arms.items()}
        asleep = [name for arm, names in arms.items() if wanted.get(arm) and not ready[arm] for name in names]
        out = dict.fromkeys((name for names in arms.values() for name in names), 0)
        written = out | divide(wanted, {arm: ready[arm] or names for arm, names in arms.items()})
        ordered = sorted(written, key=lambda name: found[name].weight - written[name])
        weights = [(name, f"weight {written[name]}") for name in ordered if written[name] != found[name].weight]
        woken = [(name, "state ready") for name in asleep]
        raised = [one for one in weights if written[one[0]] > found[one[0]].weight]
        return [*raised, *woken, *(one for one in weights if one not in raised)]


class EdgeRouter:
    """`Router`, `CounterSource` and `UnderwaySource`."""

    def __init__(self, client: HAProxyClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes
        self._spent: dict[tuple[str, str], tuple[int, float]] = {}

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        return self._routes.read(route, await self._client.fetch_servers(route))

    async def fetch_run(self, route: str) -> str:
        """The worker process, of which a reload begins a new one."""
        process, _ = await self._client.fetch_process()
        return f"{process.pid}/{process.began_s}"

    async def fetch_sticky(self, route: str) -> str:
        cookie = (await self._client.fetch_figures(route)).backend.cookie
        return f"the cookie {cookie}" if cookie else ""

    async def fetch_underway(self, route: str) -> Mapping[str, int]:
        """Sessions of this process; those of one that a reload let finish are counted by nobody."""
        counted = await self._client.fetch_figures(route)
        sessions = {server.name: server.sessions + server.queued for server in counted.servers}
        arms = self._routes.arms(route, list(sessions))
        return {arm: sum(sessions[name] for name in names) for arm, names in arms.items()}

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]:
        """By arm, also one without requests. For a route not configured: every server by its name.

        Latencies come from the latency table. Without one there are no buckets, and the sum is HAProxy's own mean of
        the last requests, taken for every request that was answered since the last look.
        """
        counted = await self._client.fetch_figures(route, self._routes.table_of(route))
        names = [server.name for server in counted.servers]
        arms = (
            self._routes.arms(route, names) if self._routes.is_configured(route) else {name: [name] for name in names}
        )
        return {arm: self._sum(route, servers, counted) for arm, servers in arms.items()}

    def _sum(self, route: str, servers: Sequence[str], counted: Counted) -> ArmCounters:
        found = [server for server in counted.servers if server.name in servers]
        requests = sum(server.requests for server in found)
        errors = sum(server.errors for server in found)
        if counted.table is None:
            return ArmCounters(requests, errors, sum(self._spend(route, server) for server in found))
        try:
            each = [build_buckets(counted.table.get(name, ()), self._routes.bounds_ms) for name in servers]
        except ShapeError as problem:
            raise UnexpectedReply(
                self._client.http.provider,
                f"HAProxy's backend {route} cannot be read: {problem}.",
                f"show table {self._routes.table_of(route)}",
                "Make latency_bounds_ms and the rules of the backend agree; docs/haproxy.md has both.",
            ) from problem
        buckets = {bound: sum(one[bound] for one in each) for bound in each[0]}
        return ArmCounters(requests, errors, estimate_sum(buckets), buckets)

    def _spend(self, route: str, server: Figures) -> float:
        answered, seconds = self._spent.get((route, server.name), (server.answered, server.answered * server.mean_s))
        fresh = server.answered - answered
        seconds = seconds + fresh * server.mean_s if fresh >= 0 else server.answered * server.mean_s
        self._spent[route, server.name] = (server.answered, seconds)
        return seconds


class EdgeMover:
    """`Mover`. A reload brings back the weights of HAProxy's file: where that is why they differ, it is said.

    An arm that is given traffic while all its servers are drained or in maintenance is made ready. A single server that
    somebody took out of an arm stays out, without weight, and the others share what the arm gets.
    """

    def __init__(self, client: HAProxyClient, routes: Routes, state_file: str = "") -> None:
        self._client = client
        self._routes = routes
        self._state_file = state_file

    async def move(self, route: str, wanted: Weights) -> Shown:
        seen = await self._client.fetch_servers(route)
        changes = self._routes.changes(route, seen, wanted)
        if changes:
            await self._client.set_servers(route, changes)
            seen = await self._client.fetch_servers(route)
        return self._show(route, seen, await self._keep_state())

    async def look(self, route: str) -> Shown | None:
        seen = await self._client.find_servers(route)
        return None if seen is None else self._show(route, seen)

    def _show(self, route: str, seen: Seen, remark: str = "") -> Shown:
        why = NOT_ALONE
        if seen.is_as_configured and seen.process.uptime_s < RECENTLY_S:
            why = (
                f"HAProxy was started or reloaded {seen.process.uptime_s} s ago and took them from its file; "
                "`load-server-state-from-file global` keeps them"
            )
        return Shown(self._routes.read(route, seen), remark, why)

    async def _keep_state(self) -> str:
        """Write the state file, so that a reload keeps the weights. A failure is only told: traffic has moved."""
        if not self._state_file:
            return ""
        try:
            await asyncio.to_thread(_write, Path(self._state_file), await self._client.fetch_state())
        except (OSError, ProviderError) as problem:
            words = problem.what if isinstance(problem, ProviderError) else problem.strerror
            return f" (state file not written: {words})"
        return ""


def _write(path: Path, state: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(state)
    fresh.replace(path)

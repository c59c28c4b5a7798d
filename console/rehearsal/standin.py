"""A connection that reads the real platform once, and from then on only pretends: every change happens here alone.

Of the real connection nothing is called but `fetch_…` of its reading roles, each question once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from console.rehearsal.clock import JumpingClock
from console.rehearsal.traffic import RehearsedTraffic
from console.rehearsal.troubles import Troubles
from console.watch.feeds.queries import moments
from providers.contract import (
    ArmCounters,
    Capabilities,
    Connection,
    Operation,
    OperationKey,
    OperationStatus,
    Page,
    ProbeRequest,
    ProbeResult,
    Sample,
    Target,
    Unsupported,
    UserReport,
)
from providers.contract.desk import Desk

READ = ("account", "releases", "tags", "checks", "names")
"""Roles whose real answers a rehearsal shows as they are."""

PRETENDED = ("inventory", "migrations", "router", "counters", "variables", "pages", "probes", "queries", "reports")
"""Roles that begin as the real ones and follow what the rehearsal changes."""

ACTING = (
    "deploy",
    "promote",
    "roll_back",
    "suspend",
    "resume",
    "restart",
    "scale",
    "auto_deploy",
    "migrate",
    "migrate_down",
    "shift_traffic",
    "maintain",
    "announce",
    "set_variables",
)
NO_STAND_IN = Unsupported("A rehearsal has no stand-in for it.")

Length = Callable[[str, str], float]
"""How many seconds an act of this kind at this place takes."""


@dataclass
class Stage:
    """What all stand-ins of one rehearsal share. `armed` says that troubles strike: they do once the plan is made."""

    clock: JumpingClock
    troubles: Troubles
    length: Length
    places: dict[str, Target] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    traffic: RehearsedTraffic | None = None
    armed: bool = False
    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    called_at: dict[str, list[datetime]] = field(default_factory=dict)

    async def call(self, provider: str, what: str) -> None:
        """Count one call, and let it meet its trouble. Raises what the trouble is."""
        self.clock.touch()
        counts = self.calls.setdefault(provider, {})
        counts[what] = counts.get(what, 0) + 1
        self.called_at.setdefault(provider, []).append(self.clock.now())
        await asyncio.sleep(0)
        if self.armed and what != "probe":  # faults are the platforms', and the product is none
            seconds, error = self.troubles.before(provider)
            if seconds:
                await self.clock.sleep(seconds)
            if error is not None:
                raise error


class StandIn:
    """Obeys `Connection` in the place of a real one."""

    def __init__(self, name: str, real: Connection, stage: Stage) -> None:
        """`name` is the one in the configuration."""
        self.name = name
        self.kind = real.kind
        self.desk = Desk()
        self.stage = stage
        self.applied: dict[str, list[str]] = {}
        self.weights: dict[str, dict[str, int]] = {}
        self.variables: dict[tuple[str, str], dict[str, str | None]] = {}
        self.pages: dict[str, Page] = {}
        self.history: dict[str, str] = {}
        self._real = real.capabilities
        self._known: dict[tuple[object, ...], Any] = {}
        self._value = 0.0
        self.capabilities = self._pretend()

    async def close(self) -> None:
        """The real connection belongs to whoever opened it."""

    async def read(self, role: str, name: str, *arguments: Any) -> Any:
        """Ask the real platform, once for the same question."""
        if not name.startswith("fetch_"):
            raise AttributeError(f"a rehearsal never calls {role}.{name} of {self.name}")
        await self.stage.call(self.name, name)
        key = (role, name, *arguments)
        if key not in self._known:
            with self.stage.clock.standing_still():
                self._known[key] = await getattr(getattr(self._real, role), name)(*arguments)
        return self._known[key]

    async def fetch_target(self, target: str) -> Target:
        known = self.stage.places.get(target)
        if known is None:
            found: Target = await self.read("inventory", "fetch_target", target)
            known = self.stage.places.setdefault(target, found)
            self.history[known.live_deployment] = known.live
        else:
            await self.stage.call(self.name, "fetch_target")
        return known

    async def fetch_targets(self) -> Sequence[Target]:
        return [await self.fetch_target(each.id) for each in await self.read("inventory", "fetch_targets")]

    async def fetch_applied(self, target: str) -> Sequence[str]:
        if target not in self.applied:
            self.applied[target] = list(await self.read("migrations", "fetch_applied", target))
        return tuple(self.applied[target])

    async def fetch_variables(self, target: str, environment: str = "production") -> Mapping[str, str | None]:
        key = (target, environment)
        if key not in self.variables:
            self.variables[key] = dict(await self.read("variables", "fetch_variables", target, environment))
        return dict(self.variables[key])

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        if route not in self.weights:
            self.weights[route] = dict(await self.read("router", "fetch_weights", route))
        else:
            await self.stage.call(self.name, "fetch_weights")
        return dict(self.weights[route])

    async def fetch_run(self, route: str) -> str:
        return "rehearsal"

    async def fetch_sticky(self, route: str) -> str:
        return str(await self.read("router", "fetch_sticky", route))

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]:
        await self.stage.call(self.name, "fetch_counters")
        if self.stage.traffic is None:
            return {}
        self.stage.traffic.flow(route, await self.fetch_weights(route))
        return self.stage.traffic.counters(route)

    async def fetch_page(self, target: str) -> Page:
        if target not in self.pages:
            self.pages[target] = await self.read("pages", "fetch_page", target)
        return self.pages[target]

    async def fetch_value(self, query: str) -> Sample | None:
        found: Sample | None = await self.read("queries", "fetch_value", query)
        self._value = found.value if found else self._value
        return found

    async def fetch_series(self, query: str, since: datetime, until: datetime, step: timedelta) -> Sequence[Sample]:
        """What was measured of the arm that serves, as if nothing changed: of the other there is nothing to ask yet."""
        found = await self.fetch_value(query)
        value = found.value if found else self._value
        return [Sample(at, value) for at in moments(since, until, step)]

    async def fetch_reports(self, project: str, releases: Collection[str], since: datetime) -> Sequence[UserReport]:
        """Nobody uses what is only rehearsed."""
        await self.stage.call(self.name, "fetch_reports")
        return ()

    async def probe(self, request: ProbeRequest) -> ProbeResult:
        """What is live and not suspended answers as it should; whether a real one would, only a deployment shows."""
        await self.stage.call(self.name, "probe")
        here = next((target for url, target in self.stage.urls.items() if request.url.startswith(url)), "")
        place = self.stage.places.get(here)
        if place is not None and (place.suspended or not place.live):
            return ProbeResult(False, 0.001, 503, "nothing runs there")
        return ProbeResult(True, 0.02, request.expect_status)

    def _pretend(self) -> Capabilities:
        offered: dict[str, Any] = {}
        for each in fields(Capabilities):
            real = getattr(self._real, each.name)
            if isinstance(real, Unsupported):
                offered[each.name] = real
            elif each.name in PRETENDED:
                offered[each.name] = self
            elif each.name in READ:
                offered[each.name] = _Reading(self, each.name)
            elif each.name in ACTING:
                offered[each.name] = _Acting(self, each.name)
            else:
                offered[each.name] = NO_STAND_IN
        return Capabilities(**offered)


class _Reading:
    """One reading role of the real connection."""

    def __init__(self, stand_in: StandIn, role: str) -> None:
        self._stand_in = stand_in
        self._role = role

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*arguments: Any) -> Any:
            return await self._stand_in.read(self._role, name, *arguments)

        return ask


@dataclass
class _Act:
    reference: str
    ends_at: datetime
    effect: Callable[[], None]
    outputs: Mapping[str, object]
    is_done: bool = False


class _Acting:
    """Obeys `Actuator`: the same key twice has one effect, which is ours alone."""

    def __init__(self, stand_in: StandIn, kind: str) -> None:
        self._in = stand_in
        self._kind = kind
        self._by_key: dict[str, _Act] = {}
        self._by_reference: dict[str, _Act] = {}

    async def start(self, request: Any, key: OperationKey) -> Operation:
        stage = self._in.stage
        await stage.call(self._in.name, self._kind)
        act = self._by_key.get(key.text)
        if act is None:
            act = self._begin(f"rehearsed-{self._kind}-{len(self._by_key) + 1}", request)
            self._by_key[key.text] = self._by_reference[act.reference] = act
        lost = stage.troubles.after(self._in.name) if stage.armed else None
        if lost is not None:
            raise lost
        return self._look(act)

    async def observe(self, reference: str) -> Operation:
        await self._in.stage.call(self._in.name, f"observe {self._kind}")
        act = self._by_reference.get(reference)
        return self._look(act) if act else Operation(reference, OperationStatus.LOST, "unknown")

    async def find(self, request: Any, key: OperationKey) -> Operation | None:
        await self._in.stage.call(self._in.name, f"find {self._kind}")
        act = self._by_key.get(key.text)
        return self._look(act) if act else None

    def _look(self, act: _Act) -> Operation:
        if self._in.stage.clock.now() < act.ends_at:
            return Operation(act.reference, OperationStatus.RUNNING, "pretended")
        if not act.is_done:
            act.is_done = True
            act.effect()
        return Operation(act.reference, OperationStatus.SUCCEEDED, "pretended", act.outputs)

    def _begin(self, reference: str, request: Any) -> _Act:
        place = str(getattr(request, "target", "") or getattr(request, "route", ""))
        ends_at = self._in.stage.clock.now() + timedelta(seconds=self._in.stage.length(self._kind, place))
        effect, outputs = getattr(self, f"_{self._kind}", self._nothing)(reference, request)
        return _Act(reference, ends_at, effect, outputs)

    def _nothing(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        return (lambda: None), {}

    def _change(self, target: str, **changes: Any) -> None:
        places = self._in.stage.places
        places[target] = replace(places.get(target, Target(target, target, "unknown")), **changes)

    def _deploy(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        before = self._in.stage.places.get(request.target)
        commit = request.release.commit
        self._in.history[reference] = commit

        def serve() -> None:
            if request.serve:
                self._change(request.target, live=commit, live_deployment=reference)

        url = (before.url if before else "") or f"https://{reference}.invalid"
        return serve, {
            "deployment": reference,
            "previous": before.live_deployment if before else "",
            "url": url if request.serve else f"https://{reference}.invalid",
        }

    def _switch(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        before = self._in.stage.places.get(request.target)
        commit = self._in.history.get(request.deployment, "")
        switch = {"live": commit, "live_deployment": request.deployment}
        outputs: dict[str, object] = {"previous": before.live_deployment if before else ""}
        return (lambda: self._change(request.target, **switch)), outputs

    _promote = _switch
    _roll_back = _switch

    def _suspend(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        return (lambda: self._change(request.target, suspended=True)), {}

    def _resume(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        return (lambda: self._change(request.target, suspended=False)), {}

    def _scale(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        return (lambda: self._change(request.target, instances=request.instances)), {}

    def _auto_deploy(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        return (lambda: self._change(request.target, auto_deploy=request.on)), {}

    def _migrate(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        known = self._in.applied.setdefault(request.target, [])
        pending = [file.version for file in request.files if file.version not in known]
        return (lambda: known.extend(pending)), {"applied": pending}

    def _migrate_down(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        gone = {file.version for file in request.files}
        known = self._in.applied.setdefault(request.target, [])
        return (lambda: known.__setitem__(slice(None), [version for version in known if version not in gone])), {}

    def _shift_traffic(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        weights = self._in.weights.setdefault(request.route, {})
        if self._in.stage.traffic is not None:
            self._in.stage.traffic.flow(request.route, weights)
        return (lambda: weights.update(request.weights)), {}

    def _maintain(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        return (lambda: self._in.pages.__setitem__(request.target, Page(request.on))), {}

    def _announce(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        return (lambda: None), {"announcement": request.announcement or reference}

    def _set_variables(self, reference: str, request: Any) -> tuple[Callable[[], None], dict[str, object]]:
        def write() -> None:
            known = self._in.variables.setdefault((request.target, request.environment), {})
            for name, value in request.variables.items():
                known.pop(name, None)
                if value is not None:
                    known[name] = value

        return write, {}

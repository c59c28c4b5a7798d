"""A platform that keeps state: places with deployments, a database, a router with counters, a source of releases.

It survives a simulated crash of the engine, counts every change that really happened, and can fail on demand.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from console.domain.errors import Rejected, UnexpectedReply, Unreachable
from console.domain.release import Release
from console.domain.verdict import Verdict, VerdictKind
from providers.contract import (
    ArmCounters,
    Capabilities,
    NameRecord,
    Operation,
    OperationKey,
    OperationStatus,
    Page,
    ProbeRequest,
    ProbeResult,
    Target,
)
from tests.engine.virtual_clock import VirtualClock


@dataclass
class Place:
    live: str = ""
    deployment: str = ""
    suspended: bool = False
    history: dict[str, str] = field(default_factory=dict)
    auto_deploy: bool = False
    instances: int = 1
    restarts: int = 0
    incurable: bool = False


@dataclass
class Asked:
    """One operation the platform took on."""

    reference: str
    kind: str
    ends_at: datetime
    effect: Any
    outputs: dict[str, object]
    fails: str = ""
    done: bool = False


class FakePlatform:
    """One connection that can do everything. `changes` counts effects by kind; `down_until` makes it unreachable."""

    name = "fake"
    kind = "fake"

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.frozen = False
        self.places: dict[str, Place] = {}
        self.releases: dict[str, Release] = {}
        self.files: dict[str, dict[str, str]] = {}
        self.applied: list[str] = []
        self.weights: dict[str, dict[str, int]] = {}
        self.arms: dict[str, tuple[str, ...]] = {}
        self.runs: dict[str, str] = {}
        self.sticky: dict[str, str] = {}
        self.stuck: dict[str, dict[str, int]] = {}
        self.probed: list[ProbeRequest] = []
        self.underway_until: dict[str, datetime] = {}
        self.error_rates: dict[str, float] = {}
        self.broken_builds: set[str] = set()
        self.broken_places: set[str] = set()
        self.failing_paths: set[str] = set()
        self.ill: set[str] = set()
        self.given_to_ill = 0
        self.gone: dict[str, str] = {}
        self.build_seconds: dict[str, float] = {}
        self.broken_migrations: set[str] = set()
        self.request_rate = 40.0
        self.checks = Verdict(VerdictKind.PASS, "2 checks passed.")
        self.changes: Counter[str] = Counter()
        self.calls: list[tuple[datetime, str]] = []
        self.down_until: dict[str, datetime] = {}
        self.lose_next_reply = False
        self.garbled: set[str] = set()
        """Kinds of which the next answer cannot be read, though it was done."""
        self.announced: list[tuple[str, str]] = []
        """State and announcement of every call."""
        self.variables: dict[str, dict[str, str]] = {}
        self.hidden: set[str] = set()
        self.refused_variables: set[str] = set()
        self.records: dict[str, tuple[str, int]] = {}
        self.pages: dict[str, Any] = {}
        self.pageless = {"worker": "a worker has no visitors", "front": "it shows none"}
        self._by_key: dict[str, Asked] = {}
        self._by_reference: dict[str, Asked] = {}
        self._counts: dict[str, dict[str, list[float]]] = {}
        self._counted_at: dict[str, datetime] = {}
        self.capabilities = Capabilities(
            inventory=self,
            shelf=self,
            releases=self,
            checks=self,
            migrations=self,
            router=self,
            counters=self,
            underway=self,
            probes=self,
            variables=self,
            set_variables=_Door(self, "set_variables"),
            deploy=_Door(self, "deploy"),
            promote=_Door(self, "promote"),
            roll_back=_Door(self, "roll_back"),
            suspend=_Door(self, "suspend"),
            resume=_Door(self, "resume"),
            migrate=_Door(self, "migrate"),
            migrate_down=_Door(self, "migrate_down"),
            shift_traffic=_Door(self, "shift_traffic"),
            announce=_Door(self, "announce"),
            names=self,
            point_name=_Door(self, "point_name"),
            restart=_Door(self, "restart"),
            scale=_Door(self, "scale"),
            auto_deploy=_Door(self, "auto_deploy"),
            maintain=_Door(self, "maintain"),
            pages=self,
        )

    async def close(self) -> None:
        pass

    async def turn(self) -> None:
        """Answer in the next turn of the loop; a process that is dead is not heard."""
        self.clock.touch()
        await asyncio.sleep(0)
        if self.frozen:
            await asyncio.Future()

    # reading

    async def fetch_target(self, target: str) -> Target:
        place = self.places[target]
        return Target(
            target,
            target,
            "web",
            place.live,
            place.deployment,
            suspended=place.suspended,
            auto_deploy=place.auto_deploy,
            instances=place.instances,
        )

    async def find_obstacle(self, target: str, deployment: str) -> str:
        self._check_up("shelf")
        return self.gone.get(deployment, "")

    async def fetch_targets(self) -> Sequence[Target]:
        return [await self.fetch_target(name) for name in self.places]

    async def fetch_release(self, reference: str) -> Release:
        if reference not in self.releases:
            raise Rejected("fake", f"There is no {reference}.")
        return self.releases[reference]

    async def fetch_files(self, commit: str, directory: str) -> Mapping[str, str]:
        return self.files.get(commit, {})

    async def fetch_changes(self, base: str, head: str) -> Sequence[Release]:
        return []

    async def fetch_verdict(self, commit: str) -> Verdict:
        return self.checks

    async def fetch_applied(self, target: str) -> Sequence[str]:
        return tuple(self.applied)

    async def fetch_variables(self, target: str, environment: str = "production") -> Mapping[str, str | None]:
        await self.turn()
        self._check_up("variables")
        return {name: None if name in self.hidden else value for name, value in self.variables.get(target, {}).items()}

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        self._check_up("shift_traffic")
        return dict(self.weights[route])

    async def fetch_underway(self, route: str) -> Mapping[str, int]:
        self._check_up("shift_traffic")
        now = self.clock.now()
        return {arm: 2 * (self.underway_until.get(arm, now) > now) for arm in self.weights[route]}

    async def fetch_sticky(self, route: str) -> str:
        return self.sticky.get(route, "")

    async def fetch_run(self, route: str) -> str:
        self._check_up("shift_traffic")
        return self.runs.get(route, "")

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]:
        self._count(route)
        counts = self._counts[route]
        return {
            arm: ArmCounters(int(n), int(errors), n * 0.01, {0.025: int(n), float("inf"): int(n)})
            for arm, (n, errors) in counts.items()
        }

    async def fetch_names(self, domain: str, name: str, kind: str) -> Sequence[NameRecord]:
        self._check_up("point_name")
        said = self.records.get(f"{name}.{domain}")
        return [NameRecord(*said)] if said else []

    async def probe(self, request: ProbeRequest) -> ProbeResult:
        self.probed.append(request)
        target = request.url.removeprefix("http://").split("/")[0]
        place = self.places.get(target)
        if any(request.url.endswith(path) for path in self.failing_paths):
            return ProbeResult(False, 0.001, 500, "it failed")
        if place is not None and (target in self.ill or place.suspended or not place.live):
            return ProbeResult(False, 0.001, 503, "nothing runs there")
        return ProbeResult(True, 0.01, 200)

    def _count(self, route: str) -> None:
        now = self.clock.now()
        since = (now - self._counted_at.get(route, now)).total_seconds()
        self._counted_at[route] = now
        counts = self._counts.setdefault(route, {arm: [0.0, 0.0] for arm in self.weights[route]})
        for arm, place in zip(self.weights[route], self.arms[route], strict=True):
            weights = self.weights[route]
            shares = self.stuck.get(route, weights) if all(weights.values()) else weights
            share = shares[arm] / 100 * self.request_rate * since
            counts[arm][0] += share
            counts[arm][1] += share * self.error_rates.get(self.places[place].live, 0.0)

    async def fetch_page(self, target: str) -> Page:
        self._check_up("maintain")
        return Page(target in self.pages, self.pageless.get(target, ""))

    # changing

    def _check_up(self, kind: str) -> None:
        for name in (kind, "*"):
            until = self.down_until.get(name)
            if until is not None and self.clock.now() < until:
                raise Unreachable("fake", f"The platform does not answer ({kind}).")

    def begin(self, kind: str, request: Any, key: OperationKey) -> Operation:
        self._check_up(kind)
        self.calls.append((self.clock.now(), kind))
        known = self._by_key.get(key.text)
        if known is None:
            known = self._take_on(kind, request)
            self._by_key[key.text] = self._by_reference[known.reference] = known
        if self.lose_next_reply:
            self.lose_next_reply = False
            raise Unreachable("fake", "The answer was lost.")
        if kind in self.garbled:
            self.garbled.remove(kind)
            raise UnexpectedReply("fake", "The answer could not be read.")
        return self.look(known.reference)

    def find(self, kind: str, key: OperationKey) -> Operation | None:
        self._check_up(kind)
        known = self._by_key.get(key.text)
        return self.look(known.reference) if known else None

    def look(self, reference: str) -> Operation:
        asked = self._by_reference.get(reference)
        if asked is None:
            return Operation(reference, OperationStatus.LOST, "unknown")
        self._check_up(asked.kind)
        if self.clock.now() < asked.ends_at:
            return Operation(reference, OperationStatus.RUNNING, "in progress")
        if asked.fails:
            return Operation(reference, OperationStatus.FAILED, asked.fails)
        if not asked.done:
            asked.done = True
            asked.effect()
        return Operation(reference, OperationStatus.SUCCEEDED, "done", asked.outputs)

    def _take_on(self, kind: str, request: Any) -> Asked:
        self.changes[kind] += 1
        reference = f"op-{len(self._by_reference) + 1}"
        return getattr(self, f"_take_{kind}")(reference, request)

    def _asked(
        self, reference: str, kind: str, seconds: float, effect: Any, fails: str = "", **outputs: object
    ) -> Asked:
        return Asked(reference, kind, self.clock.now() + timedelta(seconds=seconds), effect, outputs, fails)

    def _take_deploy(self, reference: str, request: Any) -> Asked:
        place = self.places[request.target]
        previous, commit = place.deployment, request.release.commit

        def serve() -> None:
            place.history[reference] = commit
            if request.serve:
                place.live, place.deployment = commit, reference

        fails = "the build failed" if commit in self.broken_builds or request.target in self.broken_places else ""
        return self._asked(
            reference,
            "deploy",
            self.build_seconds.get(request.target, 8.0),
            serve,
            fails,
            deployment=reference,
            previous=previous,
            url=f"http://{request.target}",
        )

    def _take_promote(self, reference: str, request: Any) -> Asked:
        return self._switch(reference, "promote", request)

    def _take_roll_back(self, reference: str, request: Any) -> Asked:
        return self._switch(reference, "roll_back", request)

    def _switch(self, reference: str, kind: str, request: Any) -> Asked:
        place = self.places[request.target]
        previous = place.deployment

        def serve() -> None:
            place.live, place.deployment = place.history[request.deployment], request.deployment

        return self._asked(reference, kind, 1, serve, previous=previous)

    def _take_suspend(self, reference: str, request: Any) -> Asked:
        return self._asked(reference, "suspend", 1, lambda: setattr(self.places[request.target], "suspended", True))

    def _take_resume(self, reference: str, request: Any) -> Asked:
        return self._asked(reference, "resume", 3, lambda: setattr(self.places[request.target], "suspended", False))

    def _take_migrate(self, reference: str, request: Any) -> Asked:
        pending = [file.version for file in request.files if file.version not in self.applied]
        broken = [version for version in pending if version in self.broken_migrations]
        fails = f"migration {broken[0]} failed" if broken else ""
        return self._asked(reference, "migrate", 2, lambda: self.applied.extend(pending), fails, applied=pending)

    def _take_migrate_down(self, reference: str, request: Any) -> Asked:
        gone = {file.version for file in request.files}
        left = [version for version in self.applied if version not in gone]
        return self._asked(reference, "migrate_down", 2, lambda: setattr(self, "applied", left))

    def _take_shift_traffic(self, reference: str, request: Any) -> Asked:
        self._count(request.route)
        for arm, place in zip(self.weights[request.route], self.arms[request.route], strict=True):
            self.given_to_ill += place in self.ill and request.weights.get(arm, 0) > self.weights[request.route][arm]
        self.weights[request.route] = {arm: request.weights.get(arm, 0) for arm in self.weights[request.route]}
        return self._asked(reference, "shift_traffic", 0, lambda: None)

    def _take_restart(self, reference: str, request: Any) -> Asked:
        place = self.places[request.target]

        def restart() -> None:
            place.restarts += 1
            if not place.incurable:
                self.ill.discard(request.target)

        return self._asked(reference, "restart", 2, restart)

    def _take_scale(self, reference: str, request: Any) -> Asked:
        place = self.places[request.target]
        return self._asked(reference, "scale", 2, lambda: setattr(place, "instances", request.instances))

    def _take_auto_deploy(self, reference: str, request: Any) -> Asked:
        place = self.places[request.target]
        return self._asked(reference, "auto_deploy", 0, lambda: setattr(place, "auto_deploy", request.on))

    def _take_set_variables(self, reference: str, request: Any) -> Asked:
        """One after the other, as the platforms do: what comes after one that is refused is not set."""
        values = self.variables.setdefault(request.target, {})
        for name, value in request.variables.items():
            if name in self.refused_variables:
                return self._asked(reference, "set_variables", 1, lambda: None, f"{name} is refused")
            values.pop(name, None)
            if value is not None:
                values[name] = value
        return self._asked(reference, "set_variables", 1, lambda: None)

    def _take_maintain(self, reference: str, request: Any) -> Asked:
        def switch() -> None:
            self.pages.pop(request.target, None)
            if request.on:
                self.pages[request.target] = request

        return self._asked(reference, "maintain", 1, switch)

    def _take_point_name(self, reference: str, request: Any) -> Asked:
        self.records[f"{request.name}.{request.domain}"] = (request.value, request.ttl)
        return self._asked(reference, "point_name", 1, lambda: None)

    def _take_announce(self, reference: str, request: Any) -> Asked:
        opened = self._by_key.get(request.opened_by)
        about = request.announcement or (opened.reference if opened is not None else reference)
        self.announced.append((request.state, about))
        return self._asked(reference, "announce", 0, lambda: None, announcement=about)


class _Door:
    """One actuator of the platform."""

    def __init__(self, platform: FakePlatform, kind: str) -> None:
        self._platform = platform
        self._kind = kind

    async def start(self, request: Any, key: OperationKey) -> Operation:
        await self._platform.turn()
        return self._platform.begin(self._kind, request, key)

    async def observe(self, reference: str) -> Operation:
        await self._platform.turn()
        return self._platform.look(reference)

    async def find(self, request: Any, key: OperationKey) -> Operation | None:
        await self._platform.turn()
        return self._platform.find(self._kind, key)

"""A worker's API on a real unix socket, with the history and logs real and the engine and platforms pretended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.client.http import HttpService
from console.client.places import Places
from console.config.settings import RoleSettings, Settings
from console.domain import events as ev
from console.domain.deployment import Deployment, fold
from console.domain.emergency import EmergencyTerms
from console.domain.errors import PlanRejected
from console.domain.exchange import ControlRequest, RollbackPreview, Submitted
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.observations import ArmHealth, EnvironmentStatus, Health, Lock
from console.domain.plan import Phase, Plan, Step, StepKind, Wish
from console.domain.release import Release
from console.engine.freezes import Freezes
from console.engine.schedule import Schedule
from console.engine.variables import Variables
from console.server.api import build_api
from console.server.desk import FrontDesk
from console.server.examination import Examiner
from console.server.lifecycle import open_listener
from console.server.parts import About, Parts
from console.server.peer import PeerServer
from console.server.roles import Person, Roles
from console.server.secrets import SecretDesk
from console.server.streams import Pace
from console.server.variables import Resolver, VariableDesk
from console.storage.kept import KeptValues
from console.storage.logs import LogStore
from console.storage.sqlite_ledger import SqliteLedger
from console.variables.digest import Masker
from console.watch.feeds.checking import MetricChecker
from providers.statuspages import StatusPages
from tests.server.lamps import LampConnection, Lamps

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PRODUCTION = EnvironmentName("production")
SETTINGS = Settings.model_validate({"environments": {"production": {"tier": "production"}, "staging": {}}})


@dataclass
class StillClock:
    """Stands still until a test moves it."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


@dataclass
class QuickClock(StillClock):
    """Lets time pass at once for whoever waits."""

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def build_plan(environment: EnvironmentName = PRODUCTION) -> Plan:
    steps = tuple(Step(StepId(name), name.title(), StepKind.SHIFT, Phase.ROLLOUT) for name in ("first", "second"))
    return Plan(environment, "blue-green", Release("a" * 40, "v1.4.0"), steps, notes=("two “steps” — naïve",))


@dataclass
class FakeEngine:
    """Keeps the engine's promises towards the history, and does nothing to the world."""

    ledger: SqliteLedger
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    asked: list[tuple[DeploymentId, ControlRequest, Actor]] = field(default_factory=list)
    fails_with: Exception | None = None

    def __post_init__(self) -> None:
        clock = StillClock()
        self.freezes = Freezes(SETTINGS, self.ledger, clock)
        self.schedule = Schedule(SETTINGS, self.ledger, clock, "host-1", self.preview, self.deploy)

    @property
    def running(self) -> tuple[DeploymentId, ...]:
        return ()

    async def preview(self, wish: Wish) -> Plan:
        if self.fails_with is not None:
            raise self.fails_with
        return build_plan(wish.environment)

    async def load(self, deployment_id: DeploymentId) -> Deployment:
        found = fold(await self.ledger.events_of(deployment_id))
        assert found is not None
        return found

    async def deploy(self, wish: Wish, request_id: str, digest: str, actor: Actor) -> Submitted:
        plan = build_plan(wish.environment)
        plan = replace(plan, emergency=EmergencyTerms(("approvals",))) if wish.emergency else plan
        if digest not in ("", plan.digest):
            raise PlanRejected(wish.environment, ("The plan changed.", "Look again."))
        name = DeploymentId(f"d{next(self.numbers)}")
        request = ev.DeploymentRequested(wish.environment, plan, wish.reason, request_id, wish.emergency)
        event = ev.Event(name, NOON, request, actor)
        opened = await self.ledger.open_deployment(event, Lock(wish.environment, name, actor, NOON, wish.reason))
        return Submitted(opened.deployment, opened.again)

    async def control(self, deployment_id: DeploymentId, request: ControlRequest, actor: Actor) -> None:
        self.asked.append((deployment_id, request, actor))

    async def review(self, deployment_id: DeploymentId, comment: str, actor: Actor) -> None:
        await self.note(deployment_id, ev.ReviewClosed(comment), actor, once=f"{deployment_id}:reviewed")

    async def note(self, deployment_id: DeploymentId, payload: ev.Payload, actor: Actor, *, once: str) -> None:
        await self.ledger.append(ev.Event(deployment_id, NOON, payload, actor), once=once)

    async def preview_rollback(
        self,
        deployment_id: DeploymentId,
        services: tuple[ServiceName, ...] = (),
        *,
        asks: bool = True,
        restores: bool = False,
    ) -> RollbackPreview:
        return RollbackPreview(
            deployment_id, PRODUCTION, "v2", "v1", tuple(f"Undo {name}" for name in services), 1.5, asked=asks
        )


@dataclass
class FakeMonitor:
    told: list[Callable[..., None]] = field(default_factory=list)
    watched: list[EnvironmentName] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    async def health(self, environment: EnvironmentName) -> tuple[ArmHealth, ...]:
        return (ArmHealth(ServiceName("api"), "blue", Health.HEALTHY, weight=100, error_rate=0.25),)

    async def environment_statuses(self, environment: EnvironmentName | None = None) -> tuple[EnvironmentStatus, ...]:
        names = [environment] if environment else [EnvironmentName(name) for name in SETTINGS.environments]
        return tuple(EnvironmentStatus(name, "production", Health.HEALTHY) for name in names)

    def names_of(self, commits: Iterable[str]) -> Mapping[str, str]:
        return {commit: self.names.get(commit, commit) for commit in commits}

    def subscribe(self, told: Callable[..., None]) -> Callable[[], None]:
        self.told.append(told)
        return lambda: self.told.remove(told)

    def watch(self, environment: EnvironmentName) -> Callable[[], None]:
        self.watched.append(environment)
        return lambda: self.watched.remove(environment)

    def pulse(self, error_rate: float) -> None:
        health = (ArmHealth(ServiceName("api"), "blue", Health.DEGRADED, error_rate=error_rate),)
        for told in tuple(self.told):
            told(NOON, PRODUCTION, health)


@dataclass
class FakeTail:
    read: list[EnvironmentName | None] = field(default_factory=list)

    @contextlib.contextmanager
    def reading(self, environment: EnvironmentName | None) -> Iterator[None]:
        self.read.append(environment)
        yield


@dataclass
class World:
    """One worker's API and whoever talks to it."""

    places: Places
    ledger: SqliteLedger
    logs: LogStore
    engine: FakeEngine
    monitor: FakeMonitor
    tail: FakeTail
    clock: StillClock
    parts: Parts
    lamps: Lamps
    person: Person = field(default_factory=lambda: Person(0, "ann"))
    roles: RoleSettings = field(default_factory=lambda: RoleSettings(admin=("ann",), viewer=()))
    owns_worker: bool = False
    pace: Pace = field(default_factory=Pace)
    server: PeerServer | None = None

    async def open(self) -> None:
        """Listen, as a new worker would: with whom it takes us for and its pace as they are now."""
        self.parts.stopping.clear()
        listener, _ = open_listener(self.places)
        own_uid = os.getuid() if self.owns_worker else -1
        roles = Roles(self.roles, own_uid, lambda uid: self.person, root_uid=-1)
        self.server = PeerServer(build_api(self.parts, roles, self.pace))
        await self.server.listen(listener)

    async def close(self) -> None:
        self.parts.stopping.set()
        if self.server is not None:
            await self.server.close()
            self.server = None
            self.places.own_socket.unlink(missing_ok=True)

    def client(self) -> HttpService:
        return HttpService(self.places)

    async def deploy(self, environment: str = "production", request_id: str = "") -> DeploymentId:
        wish = Wish(EnvironmentName(environment))
        return (await self.engine.deploy(wish, request_id, "", Actor("ann"))).deployment

    async def say(self, deployment: DeploymentId, detail: str) -> int:
        stored = await self.ledger.append(ev.Event(deployment, NOON, ev.StepProgressed(StepId("first"), detail)))
        return stored[0].seq


@contextlib.asynccontextmanager
async def open_world() -> AsyncIterator[World]:
    home = Path(tempfile.mkdtemp(prefix="qd-", dir="/tmp"))  # the kernel allows 107 bytes for a socket's path
    places = Places(home)
    ledger, logs = SqliteLedger(places.history), LogStore(places.logs)
    await ledger.open()
    engine, monitor, tail, clock = FakeEngine(ledger), FakeMonitor(), FakeTail(), StillClock()
    about = About("host-1", "0.1.0", NOON - timedelta(hours=1), home, places.own_socket, "engine.db")
    lamps = LampConnection()
    desk = FrontDesk({"lamps": lamps}, ledger, QuickClock())
    variables = Variables(SETTINGS, {}, Masker(b"salt"), KeptValues(home / "kept"), Resolver(SETTINGS))
    secrets = SecretDesk(SETTINGS, variables, ledger, clock, home)
    examiner, checker = Examiner(SETTINGS, {"lamps": lamps}, StatusPages()), MetricChecker(SETTINGS, {}, clock)
    looking = (VariableDesk(variables, ledger), secrets, examiner, checker)
    parts = Parts(SETTINGS, ledger, logs, engine, monitor, tail, clock, about, desk, *looking)
    made = World(places, ledger, logs, engine, monitor, tail, clock, parts, lamps.lamps)
    try:
        yield made
    finally:
        await made.close()
        await made.parts.desk.stop()
        await logs.close()
        await ledger.close()
        shutil.rmtree(home, ignore_errors=True)

"""Deployments to store, and ledgers to store them in."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.domain import events as ev
from console.domain.emergency import EmergencyTerms
from console.domain.ids import Actor, DeploymentId, EnvironmentName, StepId
from console.domain.observations import Lock
from console.domain.plan import Phase, Plan, Step, StepKind
from console.domain.release import Release
from console.storage.ledger import DeploymentLedger
from console.storage.postgres_ledger import PostgresLedger
from console.storage.sqlite_ledger import SqliteLedger

START = datetime(2026, 11, 22, 6, 16, 3, tzinfo=UTC)
ANN = Actor("ann")


@dataclass
class Story:
    """Builds the events of deployments, a second apart."""

    ticks: itertools.count[int] = field(default_factory=itertools.count)

    def now(self) -> datetime:
        return START + timedelta(seconds=next(self.ticks))

    def event(self, deployment: str, payload: ev.Payload, actor: Actor = ANN) -> ev.Event:
        return ev.Event(DeploymentId(deployment), self.now(), payload, actor)

    def request(
        self, deployment: str, environment: str = "production", request_id: str = "", reason: str = "hotfix"
    ) -> tuple[ev.Event, Lock]:
        steps = tuple(Step(StepId(name), name.title(), StepKind.SHIFT, Phase.ROLLOUT) for name in ("first", "second"))
        plan = Plan(EnvironmentName(environment), "blue-green", Release("a" * 40, "v1.4.0"), steps)
        event = self.event(deployment, ev.DeploymentRequested(EnvironmentName(environment), plan, reason, request_id))
        return event, Lock(EnvironmentName(environment), event.deployment, ANN, event.at, reason, "host-1")

    def emergency(self, deployment: str, environment: str = "production") -> tuple[ev.Event, Lock]:
        event, lock = self.request(deployment, environment)
        assert isinstance(event.payload, ev.DeploymentRequested)
        plan = replace(event.payload.plan, emergency=EmergencyTerms(("approvals",)))
        return replace(event, payload=replace(event.payload, plan=plan, emergency=True)), lock

    def start(self, deployment: str) -> ev.Event:
        return self.event(deployment, ev.DeploymentStarted("host-1"))

    def step_started(self, deployment: str, step: str = "first") -> ev.Event:
        return self.event(deployment, ev.StepStarted(StepId(step), 1))

    def step_succeeded(self, deployment: str, step: str = "first") -> ev.Event:
        return self.event(deployment, ev.StepSucceeded(StepId(step), "done"))

    def progress(self, deployment: str, detail: str, step: str = "first") -> ev.Event:
        return self.event(deployment, ev.StepProgressed(StepId(step), detail))

    def success(self, deployment: str) -> ev.Event:
        return self.event(deployment, ev.DeploymentSucceeded())

    async def fill(self, ledger: DeploymentLedger) -> None:
        """Store three deployments that succeeded, and a fourth that was only asked for."""
        for name, environment in (
            ("261122-060000-aaaa", "production"),
            ("261122-070000-bbbb", "production"),
            ("261122-080000-cccc", "staging"),
            ("261122-090000-dddd", "production"),
        ):
            await ledger.open_deployment(*self.request(name, environment))
            if not name.endswith("dddd"):
                await ledger.append(self.start(name), self.success(name), unlock=EnvironmentName(environment))


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def ledger(sqlite: SqliteLedger) -> SqliteLedger:
    return sqlite


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[SqliteLedger]:
    opened = SqliteLedger(path)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def shared_database(postgres_dsn: str) -> str:
    """The address of a database of this folder's own."""
    import psycopg

    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("CREATE DATABASE shared_history")
    return psycopg.conninfo.make_conninfo(postgres_dsn, dbname="shared_history")


@pytest.fixture
def shared_url(shared_database: str) -> str:
    """The address of a database without a history in it."""
    import psycopg

    with psycopg.connect(shared_database, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS quarterdeck CASCADE")
    return shared_database


@pytest.fixture
async def postgres(path: Path, shared_url: str) -> AsyncIterator[PostgresLedger]:
    opened = PostgresLedger(shared_url, SqliteLedger(path))
    await opened.open()
    yield opened
    await opened.close()

"""A whole product in memory, an engine that deploys it, and words to tell a story about both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from console.client.service import ControlRequest
from console.config.settings import Settings, is_reference
from console.domain.deployment import Deployment
from console.domain.events import Control
from console.domain.ids import Actor, DeploymentId, EnvironmentName
from console.domain.plan import Wish
from console.domain.release import Release
from console.engine.crash_points import no_crash
from console.engine.engine import Engine
from console.engine.memory import MemoryDurable
from console.engine.variables import Variables, WantedValues
from console.variables.digest import Masker
from tests.engine.fake_ledger import FakeLedger
from tests.engine.fake_platform import FakePlatform, Place
from tests.engine.virtual_clock import VirtualClock

KIM = Actor("kim")
ANN = Actor("ann")
PRODUCTION = EnvironmentName("production")
OLD = "a" * 40
NEW = "b" * 40
ERRING = "c" * 40
LATEST = timedelta(hours=3)


class Crash(BaseException):
    """The process ends here."""


class FakeKept:
    """Values that were replaced, in memory; they survive a crash as files do."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, dict[str, str]]] = {}

    def keep(self, name: str, target: str, values: Mapping[str, str]) -> None:
        self.files.setdefault(name, (target, dict(values)))

    def find(self, target: str, variable: str, fits: Callable[[str], bool]) -> str | None:
        found = [values[variable] for place, values in self.files.values() if place == target and variable in values]
        return next((value for value in reversed(found) if fits(value)), None)


class World:
    logins: Any = None
    """How databases are told about their login roles, where a story has some."""

    standbys: Any = None
    """How databases are told who is primary, where a story has a pair."""

    def __init__(self, **environment: Any) -> None:
        self.clock = VirtualClock()
        self.ledger = FakeLedger(self.clock)
        self.durable = MemoryDurable()
        self.platform = FakePlatform(self.clock)
        self.settings = Settings.model_validate(_configuration(environment))
        self.secrets: dict[str, str] = {}
        self.kept = FakeKept()
        self.crash_at: tuple[str, int] | None = None
        self.crashed = 0
        self.crash_counts: dict[str, int] = {}
        self._requests = itertools.count(1)
        self._workers = itertools.count(1)
        self._furnish()
        self.engine = self._new_engine()

    def _furnish(self) -> None:
        platform = self.platform
        for name, commit in (("v1", OLD), ("v2", NEW), ("erring", ERRING)):
            platform.releases[name] = Release(commit, name)
        platform.releases["main"] = platform.releases["v2"]
        for place in ("blue", "worker", "front"):
            platform.places[place] = Place(OLD, f"{place}-1", history={f"{place}-1": OLD})
        platform.places["green"] = Place(suspended=True)
        platform.weights["api"] = {"blue": 100, "green": 0}
        platform.arms["api"] = ("blue", "green")
        platform.applied = ["20260101000000"]
        first = {"20260101000000_first.sql": "create table t()", "20260101000000_first.down.sql": "drop table t"}
        second = {"20260201000000_second.sql": "alter table t", "20260201000000_second.down.sql": "alter table t"}
        platform.files = {OLD: first, NEW: {**first, **second}, ERRING: {**first, **second}}
        platform.error_rates = {ERRING: 0.2}

    def _resolve(self, environment: str, service: str) -> WantedValues:
        written = self.settings.variables_of(environment, service)
        values = {name: self.secrets.get(text, text) for name, text in written.items()}
        unresolved = {name: f"There is no {value}." for name, value in values.items() if is_reference(value)}
        return WantedValues({name: value for name, value in values.items() if name not in unresolved}, unresolved)

    def _follow(self, reference: str, where: str) -> str:
        return self.secrets[reference]

    def _new_engine(self) -> Engine:
        return self._engine_with()

    def _engine_with(self, **others: Any) -> Engine:
        connections: Any = {**dict.fromkeys(("fake", "vercel", "web", "db"), self.platform), **others}
        kept: Any = self.kept
        return Engine(
            variables=Variables(
                self.settings,
                connections,
                Masker(b"salt"),
                kept,
                self._resolve,
                self.logins,
                self._follow,
                self.standbys,
            ),
            settings=self.settings,
            ledger=self.ledger,
            durable=self.durable,
            connections=connections,
            clock=self.clock,
            worker=f"worker-{next(self._workers)}",
            crash=self._maybe_crash if hasattr(self, "crash_at") else no_crash,
        )

    def _maybe_crash(self, point: str) -> None:
        self.crash_counts[point] = self.crash_counts.get(point, 0) + 1
        if self.crash_at == (point, self.crash_counts[point]):
            self.crash_at = None
            self.crashed += 1
            self.ledger.frozen = self.platform.frozen = True
            raise Crash(point)

    async def start(self) -> None:
        await self.engine.start()

    async def crash(self) -> None:
        """Kill the worker and start another one over what was on disk."""
        await self.durable.crash()
        await self.engine.stop()
        self.ledger.frozen = self.platform.frozen = False
        self.engine = self._new_engine()
        await self.engine.start()

    async def deploy(self, release: str = "v2", **wish: Any) -> DeploymentId:
        request = Wish(PRODUCTION, release=release, **wish)
        submitted = await self.engine.deploy(request, f"request-{next(self._requests)}", "", KIM)
        return submitted.deployment

    async def ask(self, deployment: DeploymentId, control: Control, actor: Actor = KIM, **more: Any) -> None:
        await self.engine.control(deployment, ControlRequest(control, **more), actor)

    def deployment(self, deployment: DeploymentId) -> Deployment:
        return next(d for d in self.ledger.deployments() if d.id == deployment)

    async def until_ended(self, deployment: DeploymentId) -> Deployment:
        return await self.until(deployment, lambda d: d.is_terminal)

    async def until(self, deployment: DeploymentId, holds: Any) -> Deployment:
        """Let time pass until something holds of the deployment; a crash on the way is followed by a restart.

        Raises:
            AssertionError: It does not hold for hours.
        """
        end = self.clock.now() + LATEST
        asleep = 0
        await self.clock.settle()
        while True:
            if self.crashed:
                self.crashed = 0
                await self.crash()
                await self.clock.settle()
            now = self.deployment(deployment)
            if holds(now):
                return now
            assert self.clock.now() < end, f"still {now.status}: " + "; ".join(
                f"{key}={state.status.value}" for key, state in now.steps.items()
            )
            asleep = 0 if await self.clock.go_on() else asleep + 1
            assert asleep < 20, f"everybody sleeps while {now.status}"


def _configuration(environment: dict[str, Any]) -> dict[str, Any]:
    return {
        "providers": {
            "fake": {"kind": "caddy"},
            "vercel": {"kind": "vercel"},
            "db": {"kind": "supabase"},
        },
        "source": {"provider": "fake"},
        "services": {
            "database": {"provider": "db"},
            "api": {"provider": "fake", "needs": ["database"], "health": {}, "integration": [{"path": "/items"}]},
            "worker": {"provider": "fake", "needs": ["database"]},
            "front": {"provider": "vercel", "needs": ["api"], "health": {}},
        },
        "environments": {
            "production": {
                "tier": "production",
                "bake_time": "30s",
                "verify_time": "30s",
                "judge": {"interval": "10s"},
                "services": {
                    "database": {"id": "ref", "migrations": "migrations"},
                    "api": {
                        "blue": {"id": "blue", "url": "http://blue"},
                        "green": {"id": "green", "url": "http://green"},
                        "traffic": {"router": "fake", "route": "api"},
                    },
                    "worker": {"id": "worker"},
                    "front": {"id": "front", "url": "http://front"},
                },
                **environment,
            }
        },
    }

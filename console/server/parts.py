"""What the API needs of the rest of the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from console.config.settings import Settings
from console.domain.clock import Clock
from console.domain.deployment import Deployment
from console.domain.events import Payload
from console.domain.exchange import ControlRequest, RollbackPreview, Submitted
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import ArmHealth, EnvironmentStatus
from console.domain.plan import Plan, Wish
from console.engine.freezes import Freezes
from console.engine.schedule import Schedule
from console.server.desk import FrontDesk
from console.server.examination import Examiner
from console.server.incoming import Incoming
from console.server.secrets import SecretDesk
from console.server.variables import VariableDesk
from console.storage.ledger import Ledger
from console.storage.logs import LogStore
from console.watch.feeds.checking import MetricChecker


class EngineDoor(Protocol):
    """The part of the engine that clients reach."""

    @property
    def freezes(self) -> Freezes: ...

    @property
    def schedule(self) -> Schedule: ...

    @property
    def running(self) -> tuple[DeploymentId, ...]: ...

    async def preview(self, wish: Wish) -> Plan: ...

    async def load(self, deployment_id: DeploymentId) -> Deployment: ...

    async def deploy(self, wish: Wish, request_id: str, digest: str, actor: Actor) -> Submitted: ...

    async def control(self, deployment_id: DeploymentId, request: ControlRequest, actor: Actor) -> None: ...

    async def note(self, deployment_id: DeploymentId, payload: Payload, actor: Actor, *, once: str) -> None: ...

    async def review(self, deployment_id: DeploymentId, comment: str, actor: Actor) -> None: ...

    async def preview_rollback(
        self,
        deployment_id: DeploymentId,
        services: tuple[ServiceName, ...] = (),
        *,
        asks: bool = True,
        restores: bool = False,
    ) -> RollbackPreview: ...


Told = Callable[[datetime, EnvironmentName, tuple[ArmHealth, ...]], None]


class MonitorDoor(Protocol):
    """The part of the watch that clients reach."""

    async def health(self, environment: EnvironmentName) -> Sequence[ArmHealth]: ...

    async def environment_statuses(self, environment: EnvironmentName | None = None) -> Sequence[EnvironmentStatus]: ...

    def names_of(self, commits: Iterable[str]) -> Mapping[str, str]:
        """What people call each commit, also one that is shortened."""
        ...

    def subscribe(self, told: Told) -> Callable[[], None]:
        """Be called on the loop after each look that changed something; the result ends it."""
        ...

    def watch(self, environment: EnvironmentName) -> Callable[[], None]:
        """Keep an environment fresh while somebody looks at it; the result ends that."""
        ...


class TailDoor(Protocol):
    """The part of the log tail that clients reach."""

    def reading(self, environment: EnvironmentName | None) -> AbstractContextManager[None]:
        """Follow the platforms' logs of an environment, or of all, while somebody reads them."""
        ...


@dataclass(frozen=True)
class About:
    """What the worker knows of itself. `started_at` is UTC; `engine` says where the durable engine keeps its state."""

    worker: str
    version: str
    started_at: datetime
    home: Path
    socket: Path
    engine: str


@dataclass
class Parts:
    """Everything a request may reach, shared by all of them."""

    settings: Settings
    ledger: Ledger
    logs: LogStore
    engine: EngineDoor
    monitor: MonitorDoor
    tail: TailDoor
    clock: Clock
    about: About
    desk: FrontDesk
    variables: VariableDesk
    secrets: SecretDesk
    examiner: Examiner
    checker: MetricChecker
    incoming: Incoming = field(init=False)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    streams: int = 0

    def __post_init__(self) -> None:
        self.incoming = Incoming(self.about.home / "incoming")

"""Everything that the screens know, in plain Python: fed by a feed, read by `screens.view`, owned by no widget."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from console.client.service import Identity, LogBatch, Pulse
from console.domain.deployment import Deployment, begin
from console.domain.events import (
    DeploymentAborted,
    DeploymentFailed,
    DeploymentRequested,
    DeploymentRolledBack,
    DeploymentSucceeded,
    Event,
)
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import ArmHealth, EnvironmentStatus, Health
from console.domain.roles import EMERGENCY, Role, may
from console.domain.telemetry import LogLine
from screens.ring import LogRing

TREND_POINTS = 120
KEPT_DEPLOYMENTS = 40

ENDS = (DeploymentSucceeded, DeploymentRolledBack, DeploymentAborted, DeploymentFailed)


class Link(StrEnum):
    """How the line to the worker stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


class ArmKey(NamedTuple):
    environment: EnvironmentName
    service: ServiceName
    arm: str


@dataclass(frozen=True)
class TrendPoint:
    """One moment of one arm: share of errors 0..1 and p95 in milliseconds, where measured."""

    error_rate: float | None
    latency_p95: float | None


class Store:
    """What is known now. Every change raises `revision`, so that a screen knows when to look again."""

    def __init__(self) -> None:
        self.revision = 0
        self.link = Link.CONNECTING
        self.link_detail = ""
        self.identity: Identity | None = None
        self.environments: dict[EnvironmentName, EnvironmentStatus] = {}
        self.deployments: dict[DeploymentId, Deployment] = {}
        self.latest: dict[EnvironmentName, DeploymentId] = {}
        self.health: dict[EnvironmentName, tuple[ArmHealth, ...]] = {}
        self.trends: dict[ArmKey, deque[TrendPoint]] = {}
        self.logs = LogRing()
        self.last_seq = 0
        self._log_numbers: dict[str, int] = {}

    @property
    def role(self) -> Role:
        return self.identity.role if self.identity else Role.NONE

    def set_link(self, link: Link, detail: str = "") -> None:
        if (link, detail) != (self.link, self.link_detail):
            self.link, self.link_detail = link, detail
            self.revision += 1

    @property
    def may_in_emergency(self) -> bool:
        return may(self.role, EMERGENCY) or (self.identity is not None and EMERGENCY in self.identity.rights)

    def set_identity(self, identity: Identity) -> None:
        if identity != self.identity:
            self.identity = identity
            self.revision += 1

    def set_environments(self, statuses: Iterable[EnvironmentStatus]) -> None:
        fresh = {status.name: status for status in statuses}
        if fresh != self.environments:
            self.environments = fresh
            self.revision += 1

    def set_deployment(self, deployment: Deployment) -> None:
        """Keep a deployment that was fetched whole, unless a newer state of it is known."""
        known = self.deployments.get(deployment.id)
        if known is not None and known.seq >= deployment.seq:
            return
        self._keep(deployment)

    def apply_event(self, event: Event) -> bool:
        """Fold one event in; False when it belongs to a deployment whose beginning is not known here."""
        self.last_seq = max(self.last_seq, event.seq)
        known = self.deployments.get(event.deployment)
        if known is None:
            if not isinstance(event.payload, DeploymentRequested):
                return False
            self._keep(begin(event))
        elif event.seq == 0 or event.seq > known.seq:
            self._keep(known.apply(event))
        return True

    def apply_pulse(self, pulse: Pulse) -> None:
        for arm in pulse.health:
            key = ArmKey(pulse.environment, arm.service, arm.arm)
            trend = self.trends.setdefault(key, deque(maxlen=TREND_POINTS))
            trend.append(TrendPoint(arm.error_rate, arm.latency_p95))
        self.health[pulse.environment] = tuple(pulse.health)
        self.revision += 1

    def set_health(self, environment: EnvironmentName, arms: Sequence[ArmHealth], at: datetime) -> None:
        if arms:
            self.apply_pulse(Pulse(at, environment, tuple(arms)))

    def begin_logs(self) -> None:
        """Forget the lines of another environment."""
        self.logs.clear()
        self._log_numbers = {}
        self.revision += 1

    def apply_logs(self, batch: LogBatch) -> None:
        """Append lines, leaving out those that an overlap of two questions brought twice."""
        lines = batch.lines
        numbers = self._log_numbers
        if lines and (lines[0].number or lines[-1].number):
            fresh: list[LogLine] = []
            for line in lines:
                if line.number:
                    if line.number <= numbers.get(line.source, 0):
                        continue
                    numbers[line.source] = line.number
                fresh.append(line)
            self.logs.extend(fresh, batch.dropped)
        else:
            self.logs.extend(lines, batch.dropped)

    def latest_of(self, environment: EnvironmentName) -> Deployment | None:
        """The newest deployment of an environment, moving or ended."""
        deployment = self.latest.get(environment)
        return self.deployments.get(deployment) if deployment else None

    def moving(self) -> tuple[Deployment, ...]:
        """Deployments that have not ended, in the order of their request."""
        return tuple(d for d in self.deployments.values() if not d.is_terminal)

    def health_of(self, environment: EnvironmentName) -> Health:
        """The worst of the arms that get requests, else what the worker said of the environment."""
        arms = [arm for arm in self.health.get(environment, ()) if arm.weight is None or arm.weight > 0]
        for health in (Health.DOWN, Health.DEGRADED, Health.UNKNOWN):
            if any(arm.health is health for arm in arms):
                return health
        if arms:
            return Health.HEALTHY
        status = self.environments.get(environment)
        return status.health if status else Health.UNKNOWN

    def _keep(self, deployment: Deployment) -> None:
        self.deployments[deployment.id] = deployment
        current = self.latest_of(deployment.environment)
        if current is None or deployment.requested_at >= current.requested_at:
            self.latest[deployment.environment] = deployment.id
        if len(self.deployments) > KEPT_DEPLOYMENTS:
            needed = set(self.latest.values())
            for key, old in list(self.deployments.items()):
                if old.is_terminal and key not in needed:
                    del self.deployments[key]
                    break
        self.revision += 1

"""A service in memory that keeps state: a scripted deployment, its controls, logs, reports and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from console.client.service import (
    ControlRequest,
    HistoryQuery,
    Identity,
    LogBatch,
    LogQuery,
    OpenReview,
    Pulse,
    ReviewRequest,
    RollbackPreview,
    ScheduleRequest,
    Submitted,
    WorkerStatus,
    WorkerUnavailable,
)
from console.domain import events as ev
from console.domain.backups import BackupList
from console.domain.deployment import Deployment, DeploymentStatus, fold_all
from console.domain.errors import UsageError
from console.domain.events import Event, Payload
from console.domain.freeze import Freeze, FreezeId, FreezeSpan, FreezeWish
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import ArmHealth, DeploymentSummary, EnvironmentStatus
from console.domain.plan import Plan, Wish
from console.domain.roles import Role
from console.domain.schedule import Scheduled, ScheduledId, ScheduleStatus
from console.domain.telemetry import Measurement
from tests.screens import scene

REPORT = """# v1.5.0 → production

**rolled back** · blue-green · 261122-061603-k3f9 · 2m14s

## Summary

Green erred more than blue at 10 %: `74 of 1,190` requests against `19 of 10,980`.
Traffic was back on blue after **0.4 s**; nobody was asked.

| platform | result | took |
|---|---|---:|
| GitHub | announced, then marked *failure* | 0.6 s |
| Render | green deployed, suspended again | 45 s |
| Supabase | 2 migrations stay (expanded) | 5.2 s |
| Vercel | not begun | – |

## Gates

- checks of a1b2c3d4: pass, 14 of 14
- approval: by ann after 47 s
  - reason: “checkout is slow”

> A verdict of *fail* is never taken back by more requests.

## Next steps

1. Look at `POST /checkout` in the log of green.
2. Deploy a corrected release; blue is as it was.

```
quarterdeck logs production --since 06:17
```
"""


class FakeService:
    """What tests and `play.py` put in the worker's place. `is_gone` makes every call fail until it is False again."""

    def __init__(self, events: Sequence[Event] = (), *, role: Role = Role.APPROVER, actor: str = "kim") -> None:
        self.record: list[Event] = list(events)
        self.role = role
        self.actor = Actor(actor)
        self.statuses: list[EnvironmentStatus] = scene.environments()
        self.arms: dict[str, tuple[ArmHealth, ...]] = {scene.PRODUCTION: scene.arms()}
        self.lines = scene.log_lines(60)
        self.plan = scene.plan()
        self.rollback_refusal = ""
        self.platforms_answer: asyncio.Event | None = None
        self.cannot: tuple[str, ...] = ("database: 2 expanded columns stay; v1.4.2 ignores them.",)
        self.is_gone = False
        self.asked: list[tuple[DeploymentId, ControlRequest]] = []
        self.reviewed: list[tuple[DeploymentId, str]] = []
        self.deployed: list[tuple[Wish, str, str]] = []
        self.frozen: list[Freeze] = []
        self.kept = BackupList()
        self.scheduled: list[Scheduled] = []
        self.schedules: list[ScheduleRequest] = []
        self.deploy_error: Exception | None = None
        self.calls: list[str] = []
        self._streams: list[asyncio.Queue[Event | Pulse | None]] = []
        self._log_streams: list[asyncio.Queue[LogBatch | None]] = []

    # What tests make happen

    def tell(self, event: Event | Pulse) -> None:
        """Record an event (or send a pulse) and tell every stream."""
        if isinstance(event, Event):
            self.record.append(event)
        for stream in self._streams:
            stream.put_nowait(event)

    def say(self, deployment: DeploymentId, payload: Payload, at: datetime, actor: Actor = ev.SYSTEM) -> None:
        self.tell(Event(deployment, at, payload, actor, len(self.record) + 1))

    def log(self, batch: LogBatch) -> None:
        for stream in self._log_streams:
            stream.put_nowait(batch)

    def vanish(self) -> None:
        """The worker dies: streams end, calls fail."""
        self.is_gone = True
        for stream in [*self._streams, *self._log_streams]:
            stream.put_nowait(None)

    def _check(self, call: str) -> None:
        self.calls.append(call)
        if self.is_gone:
            raise WorkerUnavailable(
                "No worker answers on worker.sock.",
                "/run/quarterdeck/worker.sock",
                "It is started by `quarterdeck worker run`.",
            )

    # The interface

    async def whoami(self) -> Identity:
        self._check("whoami")
        return Identity(self.actor, self.role, "bastion-1/4711", "0.1.0", "/var/lib/quarterdeck")

    async def worker_status(self) -> WorkerStatus:
        self._check("worker_status")
        return WorkerStatus(
            4711, "0.1.0", "bastion-1/4711", scene.START, "/var/lib/quarterdeck", "worker.sock", "sqlite"
        )

    async def stop_worker(self) -> None:
        self._check("stop_worker")

    async def environments(self, name: EnvironmentName | None = None) -> Sequence[EnvironmentStatus]:
        self._check("environments")
        return [status for status in self.statuses if name in (None, status.name)]

    async def preview(self, wish: Wish) -> Plan:
        self._check("preview")
        if wish.release == "nothing":
            raise UsageError(
                "There is no release “nothing”.", "github.com/quarterdeck-demo/shop", "Name a tag or a branch."
            )
        return replace(self.plan, environment=wish.environment, strategy=wish.strategy or self.plan.strategy)

    async def deploy(self, wish: Wish, request_id: str, digest: str = "") -> Submitted:
        self._check("deploy")
        if self.deploy_error is not None:
            raise self.deploy_error
        self.deployed.append((wish, request_id, digest))
        return Submitted(scene.FIRST)

    async def control(self, deployment: DeploymentId, request: ControlRequest) -> None:
        self._check("control")
        self.asked.append((deployment, request))

    async def review(self, deployment: DeploymentId, request: ReviewRequest) -> None:
        self._check("review")
        self.reviewed.append((deployment, request.comment))

    async def freezes(self, environment: EnvironmentName | None = None) -> Sequence[FreezeSpan]:
        self._check("freezes")
        return [freeze.span for freeze in self.frozen if environment in (None, freeze.environment)]

    async def add_freeze(self, wish: FreezeWish) -> Freeze:
        added = Freeze(
            FreezeId("f-1"), wish.environment, wish.begins_at, wish.ends_at, wish.reason, Actor("ana"), scene.START
        )
        self.frozen.append(added)
        return added

    async def lift_freeze(self, freeze: str, reason: str = "") -> Freeze:
        lifted = next(one for one in self.frozen if freeze in (one.id, one.environment))
        self.frozen.remove(lifted)
        return lifted

    async def schedule(self, environment: EnvironmentName | None = None, *, days: int = 0) -> Sequence[Scheduled]:
        return [entry for entry in self.scheduled if environment in (None, entry.environment)]

    async def add_scheduled(self, request: ScheduleRequest) -> Scheduled:
        self._check("add_scheduled")
        assert request.wish.at is not None
        self.schedules.append(request)
        plan = self.plan
        name = ScheduledId(f"s-{len(self.scheduled) + 1}")
        entry = Scheduled(name, request.wish.at, request.wish, plan.release, plan.digest, Actor("ana"), scene.START)
        self.scheduled.append(entry)
        return entry

    async def cancel_scheduled(self, entry: str, reason: str = "") -> Scheduled:
        found = next(one for one in self.scheduled if one.id == entry)
        self.scheduled.remove(found)
        return replace(found, status=ScheduleStatus.CANCELLED)

    async def reviews(self, environment: EnvironmentName | None = None) -> Sequence[OpenReview]:
        self._check("reviews")
        return ()

    async def preview_rollback(
        self,
        deployment: DeploymentId,
        services: tuple[ServiceName, ...] = (),
        *,
        asks: bool = True,
        restores: bool = False,
    ) -> RollbackPreview:
        self._check("preview_rollback")
        if asks and self.platforms_answer is not None:
            await self.platforms_answer.wait()
        found = self._all()[deployment]
        steps = tuple(step.name for step in scene.UNDOS)
        return RollbackPreview(
            deployment,
            found.environment,
            found.plan.release.name,
            "v1.4.2",
            steps,
            21.0,
            self.cannot,
            self.rollback_refusal,
            services,
            asks,
        )

    async def backups(self, environment: EnvironmentName | None = None) -> BackupList:
        self._check("backups")
        return self.kept

    def _all(self) -> dict[DeploymentId, Deployment]:
        return fold_all(self.record)

    async def deployment(self, deployment: str) -> Deployment:
        self._check("deployment")
        found = [d for d in self._all().values() if deployment in (d.id, d.environment)]
        if not found:
            raise UsageError(f"There is no deployment {deployment}.", "history", "`quarterdeck history` lists them.")
        return found[-1]

    async def events_of(self, deployment: DeploymentId) -> Sequence[Event]:
        self._check("events_of")
        return [event for event in self.record if event.deployment == deployment]

    async def history(self, query: HistoryQuery) -> Sequence[DeploymentSummary]:
        self._check("history")
        lines = [summary(d) for d in reversed(self._all().values())] + older()
        fitting = [line for line in lines if query.environment in (None, line.environment)]
        known = [line.id for line in fitting]
        first = known.index(query.before) + 1 if query.before in known else 0
        return fitting[first : first + query.limit]

    async def _stream(self, after: int) -> AsyncIterator[Event | Pulse]:
        queue: asyncio.Queue[Event | Pulse | None] = asyncio.Queue()
        for event in self.record:
            if event.seq > after:
                queue.put_nowait(event)
        self._streams.append(queue)
        try:
            while (item := await queue.get()) is not None:
                yield item
        finally:
            self._streams.remove(queue)
        self._check("events")

    def events(self, after: int = 0) -> AsyncIterator[Event | Pulse]:
        return self._stream(after)

    async def health(self, environment: EnvironmentName) -> Sequence[ArmHealth]:
        self._check("health")
        return self.arms.get(environment, ())

    async def metrics(self, environment: EnvironmentName, since: datetime, until: datetime) -> Sequence[Measurement]:
        self._check("metrics")
        return ()

    async def logs(self, query: LogQuery) -> LogBatch:
        self._check("logs")
        return LogBatch(self.lines if query.environment == scene.PRODUCTION else ())

    async def _follow(self) -> AsyncIterator[LogBatch]:
        queue: asyncio.Queue[LogBatch | None] = asyncio.Queue()
        self._log_streams.append(queue)
        try:
            while (batch := await queue.get()) is not None:
                yield batch
        finally:
            self._log_streams.remove(queue)
        self._check("follow_logs")

    def follow_logs(self, query: LogQuery) -> AsyncIterator[LogBatch]:
        return self._follow()

    async def report(self, deployment: DeploymentId, form: str) -> str:
        self._check("report")
        return REPORT if form == "md" else f"<html><body>{deployment}</body></html>"


def summary(d: Deployment) -> DeploymentSummary:
    return DeploymentSummary(
        d.id,
        d.environment,
        d.plan.strategy,
        d.plan.release.name,
        d.status,
        d.requested_by,
        d.requested_at,
        d.started_at,
        d.ended_at,
        0.5,
        d.failure,
    )


def older() -> list[DeploymentSummary]:
    """Thirty deployments of the weeks before."""
    ends = (
        DeploymentStatus.SUCCEEDED,
        DeploymentStatus.SUCCEEDED,
        DeploymentStatus.ROLLED_BACK,
        DeploymentStatus.FAILED,
    )
    lines = []
    for number in range(30):
        at = scene.START - timedelta(hours=9 * (number + 1), minutes=7 * number)
        status = ends[number % 4]
        lines.append(
            DeploymentSummary(
                DeploymentId(f"{at:%y%m%d-%H%M%S}-m{number:03d}"),
                scene.PRODUCTION if number % 3 else scene.STAGING,
                "blue-green" if number % 2 else "canary",
                f"v1.4.{29 - number}",
                status,
                scene.ANN if number % 2 else scene.KIM,
                at,
                at,
                at + timedelta(seconds=150 + 13 * number),
                1.0,
                "green erred more than blue" if status is DeploymentStatus.ROLLED_BACK else "",
            )
        )
    return lines

"""A service in memory that obeys the client's interface, and a way to run a command against it."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.cli.main import main
from console.client.service import (
    ControlRequest,
    DeskAnswer,
    DeskChange,
    DeskOperation,
    DeskQuestion,
    DeskWish,
    HistoryQuery,
    Identity,
    KeptFile,
    LogBatch,
    LogQuery,
    OpenReview,
    ProviderAbout,
    Pulse,
    ReviewRequest,
    RollbackPreview,
    ScheduleRequest,
    Submitted,
    WorkerStatus,
)
from console.domain import events as ev
from console.domain.audit import AuditCheck, AuditEntry
from console.domain.delivery import Delivery
from console.domain.deployment import Deployment, fold
from console.domain.emergency import EmergencyTerms
from console.domain.errors import ConsoleError, PlanRejected, UsageError
from console.domain.exchange import CapabilityAbout, DeskEntry, FieldAbout, Finding
from console.domain.freeze import Freeze, FreezeId, FreezeSpan, FreezeWish
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.observations import ArmHealth, DeploymentSummary, EnvironmentStatus, Health, ServiceStatus
from console.domain.plan import Phase, Plan, Risk, Step, StepKind, Undo, Wish
from console.domain.release import Release
from console.domain.roles import Role
from console.domain.schedule import Scheduled, ScheduledId, ScheduleStatus
from console.domain.telemetry import LogLine, Measurement
from console.domain.verdict import Verdict, VerdictKind

START = datetime(2026, 11, 22, 6, 16, 3, tzinfo=UTC)
PRODUCTION = EnvironmentName("production")
SHIFT = StepId("backend.shift-10")
LAMPS = ProviderAbout(
    "lamps",
    "lamp",
    (CapabilityAbout("inventory", True), CapabilityAbout("deploy", False, "Lamps are not deployed.", "Buy one.")),
    (DeskEntry("state", "which lamps shine"), DeskEntry("colours", reason="These lamps are white.")),
    (
        DeskEntry(
            "switch",
            "Switch a lamp.",
            (
                FieldAbout("lamp", "its name", "text", required=True),
                FieldAbout("on", "whether it shines", "yes or no", default="yes"),
                FieldAbout("password", "what it asks for", "text", secret=True),
            ),
        ),
        DeskEntry("smash", "Smash a lamp.", destroys=True),
        DeskEntry("teach", "Teach it.", (FieldAbout("file", "what to blink", "text", required=True, local="read"),)),
    ),
)


def build_plan(wish: Wish, refusals: tuple[str, ...] = ()) -> Plan:
    step = Step(
        SHIFT,
        "Give green of backend 10 % of traffic",
        StepKind.SHIFT,
        Phase.ROLLOUT,
        ServiceName("backend"),
        undo=Undo(StepKind.SHIFT, "Give backend's traffic back"),
        forecast=timedelta(seconds=2),
    )
    return Plan(
        wish.environment,
        wish.strategy or "blue-green",
        Release("a" * 40, wish.release or "v1.1"),
        (step,),
        (ServiceName("backend"),),
        risk=Risk(30, ("It is production.",)),
        refusals=refusals,
    )


@dataclass
class FakeService:
    """Keeps deployments as events; a script says what happens after a deployment or a rollback was asked for."""

    after_deploy: list[ev.Payload] = field(default_factory=list)
    after_rollback: list[ev.Payload] = field(default_factory=list)
    refusals: tuple[str, ...] = ()
    log: list[ev.Event] = field(default_factory=list)
    lines: tuple[LogLine, ...] = ()
    controls: list[tuple[str, ControlRequest]] = field(default_factory=list)
    submitted: list[tuple[Wish, str]] = field(default_factory=list)
    frozen: list[Freeze] = field(default_factory=list)
    scheduled: list[Scheduled] = field(default_factory=list)
    schedules: list[ScheduleRequest] = field(default_factory=list)
    health_now: tuple[ArmHealth, ...] = ()
    answer: object = None
    findings: tuple[Finding, ...] = ()
    examined: list[tuple[str, ...]] = field(default_factory=list)
    asked: list[tuple[str, str, DeskQuestion]] = field(default_factory=list)
    wishes: list[tuple[str, str, DeskWish]] = field(default_factory=list)
    changes: list[DeskChange] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    owns_worker: bool = True
    checked: AuditCheck = field(default_factory=AuditCheck)
    stands: list[DeskOperation | ConsoleError] = field(default_factory=list)

    def tell(self, deployment: DeploymentId, *payloads: ev.Payload, actor: str = "ana") -> None:
        for payload in payloads:
            seq = len(self.log) + 1
            at = START + timedelta(seconds=seq)
            self.log.append(ev.Event(deployment, at, payload, Actor(actor), seq))

    async def whoami(self) -> Identity:
        return Identity(Actor("ana"), Role.ADMIN, "host", "0.1.0", "/home", self.owns_worker)

    async def worker_status(self) -> WorkerStatus:
        return WorkerStatus(4711, "0.1.0", "host", START, "/home", "/home/worker.sock", "sqlite")

    async def stop_worker(self) -> None:
        return None

    async def environments(self, name: EnvironmentName | None = None) -> Sequence[EnvironmentStatus]:
        if name not in (None, PRODUCTION):
            raise UsageError(f"There is no environment {name!r}.", "Known: production.", "Name one of these.")
        service = ServiceStatus(ServiceName("backend"), "render", "v1.0", Health.HEALTHY, "", {"blue": 100, "green": 0})
        return [EnvironmentStatus(PRODUCTION, "production", Health.HEALTHY, "v1.0", (service,))]

    async def preview(self, wish: Wish) -> Plan:
        return build_plan(wish, self.refusals)

    async def deploy(self, wish: Wish, request_id: str, digest: str = "") -> Submitted:
        if self.refusals:
            raise PlanRejected(wish.environment, self.refusals)
        self.submitted.append((wish, request_id))
        deployment = DeploymentId(f"261122-061603-{len(self.submitted):04}")
        plan = replace(build_plan(wish), emergency=EmergencyTerms(("checks",)) if wish.emergency else None)
        request = ev.DeploymentRequested(wish.environment, plan, wish.reason, request_id, wish.emergency)
        self.tell(deployment, request)
        self.tell(deployment, *self.after_deploy)
        return Submitted(deployment)

    async def control(self, deployment: DeploymentId, request: ControlRequest) -> None:
        self.controls.append((deployment, request))
        if request.control is ev.Control.ROLLBACK:
            self.tell(deployment, *self.after_rollback)

    async def review(self, deployment: DeploymentId, request: ReviewRequest) -> None:
        self.tell(deployment, ev.ReviewClosed(request.comment), actor="ben")

    async def freezes(self, environment: EnvironmentName | None = None) -> Sequence[FreezeSpan]:
        return [freeze.span for freeze in self.frozen if environment in (None, freeze.environment)]

    async def add_freeze(self, wish: FreezeWish) -> Freeze:
        added = Freeze(
            FreezeId("f-1"),
            wish.environment,
            wish.begins_at,
            wish.ends_at,
            wish.reason,
            Actor("ana"),
            START,
            services=wish.services,
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
        if self.refusals:
            raise PlanRejected(request.wish.environment, self.refusals)
        assert request.wish.at is not None
        self.schedules.append(request)
        plan = build_plan(request.wish)
        name = ScheduledId(f"s-{len(self.scheduled) + 1}")
        entry = Scheduled(name, request.wish.at, request.wish, plan.release, plan.digest, Actor("ana"), START)
        self.scheduled.append(entry)
        return entry

    async def cancel_scheduled(self, entry: str, reason: str = "") -> Scheduled:
        found = next(one for one in self.scheduled if one.id == entry)
        self.scheduled.remove(found)
        return replace(found, status=ScheduleStatus.CANCELLED)

    async def reviews(self, environment: EnvironmentName | None = None) -> Sequence[OpenReview]:
        found = [await self.deployment(name) for name in dict.fromkeys(event.deployment for event in self.log)]
        return [
            OpenReview(d.id, d.environment, d.plan.release.name, d.status, d.emergency)
            for d in found
            if d.emergency is not None and d.emergency.review is not None and d.emergency.review.is_open
        ]

    async def audit(
        self, since: datetime | None = None, until: datetime | None = None, limit: int = 500
    ) -> Sequence[AuditEntry]:
        return [AuditEntry(START, Actor(name), "deploy", "production", id=1) for name in ("ana", "ben")]

    async def verify_audit(self) -> AuditCheck:
        return self.checked

    async def delivery(
        self,
        environment: EnvironmentName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Delivery]:
        assert since is not None
        assert until is not None
        return [Delivery(PRODUCTION, since, until, 4, 3, 1, 0.1, 7200.0, 3, 0.25, 1.5, 1)]

    async def preview_rollback(
        self,
        deployment: DeploymentId,
        services: tuple[ServiceName, ...] = (),
        *,
        asks: bool = True,
        restores: bool = False,
    ) -> RollbackPreview:
        return RollbackPreview(deployment, PRODUCTION, "v1.1", "v1.0", ("Give backend's traffic back",), 2.0)

    async def deployment(self, deployment: str) -> Deployment:
        ids = [event.deployment for event in self.log]
        wanted = ids[-1] if deployment == "production" and ids else deployment
        found = fold(await self.events_of(DeploymentId(wanted)))
        if found is None:
            raise UsageError(f"There is no deployment {deployment!r}.", "", "`quarterdeck history` lists them.")
        return found

    async def events_of(self, deployment: DeploymentId) -> Sequence[ev.Event]:
        return [event for event in self.log if event.deployment == deployment]

    async def history(self, query: HistoryQuery) -> Sequence[DeploymentSummary]:
        ids = list(dict.fromkeys(event.deployment for event in reversed(self.log)))
        found = [await self.deployment(deployment) for deployment in ids]
        return [
            DeploymentSummary(
                d.id, d.environment, d.plan.strategy, d.plan.release.name, d.status, d.requested_by, d.requested_at
            )
            for d in found
        ]

    async def events(self, after: int = 0) -> AsyncIterator[ev.Event | Pulse]:
        while True:
            for event in [event for event in self.log if event.seq > after]:
                yield event
                after = event.seq
            yield Pulse(START, PRODUCTION)
            await asyncio.sleep(0)

    async def health(self, environment: EnvironmentName) -> Sequence[ArmHealth]:
        return self.health_now

    async def metrics(self, environment: EnvironmentName, since: datetime, until: datetime) -> Sequence[Measurement]:
        return [Measurement(START, environment, "error_rate", 0.01, {"service": "backend", "arm": "blue"})]

    async def logs(self, query: LogQuery) -> LogBatch:
        return LogBatch(tuple(line for line in self.lines if query.text.lower() in line.text.lower()), 0)

    async def follow_logs(self, query: LogQuery) -> AsyncIterator[LogBatch]:
        yield LogBatch(self.lines, 3)

    async def report(self, deployment: DeploymentId, form: str) -> str:
        return f"# {deployment} as {form}\n"

    async def providers(self, name: str = "") -> Sequence[ProviderAbout]:
        if name not in ("", "lamps"):
            raise UsageError(f"There is no provider {name!r}.", "configured: lamps", "Did you mean lamps?")
        return [LAMPS]

    async def examine(self, providers: tuple[str, ...] = ()) -> Sequence[Finding]:
        self.examined.append(providers)
        return self.findings

    async def ask(self, provider: str, reading: str, question: DeskQuestion) -> DeskAnswer:
        self.asked.append((provider, reading, question))
        return DeskAnswer(provider, reading, self.answer)

    async def act(self, provider: str, action: str, wish: DeskWish) -> DeskOperation:
        self.wishes.append((provider, action, wish))
        if self.stands and isinstance(self.stands[0], ConsoleError):
            raise self.stands.pop(0)
        return await self.operation(wish.request_id)

    async def send_file(self, path: Path) -> KeptFile:
        self.files.append(path)
        return KeptFile(f"/home/incoming/{path.name}")

    async def operations(self, limit: int = 50) -> Sequence[DeskChange]:
        return self.changes[:limit]

    async def operation(self, request_id: str) -> DeskOperation:
        stands = self.stands.pop(0) if len(self.stands) > 1 else self.stands[0]
        if isinstance(stands, ConsoleError):
            raise stands
        return replace(stands, request_id=request_id)


class FakeReach:
    def __init__(self, service: FakeService) -> None:
        self._service = service
        self.closed = False
        self.runs = True

    async def service(self, home, config):
        return self._service

    async def running(self, home):
        return self._service if self.runs else None

    async def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Shell:
    """Runs commands in this process against the fake service."""

    def __init__(self, service: FakeService, capsys, monkeypatch) -> None:
        self.service = service
        self.worker_runs = True
        self._capsys = capsys
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    def __call__(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        reach = FakeReach(self.service)
        reach.runs = self.worker_runs
        code = main(arguments, reach)
        told = self._capsys.readouterr()
        return Ran(code, told.out, told.err)


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def shell(service, capsys, monkeypatch, tmp_path) -> Shell:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERDECK_DEBUG", raising=False)
    return Shell(service, capsys, monkeypatch)


PASSED = Verdict(VerdictKind.PASS, "0 errors in 80 requests.", {"canary_requests": 80})
FAILED = Verdict(VerdictKind.FAIL, "7 errors in 80 requests.", {"canary_requests": 80})

GOOD_STORY: list[ev.Payload] = [
    ev.DeploymentStarted("host"),
    ev.StepStarted(SHIFT, 1),
    ev.TrafficShifted(ServiceName("backend"), {"blue": 90, "green": 10}),
    ev.StepSucceeded(SHIFT, "blue 90 % · green 10 %"),
    ev.StageJudged(SHIFT, PASSED),
    ev.DeploymentSucceeded(),
]
BAD_STORY: list[ev.Payload] = [
    *GOOD_STORY[:4],
    ev.StageJudged(SHIFT, FAILED),
    ev.RollbackRequested(ev.Trigger.AUTOMATIC, "7 errors in 80 requests.", START + timedelta(seconds=5)),
    ev.TrafficRestored(),
    ev.DeploymentRolledBack(),
]
MANUAL_ROLLBACK: list[ev.Payload] = [
    ev.RollbackRequested(ev.Trigger.MANUAL, "because", START + timedelta(seconds=9)),
    ev.TrafficRestored(),
    ev.DeploymentRolledBack(),
]

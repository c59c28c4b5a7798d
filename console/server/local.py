"""The service as one person may use it: the role is asked before anything, and everything that changes is audited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from console.domain.audit import AuditCheck, AuditEntry
from console.domain.backups import BackupList
from console.domain.delivery import Delivery
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import ConsoleError, Refused, StoreError, UsageError
from console.domain.events import Control, Event
from console.domain.exchange import (
    ControlRequest,
    DeskAnswer,
    DeskChange,
    DeskOperation,
    DeskQuestion,
    DeskWish,
    Finding,
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
    Submitted,
    WorkerStatus,
)
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import ArmHealth, DeploymentSummary, EnvironmentStatus, MetricCheck
from console.domain.plan import Plan, Wish
from console.domain.roles import EMERGENCY, Role, may
from console.domain.secrets import SecretReport
from console.domain.telemetry import Measurement
from console.domain.variables import VariableReport
from console.reports.verification import verify_record
from console.server.backups import list_backups, with_backups
from console.server.calendar import Calendar, with_calendar
from console.server.delivery import PERIOD, measure_delivery
from console.server.live import follow_events, follow_lines, line_filter
from console.server.memory import resident_bytes
from console.server.parts import Parts
from console.server.refusals import refuse, refuse_unknown, rights_for
from console.server.reporting import write_report
from console.server.reviews import find_open, with_reviews

T = TypeVar("T")
OLDEST_REQUEST = timedelta(minutes=5)


class LocalService:
    """Implements `Service` inside the worker for one person."""

    def __init__(
        self, parts: Parts, actor: Actor, role: Role, *, rights: tuple[str, ...] = (), owns_worker: bool = False
    ) -> None:
        self._parts = parts
        self._actor = actor
        self._role = role
        self._rights = rights
        self._owns_worker = owns_worker

    async def whoami(self) -> Identity:
        about = self._parts.about
        return Identity(
            self._actor, self._role, about.worker, about.version, str(about.home), self._owns_worker, self._rights
        )

    async def worker_status(self) -> WorkerStatus:
        self._need("view")
        parts, about = self._parts, self._parts.about
        return WorkerStatus(
            pid=os.getpid(),
            version=about.version,
            worker=about.worker,
            started_at=about.started_at,
            home=str(about.home),
            socket=str(about.socket),
            engine=about.engine,
            clients=parts.streams,
            running=parts.engine.running,
            memory=resident_bytes(),
            events=await parts.ledger.last_seq(),
            log_lines_dropped=parts.logs.dropped,
        )

    async def stop_worker(self) -> None:
        async def stop() -> None:
            self._parts.stopping.set()

        await self._audited("stop-worker", "worker", stop())

    async def environments(self, name: EnvironmentName | None = None) -> Sequence[EnvironmentStatus]:
        self._need("view")
        if name is not None:
            self._check_environment(name)
        parts = self._parts
        statuses = await parts.monitor.environment_statuses(name)
        calendared = await with_calendar(parts, with_reviews(statuses, await parts.ledger.unfinished_reviews()))
        return await with_backups(calendared, parts.settings, parts.about.home, parts.clock.now())

    @property
    def calendar(self) -> Calendar:
        """Freezes and the schedule."""
        return Calendar(self._parts, self._actor, self._need, self._audited, self._check_environment)

    async def preview(self, wish: Wish) -> Plan:
        self._need("view")
        self._check_paths(wish)
        plan = await self._parts.engine.preview(wish)
        if wish.emergency and not self._may(EMERGENCY):
            return replace(plan, refusals=(*plan.refusals, self._refuse(EMERGENCY).what))
        return plan

    async def deploy(self, wish: Wish, request_id: str, digest: str = "") -> Submitted:
        detail = {"release": wish.release, "strategy": wish.strategy, "reason": wish.reason}
        detail |= {"emergency": "yes" if wish.emergency else "", "backup": wish.backup.backup if wish.backup else ""}

        async def start() -> Submitted:
            if wish.at is not None or wish.pinned is not None:
                raise UsageError("A deployment to come is scheduled.", "wish.at", "Add it to /v1/schedule.")
            for right in rights_for(wish):
                self._need(right)
            self._check_paths(wish)
            submitted = await self._parts.engine.deploy(wish, request_id, digest, self._actor)
            detail["deployment"] = submitted.deployment
            return submitted

        return await self._audited("deploy", wish.environment, start(), detail)

    def _check_paths(self, wish: Wish) -> None:
        """The worker reads and writes a source with its own rights, which reach further than theirs.

        Raises:
            Refused: They are not its own user.
        """
        named = wish.switch.source if wish.switch is not None else wish.backup.identity if wish.backup else ""
        if named and not self._owns_worker:
            what = f"{self._actor} may name no file of the worker's host: the worker has other rights."
            raise Refused(what, named, "Have the worker's own user do it.")

    async def control(self, deployment: DeploymentId, request: ControlRequest) -> None:
        request = self._with_honest_time(request)

        async def work() -> None:
            if request.control is Control.RENEW:
                self._need(EMERGENCY)
            await self._parts.engine.control(deployment, request, self._actor)

        detail = {"step": request.step or "", "reason": request.reason, "services": ", ".join(request.services)}
        await self._audited(request.control.value, deployment, work(), detail)

    async def review(self, deployment: DeploymentId, request: ReviewRequest) -> None:
        work = self._parts.engine.review(deployment, request.comment, self._actor)
        await self._audited("review", deployment, work, {"comment": request.comment})

    async def reviews(self, environment: EnvironmentName | None = None) -> Sequence[OpenReview]:
        self._need("view")
        if environment is not None:
            self._check_environment(environment)
        return [one async for one in find_open(self._parts.ledger, self._parts.engine, environment)]

    def _with_honest_time(self, request: ControlRequest) -> ControlRequest:
        """Believe the client's time of a key only where it can be true, since delays are measured from it."""
        now = self._parts.clock.now()
        asked = request.requested_at
        believable = asked is not None and now - OLDEST_REQUEST <= asked <= now
        return request if believable else replace(request, requested_at=now)

    async def preview_rollback(
        self,
        deployment: DeploymentId,
        services: tuple[ServiceName, ...] = (),
        *,
        asks: bool = True,
        restores: bool = False,
    ) -> RollbackPreview:
        self._need("view")
        preview = await self._parts.engine.preview_rollback(deployment, services, asks=asks, restores=restores)
        names = self._parts.monitor.names_of(preview.to_release.split(", "))
        return replace(preview, to_release=", ".join(dict.fromkeys(names.values())))

    async def backups(self, environment: EnvironmentName | None = None) -> BackupList:
        self._need("view")
        if environment is not None:
            self._check_environment(environment)
        now = self._parts.clock.now()
        return await list_backups(self._parts.settings, self._parts.about.home, now, environment)

    async def deployment(self, deployment: str) -> Deployment:
        self._need("view")
        found = await self._parts.ledger.find_deployments(deployment)
        if not found:
            raise refuse_unknown(self._parts.settings.environments, deployment)
        if len(found) > 1 and deployment not in self._parts.settings.environments:
            raise UsageError(
                f"{deployment!r} fits {len(found)} deployments.", ", ".join(found[:5]), "Write more of the id."
            )
        return await self._parts.engine.load(found[0])

    async def events_of(self, deployment: DeploymentId) -> Sequence[Event]:
        self._need("view")
        events = await self._parts.ledger.events_of(deployment)
        if not events:
            raise UsageError(f"There is no deployment {deployment!r}.", "", "`quarterdeck history` lists them.")
        return events

    async def history(self, query: HistoryQuery) -> Sequence[DeploymentSummary]:
        self._need("view")
        known = [status.value for status in DeploymentStatus]
        if query.status and query.status not in known:
            raise UsageError(
                f"No deployment can be {query.status!r}.", f"known: {', '.join(known)}", "Name one of these."
            )
        found = await self._parts.ledger.summaries(query)
        if query.environment is not None and not found:  # one that was configured once keeps its history
            self._check_environment(query.environment)
        return found

    def events(self, after: int = 0) -> AsyncIterator[Event | Pulse]:
        """The record from a number on, then what happens. Nothing is queued here: a slow reader is only behind."""
        self._need("view")
        return follow_events(self._parts, after)

    async def health(self, environment: EnvironmentName) -> Sequence[ArmHealth]:
        self._need("view")
        self._check_environment(environment)
        return await self._parts.monitor.health(environment)

    async def metrics(self, environment: EnvironmentName, since: datetime, until: datetime) -> Sequence[Measurement]:
        self._need("view")
        self._check_environment(environment)
        return await self._parts.ledger.measurements(environment, since, until)

    async def check_metrics(self, environment: EnvironmentName) -> Sequence[MetricCheck]:
        self._need("view")
        self._check_environment(environment)
        return await self._parts.checker.check(environment)

    async def logs(self, query: LogQuery) -> LogBatch:
        self._need("view")
        return LogBatch(await self._parts.logs.search(line_filter(query), query.limit))

    def follow_logs(self, query: LogQuery) -> AsyncIterator[LogBatch]:
        """New lines as they come; with `since`, first the newest `limit` lines from that time on."""
        self._need("view")
        if query.environment is not None:
            self._check_environment(query.environment)
        return follow_lines(self._parts, query)

    async def report(self, deployment: DeploymentId, form: str) -> str:
        self._need("view")
        folded = await self.deployment(deployment)
        return await write_report(self._parts.ledger, folded, form, self._parts.clock.now())

    async def providers(self, name: str = "") -> Sequence[ProviderAbout]:
        self._need("view")
        return self._parts.desk.providers(name)

    async def examine(self, providers: tuple[str, ...] = ()) -> Sequence[Finding]:
        self._need("view")
        return await self._parts.examiner.examine(providers)

    async def ask(self, provider: str, reading: str, question: DeskQuestion) -> DeskAnswer:
        self._need("ask")
        return await self._parts.desk.ask(provider, reading, question.arguments)

    async def act(self, provider: str, action: str, wish: DeskWish) -> DeskOperation:
        """Begin it; who may not is written down here, everything else by the desk, before and after."""
        desk = self._parts.desk
        try:
            self._need("act")
            if desk.destroys(provider, action):
                self._need("destroy")
            if not self._owns_worker:
                self._parts.incoming.check(self._actor, desk.local_paths(provider, action), wish.arguments)
            return await desk.act(provider, action, wish, self._actor)
        except Refused as refusal:
            with suppress(StoreError):
                said = {"refusal": refusal.what}
                subject = f"{provider}/{action}"
                row = AuditEntry(self._parts.clock.now(), self._actor, "act", subject, "refused", said)
                await self._parts.ledger.record_audit(row)
            raise

    async def send_file(self, name: str, pieces: AsyncIterator[bytes]) -> KeptFile:
        """Keep a file that a change of theirs is to read."""
        self._need("act")
        return KeptFile(str(await self._parts.incoming.take(self._actor, name, pieces)))

    async def operations(self, limit: int) -> tuple[DeskChange, ...]:
        self._need("view")
        return await self._parts.desk.operations(limit)

    async def operation(self, request_id: str) -> DeskOperation:
        self._need("view")
        return await self._parts.desk.operation(request_id, self._actor)

    async def variables(
        self, environment: EnvironmentName, other: EnvironmentName | None = None, services: tuple[ServiceName, ...] = ()
    ) -> VariableReport:
        self._need("view")
        for name in (environment, *((other,) if other else ())):
            self._check_environment(name)
        desk = self._parts.variables
        if other is None:
            return await desk.compare(environment, services)
        return await desk.compare_with(environment, other, services)

    async def secrets(self, max_age: timedelta) -> SecretReport:
        self._need("view")
        return await self._parts.secrets.check(max_age)

    async def audit(self, since: datetime | None, until: datetime | None, limit: int) -> Sequence[AuditEntry]:
        self._need("view")
        return await self._parts.ledger.audit(since, until, limit=limit)

    async def verify_audit(self) -> AuditCheck:
        """Whether the record holds together; reads all of it."""
        self._need("view")
        settings = self._parts.settings
        keeps, is_shared = settings.history.keep_deployments, bool(settings.engine.url)
        return await verify_record(self._parts.ledger, keeps=keeps, passes_over_numbers=is_shared)

    async def delivery(
        self, environment: EnvironmentName | None, since: datetime | None, until: datetime | None
    ) -> Sequence[Delivery]:
        """The figures of DORA of one environment or all, of the last thirty days unless said otherwise."""
        self._need("view")
        if environment is not None:
            self._check_environment(environment)
        end = until or self._parts.clock.now()
        begin = since or end - PERIOD
        names = [environment] if environment else list(map(EnvironmentName, self._parts.settings.environments))
        ledger, engine = self._parts.ledger, self._parts.engine
        return tuple([await measure_delivery(ledger, engine, name, begin, end) for name in names])

    def _need(self, action: str) -> None:
        if not self._may(action):
            raise self._refuse(action)

    def _may(self, action: str) -> bool:
        return may(self._role, action) or action in self._rights

    def _refuse(self, action: str) -> Refused:
        return refuse(self._parts.about, self._actor, self._role, action)

    def _check_environment(self, name: EnvironmentName) -> None:
        known = self._parts.settings.environments
        if name not in known:
            raise UsageError(
                f"There is no environment {name!r}.",
                f"configured: {', '.join(known) or 'none'}",
                "Check the spelling, or add it to the configuration.",
            )

    async def _audited(self, action: str, subject: str, work: Awaitable[T], detail: dict[str, str] | None = None) -> T:
        """Do it if the role allows, and write down who asked for what and how it ended.

        The row of something that was done is not worth undoing it for: where the row cannot be written the deed
        itself, which has its own record, stands.
        """
        outcome = "failed"
        try:
            self._need(action)
            answer = await work
            outcome = "done"
            return answer
        except Refused as refusal:
            outcome = "refused"
            detail = {**(detail or {}), "refusal": refusal.what}
            raise
        except ConsoleError as problem:
            detail = {**(detail or {}), "problem": problem.what}
            raise
        finally:
            if asyncio.iscoroutine(work):
                work.close()
            with suppress(StoreError):
                said = {name: value for name, value in (detail or {}).items() if value}
                entry = AuditEntry(self._parts.clock.now(), self._actor, action, subject, outcome, said)
                await self._parts.ledger.record_audit(entry)

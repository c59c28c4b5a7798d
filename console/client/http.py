"""The service over a worker's unix socket. Errors come back as the classes and words that the worker raised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

from console.client import starting
from console.client.places import Places
from console.client.service import WorkerUnavailable
from console.client.transport import Transport
from console.client.wire import log_batch_from_json
from console.domain.audit import AuditCheck, AuditEntry
from console.domain.backups import BackupList
from console.domain.codec import from_json, to_json
from console.domain.delivery import Delivery
from console.domain.deployment import Deployment
from console.domain.errors import ConsoleError, UsageError
from console.domain.events import Event, event_from_json
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
    ScheduleRequest,
    Submitted,
    WorkerStatus,
)
from console.domain.freeze import Freeze, FreezeSpan, FreezeWish
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import ArmHealth, DeploymentSummary, EnvironmentStatus, MetricCheck
from console.domain.plan import Plan, Wish
from console.domain.schedule import Scheduled
from console.domain.secrets import SecretReport
from console.domain.telemetry import Measurement
from console.domain.variables import VariableReport

T = TypeVar("T")

FIRST_WAIT = 0.1
LONGEST_WAIT = 3.0


async def connect(home: Path, *, start: bool = True, config: Path | None = None) -> HttpService:
    """Reach the worker of a state directory, starting one detached when none answers and `start` is set.

    Raises:
        WorkerUnavailable: None answers; with `start`, says how its start ended.
        ConsoleError: The worker could not start, in its own words (`ConfigError`, `StoreTooNew`, …).
        Refused: The socket is another user's.
    """
    places = Places(home)
    if not await asyncio.to_thread(_is_up, places):
        if not start:
            raise WorkerUnavailable(
                "No worker is running.", str(places.home), "Start one with `quarterdeck worker start`."
            )
        await asyncio.to_thread(starting.ensure_worker, places, config)
    return HttpService(places, config=config, start=start)


def _is_up(places: Places) -> bool:
    path = places.find_socket()
    starting.check_owner(places, path)
    return starting.answers(path)


class HttpService:
    """Implements `Service`. One instance serves one client; close it, or use it in `async with`."""

    def __init__(self, places: Places, *, config: Path | None = None, start: bool = False) -> None:
        self._places = places
        self._config = config
        self._start = start
        self._worker = Transport(places)
        self.is_connected = True
        """Whether the event stream was open when it was last looked at."""

    async def __aenter__(self) -> HttpService:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._worker.close()

    async def whoami(self) -> Identity:
        return from_json(Identity, await self._worker.get("/v1/whoami"))

    async def worker_status(self) -> WorkerStatus:
        return from_json(WorkerStatus, await self._worker.get("/v1/worker"))

    async def stop_worker(self) -> None:
        await self._worker.post("/v1/worker/stop", {})

    async def environments(self, name: EnvironmentName | None = None) -> Sequence[EnvironmentStatus]:
        return from_json(_many(EnvironmentStatus), await self._worker.get("/v1/environments", {"name": name}))

    async def preview(self, wish: Wish) -> Plan:
        return from_json(Plan, await self._worker.post("/v1/plans", to_json(wish)))

    async def deploy(self, wish: Wish, request_id: str, digest: str = "") -> Submitted:
        body = {"wish": to_json(wish), "request_id": request_id, "digest": digest}
        return from_json(Submitted, await self._worker.post("/v1/deployments", body))

    async def control(self, deployment: DeploymentId, request: ControlRequest) -> None:
        await self._worker.post(f"/v1/deployments/{_part(deployment)}/controls", to_json(request))

    async def review(self, deployment: DeploymentId, request: ReviewRequest) -> None:
        await self._worker.post(f"/v1/deployments/{_part(deployment)}/review", to_json(request))

    async def reviews(self, environment: EnvironmentName | None = None) -> Sequence[OpenReview]:
        return from_json(_many(OpenReview), await self._worker.get("/v1/reviews", {"environment": environment}))

    async def freezes(self, environment: EnvironmentName | None = None) -> Sequence[FreezeSpan]:
        return from_json(_many(FreezeSpan), await self._worker.get("/v1/freezes", {"environment": environment}))

    async def add_freeze(self, wish: FreezeWish) -> Freeze:
        return from_json(Freeze, await self._worker.post("/v1/freezes", to_json(wish)))

    async def lift_freeze(self, freeze: str, reason: str = "") -> Freeze:
        return from_json(Freeze, await self._worker.post(f"/v1/freezes/{_part(freeze)}/lift", {"reason": reason}))

    async def schedule(self, environment: EnvironmentName | None = None, *, days: int = 0) -> Sequence[Scheduled]:
        values = {"environment": environment, "days": days}
        return from_json(_many(Scheduled), await self._worker.get("/v1/schedule", values))

    async def add_scheduled(self, request: ScheduleRequest) -> Scheduled:
        return from_json(Scheduled, await self._worker.post("/v1/schedule", to_json(request)))

    async def cancel_scheduled(self, entry: str, reason: str = "") -> Scheduled:
        return from_json(Scheduled, await self._worker.post(f"/v1/schedule/{_part(entry)}/cancel", {"reason": reason}))

    async def audit(
        self, since: datetime | None = None, until: datetime | None = None, limit: int = 500
    ) -> Sequence[AuditEntry]:
        values = {"since": since, "until": until, "limit": limit}
        return from_json(_many(AuditEntry), await self._worker.get("/v1/audit", values))

    async def verify_audit(self) -> AuditCheck:
        return from_json(AuditCheck, await self._worker.get("/v1/audit/check"))

    async def delivery(
        self,
        environment: EnvironmentName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Delivery]:
        values = {"environment": environment, "since": since, "until": until}
        return from_json(_many(Delivery), await self._worker.get("/v1/delivery", values))

    async def preview_rollback(
        self,
        deployment: DeploymentId,
        services: tuple[ServiceName, ...] = (),
        *,
        asks: bool = True,
        restores: bool = False,
    ) -> RollbackPreview:
        path = f"/v1/deployments/{_part(deployment)}/rollback"
        asked = {"service": services, "asks": int(asks), "restores": int(restores)}
        return from_json(RollbackPreview, await self._worker.get(path, asked))

    async def backups(self, environment: EnvironmentName | None = None) -> BackupList:
        return from_json(BackupList, await self._worker.get("/v1/backups", {"environment": environment}))

    async def deployment(self, deployment: str) -> Deployment:
        return from_json(Deployment, await self._worker.get(f"/v1/deployments/{_part(deployment)}"))

    async def events_of(self, deployment: DeploymentId) -> Sequence[Event]:
        return [event_from_json(item) for item in await self._worker.get(f"/v1/deployments/{_part(deployment)}/events")]

    async def history(self, query: HistoryQuery) -> Sequence[DeploymentSummary]:
        return from_json(_many(DeploymentSummary), await self._worker.get("/v1/deployments", _values(query)))

    async def health(self, environment: EnvironmentName) -> Sequence[ArmHealth]:
        return from_json(_many(ArmHealth), await self._worker.get(f"/v1/environments/{_part(environment)}/health"))

    async def metrics(self, environment: EnvironmentName, since: datetime, until: datetime) -> Sequence[Measurement]:
        path = f"/v1/environments/{_part(environment)}/metrics"
        return from_json(_many(Measurement), await self._worker.get(path, {"since": since, "until": until}))

    async def check_metrics(self, environment: EnvironmentName) -> Sequence[MetricCheck]:
        path = f"/v1/environments/{_part(environment)}/metrics/check"
        return from_json(_many(MetricCheck), await self._worker.get(path))

    async def logs(self, query: LogQuery) -> LogBatch:
        return log_batch_from_json(await self._worker.get("/v1/logs", _log_values(query)))

    async def report(self, deployment: DeploymentId, form: str) -> str:
        return await self._worker.get_text(f"/v1/deployments/{_part(deployment)}/report", {"form": form})

    async def variables(
        self, environment: EnvironmentName, other: EnvironmentName | None = None, services: tuple[ServiceName, ...] = ()
    ) -> VariableReport:
        path = f"/v1/environments/{_part(environment)}/variables"
        return from_json(VariableReport, await self._worker.get(path, {"other": other, "service": services}))

    async def secrets(self, max_age_days: int) -> SecretReport:
        return from_json(SecretReport, await self._worker.get("/v1/secrets", {"max_age_days": max_age_days}))

    async def providers(self, name: str = "") -> Sequence[ProviderAbout]:
        return from_json(_many(ProviderAbout), await self._worker.get("/v1/providers", {"name": name}))

    async def examine(self, providers: tuple[str, ...] = ()) -> Sequence[Finding]:
        return from_json(_many(Finding), await self._worker.get("/v1/examination", {"provider": providers}))

    async def ask(self, provider: str, reading: str, question: DeskQuestion) -> DeskAnswer:
        path = f"/v1/providers/{_part(provider)}/readings/{_part(reading)}"
        return from_json(DeskAnswer, await self._worker.post(path, to_json(question)))

    async def act(self, provider: str, action: str, wish: DeskWish) -> DeskOperation:
        path = f"/v1/providers/{_part(provider)}/actions/{_part(action)}"
        return from_json(DeskOperation, await self._worker.post(path, to_json(wish)))

    async def send_file(self, path: Path) -> KeptFile:
        try:
            with path.open("rb") as file:
                return from_json(KeptFile, await self._worker.put_file(f"/v1/files/{_part(path.name)}", file))
        except OSError as problem:
            raise UsageError(f"{path} cannot be read: {problem.strerror}.", str(path), "Check it.") from problem

    async def operations(self, limit: int = 50) -> Sequence[DeskChange]:
        return from_json(_many(DeskChange), await self._worker.get("/v1/operations", {"limit": limit}))

    async def operation(self, request_id: str) -> DeskOperation:
        return from_json(DeskOperation, await self._worker.get(f"/v1/operations/{_part(request_id)}"))

    async def events(self, after: int = 0) -> AsyncIterator[Event | Pulse]:
        """Every event with a higher number, then new ones. A broken connection is taken up again where it ended.

        A worker that died is started again; one that said goodbye is only waited for.
        """
        cursor, wait, died = after, FIRST_WAIT, True
        while True:
            try:
                if died and self._start and not await asyncio.to_thread(_is_up, self._places):
                    await asyncio.to_thread(starting.ensure_worker, self._places, self._config)
                async for message in self._worker.stream("/v1/events", {"after": cursor}):
                    if message.event == "open":
                        self.is_connected, wait, died = True, FIRST_WAIT, True
                    elif message.event == "event":
                        event = event_from_json(message.data)
                        cursor = event.seq
                        yield event
                    elif message.event == "pulse":
                        yield from_json(Pulse, message.data)
                    elif message.event == "goodbye":
                        died = False
                        break
            except ConsoleError as problem:
                if not problem.transient:
                    raise
            self.is_connected = False
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def follow_logs(self, query: LogQuery) -> AsyncIterator[LogBatch]:
        async for message in self._worker.stream("/v1/logs/follow", _log_values(query)):
            if message.event == "lines":
                yield log_batch_from_json(message.data)
                await asyncio.sleep(0)  # several may have arrived at once: let keys in between them


def _many(kind: type[T]) -> type[tuple[T, ...]]:
    return tuple[kind, ...]  # type: ignore[valid-type]  # built at run time for the codec


def _part(text: str) -> str:
    return quote(text, safe="")


def _values(query: HistoryQuery) -> dict[str, Any]:
    return {
        "environment": query.environment,
        "status": query.status,
        "limit": query.limit,
        "before": query.before,
    }


def _log_values(query: LogQuery) -> dict[str, Any]:
    return {
        "environment": query.environment,
        "deployment": query.deployment,
        "source": query.sources,
        "text": query.text,
        "level": query.level,
        "since": query.since,
        "until": query.until,
        "limit": query.limit,
    }

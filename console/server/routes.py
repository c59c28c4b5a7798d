"""Every route of the API in one table: what it needs, what it answers, and which call of the service it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from console.client.wire import Message, log_batch_to_json
from console.domain.audit import AuditCheck, AuditEntry
from console.domain.backups import BackupList
from console.domain.codec import from_json, to_json
from console.domain.delivery import Delivery
from console.domain.deployment import Deployment
from console.domain.errors import UsageError
from console.domain.events import Event, event_to_json
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
    ReasonRequest,
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
from console.server.local import LocalService

LONGEST_HISTORY = 1000


@dataclass(frozen=True)
class DeployRequest:
    """A wish, the request id that makes a second press the same deployment, and the digest of the plan one saw."""

    wish: Wish
    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Accepted:
    """It is on disk, and will be done."""

    accepted: bool = True


@dataclass(frozen=True)
class Asked:
    """A request as the handlers see it: path and query decoded by their declared types, and the body."""

    service: LocalService
    values: Mapping[str, Any]
    body: Any = None
    pieces: AsyncIterator[bytes] | None = None
    """The body as it comes, of a route that takes a file."""

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)


@dataclass(frozen=True)
class Parameter:
    """One part of a path or query. A tuple's type means that it may come several times."""

    name: str
    kind: Any
    about: str
    default: Any = None

    def decode(self, texts: list[str]) -> Any:
        """Read it from its texts.

        Raises:
            UsageError: It is not of its kind.
        """
        try:
            if self.kind == tuple[str, ...]:
                return tuple(texts)
            if not texts:
                return self.default
            data: Any = int(texts[-1]) if self.kind is int else texts[-1]
            return from_json(self.kind, data)
        except ValueError as problem:
            raise UsageError(
                f"{self.name}={texts[-1]!r} cannot be read: {problem}", "query", f"Expected: {self.about}"
            ) from problem


Answer = Callable[[Asked], Awaitable[Any]]
Stream = Callable[[Asked], AsyncIterator[Message]]


@dataclass(frozen=True)
class Route:
    """One operation, with either `answer` or `stream`; `media` is the answer's type where it is no JSON."""

    method: str
    path: str
    name: str
    about: str
    result: Any
    answer: Answer | None = None
    stream: Stream | None = None
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    takes_file: bool = False
    status: int = 200
    media: str = ""
    errors: Mapping[int, str] = field(default_factory=dict)


async def stream_events(asked: Asked) -> AsyncIterator[Message]:
    async for item in asked.service.events(asked["after"]):
        if isinstance(item, Event):
            yield Message("event", event_to_json(item), str(item.seq))
        else:
            yield Message("pulse", to_json(item))


async def stream_logs(asked: Asked) -> AsyncIterator[Message]:
    async for batch in asked.service.follow_logs(_log_query(asked)):
        yield Message("lines", log_batch_to_json(batch))


async def _metrics(asked: Asked) -> Any:
    until = asked["until"] or datetime.max.replace(tzinfo=asked["since"].tzinfo) - timedelta(days=1)
    return await asked.service.metrics(asked["environment"], asked["since"], until)


async def _deploy(asked: Asked) -> Submitted:
    body: DeployRequest = asked.body
    return await asked.service.deploy(body.wish, body.request_id, body.digest)


async def _control(asked: Asked) -> Accepted:
    await asked.service.control(asked["deployment"], asked.body)
    return Accepted()


async def _review(asked: Asked) -> Accepted:
    await asked.service.review(asked["deployment"], asked.body)
    return Accepted()


async def _send_file(asked: Asked) -> KeptFile:
    assert asked.pieces is not None
    return await asked.service.send_file(asked["name"], asked.pieces)


async def _stop(asked: Asked) -> Accepted:
    await asked.service.stop_worker()
    return Accepted()


async def _logs(asked: Asked) -> Any:
    return log_batch_to_json(await asked.service.logs(_log_query(asked)))


async def _events_of(asked: Asked) -> Any:
    return [event_to_json(event) for event in await asked.service.events_of(asked["deployment"])]


def _history_query(asked: Asked) -> HistoryQuery:
    limit = max(1, min(asked["limit"], LONGEST_HISTORY))
    return HistoryQuery(asked["environment"], asked["status"], limit, asked["before"])


def _log_query(asked: Asked) -> LogQuery:
    names = ("environment", "deployment", "text", "level", "since", "until", "limit")
    return LogQuery(sources=asked["source"], **{name: asked[name] for name in names})


ENVIRONMENT = Parameter("environment", EnvironmentName, "name of an environment")
DEPLOYMENT = Parameter("deployment", DeploymentId, "id of a deployment")
PROVIDER = Parameter("provider", str, "name of a provider")
SINCE = Parameter("since", datetime, "moment, ISO 8601 with zone")
UNTIL = Parameter("until", datetime, "moment, ISO 8601 with zone")
LOG_PARAMETERS = (
    ENVIRONMENT,
    DEPLOYMENT,
    Parameter("source", tuple[str, ...], "name of a source; may come several times"),
    Parameter("text", str, "part of the line, in any case", ""),
    Parameter("level", str, "least severe level: debug, info, warning, error", ""),
    SINCE,
    UNTIL,
    Parameter("limit", int, "most lines", 500),
)
REFUSED = {409: "Refused: the role, a lock, a gate, a freeze, or the plan itself."}
UNKNOWN = {400: "The request is wrong, or names something that does not exist."}

FAILED = {502: "The platform refused, or did not answer as it should."}

ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/whoami", "whoami", "Who the kernel says you are, and your role.", Identity,
          lambda asked: asked.service.whoami()),
    Route("GET", "/v1/worker", "worker_status", "What the worker says of itself.", WorkerStatus,
          lambda asked: asked.service.worker_status()),
    Route("POST", "/v1/worker/stop", "stop_worker", "End the worker; deployments go on with the next one.", Accepted,
          _stop, status=202, errors=REFUSED),
    Route("GET", "/v1/environments", "environments", "What is live, how it feels, what moves.",
          tuple[EnvironmentStatus, ...], lambda asked: asked.service.environments(asked["name"]),
          parameters=(Parameter("name", EnvironmentName, "only this one"),), errors=UNKNOWN),
    Route("GET", "/v1/environments/{environment}/health", "health", "Health of every arm.", tuple[ArmHealth, ...],
          lambda asked: asked.service.health(asked["environment"]), parameters=(ENVIRONMENT,), errors=UNKNOWN),
    Route("GET", "/v1/environments/{environment}/metrics", "metrics", "Figures that were measured, oldest first.",
          tuple[Measurement, ...], _metrics, parameters=(ENVIRONMENT, SINCE, UNTIL), errors=UNKNOWN),
    Route("GET", "/v1/environments/{environment}/metrics/check", "check_metrics",
          "Every configured metric, measured once of the arm that serves.", tuple[MetricCheck, ...],
          lambda asked: asked.service.check_metrics(asked["environment"]), parameters=(ENVIRONMENT,), errors=UNKNOWN),
    Route("POST", "/v1/plans", "preview", "What a deployment would do now, with every refusal.", Plan,
          lambda asked: asked.service.preview(asked.body), body=Wish, errors=UNKNOWN),
    Route("POST", "/v1/deployments", "deploy", "Start a deployment; the same request id again is the same one.",
          Submitted, _deploy, body=DeployRequest, status=202, errors={**REFUSED, **UNKNOWN}),
    Route("GET", "/v1/deployments", "history", "Lines of the history, newest first.", tuple[DeploymentSummary, ...],
          lambda asked: asked.service.history(_history_query(asked)),
          parameters=(ENVIRONMENT, Parameter("status", str, "only with this status", ""),
                      Parameter("limit", int, "most lines", 50),
                      Parameter("before", DeploymentId, "only those older than this one"))),
    Route("GET", "/v1/deployments/{deployment}", "deployment",
          "Everything known about one; by id, a unique beginning or end of one, or an environment for its latest.",
          Deployment, lambda asked: asked.service.deployment(asked["deployment"]), parameters=(DEPLOYMENT,),
          errors=UNKNOWN),
    Route("GET", "/v1/deployments/{deployment}/events", "events_of", "Its events, oldest first.", tuple[Event, ...],
          _events_of, parameters=(DEPLOYMENT,), errors=UNKNOWN),
    Route("POST", "/v1/deployments/{deployment}/controls", "control",
          "Approve, reject, pause, resume, promote, abort, roll back, retry, skip or renew; on disk when this answers.",
          Accepted, _control, parameters=(DEPLOYMENT,), body=ControlRequest, status=202, errors={**REFUSED, **UNKNOWN}),
    Route("POST", "/v1/deployments/{deployment}/review", "review",
          "Close the review of an emergency that somebody else asked for; on disk when this answers.", Accepted,
          _review, parameters=(DEPLOYMENT,), body=ReviewRequest, status=202, errors={**REFUSED, **UNKNOWN}),
    Route("GET", "/v1/reviews", "reviews", "Emergencies that nobody has reviewed yet, oldest first.",
          tuple[OpenReview, ...], lambda asked: asked.service.reviews(asked["environment"]),
          parameters=(ENVIRONMENT,), errors=UNKNOWN),
    Route("GET", "/v1/freezes", "freezes", "Freezes that hold and those to come, by begin.", tuple[FreezeSpan, ...],
          lambda asked: asked.service.calendar.freezes(asked["environment"]), parameters=(ENVIRONMENT,),
          errors=UNKNOWN),
    Route("POST", "/v1/freezes", "add_freeze", "Let nothing go forward in an environment for a time.", Freeze,
          lambda asked: asked.service.calendar.add_freeze(asked.body), body=FreezeWish, status=201,
          errors={**REFUSED, **UNKNOWN}),
    Route("POST", "/v1/freezes/{freeze}/lift", "lift_freeze", "End a freeze that was added by hand.", Freeze,
          lambda asked: asked.service.calendar.lift_freeze(asked["freeze"], asked.body.reason),
          parameters=(Parameter("freeze", str, "its id, a unique end of it, or its environment"),),
          body=ReasonRequest, errors={**REFUSED, **UNKNOWN}),
    Route("GET", "/v1/schedule", "schedule", "Deployments to come, by time; with `days` also what became of others.",
          tuple[Scheduled, ...],
          lambda asked: asked.service.calendar.schedule(asked["environment"], days=max(0, min(asked["days"], 3650))),
          parameters=(ENVIRONMENT, Parameter("days", int, "also those of so many days before now", 0)),
          errors=UNKNOWN),
    Route("POST", "/v1/schedule", "add_scheduled",
          "Have a deployment begin at a moment to come; the same request id again is the same one.", Scheduled,
          lambda asked: asked.service.calendar.add_scheduled(asked.body), body=ScheduleRequest, status=201,
          errors={**REFUSED, **UNKNOWN}),
    Route("POST", "/v1/schedule/{entry}/cancel", "cancel_scheduled", "Take a deployment to come off the schedule.",
          Scheduled, lambda asked: asked.service.calendar.cancel_scheduled(asked["entry"], asked.body.reason),
          parameters=(Parameter("entry", str, "its id, or a unique end of it"),), body=ReasonRequest,
          errors={**REFUSED, **UNKNOWN}),
    Route("GET", "/v1/deployments/{deployment}/rollback", "preview_rollback", "What a rollback would do now.",
          RollbackPreview,
          lambda asked: asked.service.preview_rollback(
              asked["deployment"], tuple(map(ServiceName, asked["service"])), asks=bool(asked["asks"]),
              restores=bool(asked["restores"])),
          parameters=(DEPLOYMENT, Parameter("service", tuple[str, ...], "only these; may come several times"),
                      Parameter("asks", int, "0 asks no platform: what is on record, at once", 1),
                      Parameter("restores", int, "1 puts databases back to backups where nothing else does", 0)),
          errors=UNKNOWN),
    Route("GET", "/v1/backups", "backups", "Backups of the databases, the newest first, and how each would come back.",
          BackupList, lambda asked: asked.service.backups(asked["environment"]), parameters=(ENVIRONMENT,),
          errors=UNKNOWN),
    Route("GET", "/v1/deployments/{deployment}/report", "report", "The report.", str,
          lambda asked: asked.service.report(asked["deployment"], asked["form"]),
          parameters=(DEPLOYMENT, Parameter("form", str, "md, html or json", "md")), media="text/plain",
          errors=UNKNOWN),
    Route("GET", "/v1/logs", "logs", "The newest lines that fit, oldest of them first.", LogBatch,
          _logs, parameters=LOG_PARAMETERS),
    Route("GET", "/v1/logs/follow", "follow_logs", "New lines as they come; with `since`, from then on.", LogBatch,
          stream=stream_logs, parameters=LOG_PARAMETERS),
    Route("GET", "/v1/providers", "providers", "What every provider can do: capabilities, readings, actions.",
          tuple[ProviderAbout, ...], lambda asked: asked.service.providers(asked["name"]),
          parameters=(Parameter("name", str, "only this one", ""),), errors=UNKNOWN),
    Route("GET", "/v1/examination", "examine", "How the platforms are for us now, and what to do about it.",
          tuple[Finding, ...], lambda asked: asked.service.examine(asked["provider"]),
          parameters=(Parameter("provider", tuple[str, ...], "only this one; may come several times"),),
          errors=UNKNOWN),
    Route("POST", "/v1/providers/{provider}/readings/{reading}", "ask",
          "Ask a platform; the arguments as JSON of their kinds, or as text.", DeskAnswer,
          lambda asked: asked.service.ask(asked["provider"], asked["reading"], asked.body),
          parameters=(PROVIDER, Parameter("reading", str, "name of a reading")), body=DeskQuestion,
          errors={**REFUSED, **UNKNOWN, **FAILED}),
    Route("POST", "/v1/providers/{provider}/actions/{action}", "act",
          "Change something at a platform; the same request id again is the same change.", DeskOperation,
          lambda asked: asked.service.act(asked["provider"], asked["action"], asked.body),
          parameters=(PROVIDER, Parameter("action", str, "name of an action")), body=DeskWish, status=202,
          errors={**REFUSED, **UNKNOWN, **FAILED}),
    Route("PUT", "/v1/files/{name}", "send_file", "Send a file, up to 5 GiB, for an action to read; kept for a day.",
          KeptFile, _send_file, parameters=(Parameter("name", str, "the file's own name"),), takes_file=True,
          status=201, errors={**REFUSED, **UNKNOWN}),
    Route("GET", "/v1/operations", "operations", "Changes made by hand in thirty days, unfinished ones first.",
          tuple[DeskChange, ...],
          lambda asked: asked.service.operations(max(1, min(asked["limit"], LONGEST_HISTORY))),
          parameters=(Parameter("limit", int, "most of them", 50),)),
    Route("GET", "/v1/operations/{request_id}", "operation", "How a change that was made by hand stands.",
          DeskOperation, lambda asked: asked.service.operation(asked["request_id"]),
          parameters=(Parameter("request_id", str, "the request id it was made with"),), errors=UNKNOWN),
    Route("GET", "/v1/environments/{environment}/variables", "variables",
          "Variables as set, against what is wanted or against another environment; digests, never values.",
          VariableReport,
          lambda asked: asked.service.variables(
              asked["environment"], asked["other"], tuple(map(ServiceName, asked["service"]))),
          parameters=(ENVIRONMENT, Parameter("other", EnvironmentName, "another environment to compare with"),
                      Parameter("service", tuple[str, ...], "only these; may come several times")), errors=UNKNOWN),
    Route("GET", "/v1/secrets", "secrets", "Where secrets are kept and used, how old they are, what is wrong.",
          SecretReport, lambda asked: asked.service.secrets(timedelta(days=max(0, min(asked["max_age_days"], 36500)))),
          parameters=(Parameter("max_age_days", int, "days after which a secret is old", 90),)),
    Route("GET", "/v1/audit", "audit", "Who asked for what, and how it ended; newest first.", tuple[AuditEntry, ...],
          lambda asked: asked.service.audit(asked["since"], asked["until"], asked["limit"]),
          parameters=(SINCE, UNTIL, Parameter("limit", int, "most rows", 500))),
    Route("GET", "/v1/audit/check", "verify_audit", "Whether the record holds together; reads all of it.", AuditCheck,
          lambda asked: asked.service.verify_audit()),
    Route("GET", "/v1/delivery", "delivery", "The four figures of DORA, by environment, with what each means.",
          tuple[Delivery, ...],
          lambda asked: asked.service.delivery(asked["environment"], asked["since"], asked["until"]),
          parameters=(ENVIRONMENT, SINCE, UNTIL), errors=UNKNOWN),
    Route("GET", "/v1/events", "events",
          "Every event with a higher number, then new ones; `Last-Event-ID` works as `after`. Pulses carry no number.",
          Event | Pulse, stream=stream_events,
          parameters=(Parameter("after", int, "number of the last event that you have", 0),)),
)  # fmt: skip

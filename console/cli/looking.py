"""`status`, `health`, `metrics`, `history`, `show`: reading, never changing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from console.cli.finding import find_deployment
from console.cli.output import show_deployment, show_lines, show_rows
from console.cli.session import Session
from console.cli.times import parse_moment
from console.cli.words import (
    say_length,
    say_memory,
    say_moment,
    say_number,
    say_share,
    say_state,
    say_weights,
    table,
)
from console.client.service import HistoryQuery, Service
from console.domain.errors import ExitCode
from console.domain.freeze import find_holding, find_next, say_from, say_until
from console.domain.ids import EnvironmentName
from console.domain.maintenance import say_pages
from console.domain.observations import ArmHealth, DeploymentSummary, EnvironmentStatus, Health, MetricCheck
from console.domain.schedule import say_scheduled
from console.domain.telemetry import Measurement

TOLD_DAYS = 7
"""How long the history names what was scheduled and did not begin; `schedule list --all` tells longer."""


@dataclass(frozen=True)
class _HealthRow:
    environment: EnvironmentName
    arm: ArmHealth


async def status(session: Session) -> int:
    """What is live in every environment, or in the one named."""
    service = await session.service()
    name = session.options.environment
    found = await service.environments(EnvironmentName(name) if name else None)
    show_rows(session, found, status_lines(found, session.now(), detailed=bool(name)))
    return ExitCode.GOOD


async def health(session: Session) -> int:
    """Health of every arm; 1 when something that gets traffic is down."""
    service = await session.service()
    rows = [
        _HealthRow(name, arm)
        for name in await _environments(service, session.options.environment)
        for arm in await service.health(name)
    ]
    if session.form == "text":
        show_lines(session, health_lines(rows))
    else:
        from console.domain.codec import to_json

        flat = [{"environment": row.environment, **to_json(row.arm)} for row in rows]
        show_rows(session, flat, ())
    is_down = any(row.arm.health is Health.DOWN and row.arm.weight_set != 0 for row in rows)
    return ExitCode.FAILED if is_down else ExitCode.GOOD


async def metrics(session: Session) -> int:
    """Figures that were kept, oldest first; with --check, every configured metric measured once, 1 where one fails."""
    service = await session.service()
    if session.options.check:
        return await _check_metrics(session, service)
    now = session.now()
    since = parse_moment(session.options.since, now)
    wanted = set(session.options.name)
    found = [
        item
        for name in await _environments(service, session.options.environment)
        for item in await service.metrics(name, since, now)
        if not wanted or item.name in wanted
    ]
    show_rows(session, found, metric_lines(found))
    return ExitCode.GOOD


async def _check_metrics(session: Session, service: Service) -> int:
    found = [
        one
        for name in await _environments(service, session.options.environment)
        for one in await service.check_metrics(name)
    ]
    show_rows(session, found, check_lines(found))
    if not found:
        session.say("No metric is configured: [environments.ENV.metrics.NAME] adds one.")
    return ExitCode.FAILED if any(one.problem for one in found) else ExitCode.GOOD


async def history(session: Session) -> int:
    """Deployments, newest first."""
    options = session.options
    service = await session.service()
    name = EnvironmentName(options.environment) if options.environment else None
    found = await service.history(HistoryQuery(name, options.status, options.limit))
    show_rows(session, found, history_lines(found))
    if session.form == "text":
        tried = await service.schedule(name, days=TOLD_DAYS)
        session.say(*(f"! {one.environment}: {say_scheduled(one)}" for one in tried if one.status.went_wrong))
    return ExitCode.GOOD


async def show(session: Session) -> int:
    """One deployment, whole."""
    service = await session.service()
    show_deployment(session, await find_deployment(service, session.options.deployment))
    return ExitCode.GOOD


def calendar_lines(status: EnvironmentStatus, now: datetime) -> Iterator[str]:
    """Freezes that hold and the next, what is to begin, and what should have begun and did not."""
    yield from (f"! {status.name} is {say_until(span)}" for span in find_holding(status.freezes, now))
    ahead = find_next(status.freezes, now)
    if ahead is not None:
        yield f"  {status.name} is {say_from(ahead)}"
    for entry in status.scheduled:
        mark = "!" if entry.status.went_wrong else " "
        yield f"{mark} {status.name}: {say_scheduled(entry)}"


def status_lines(found: Sequence[EnvironmentStatus], now: datetime, *, detailed: bool = False) -> Iterator[str]:
    rows = [
        [status.name, status.tier, say_state(status.health.value), status.release or "–", _moves(status)]
        for status in found
    ]
    yield from table(["ENVIRONMENT", "TIER", "HEALTH", "LIVE", "DEPLOYMENT"], rows)
    for status in found:
        yield from (f"! {status.name}: {line}" for line in say_pages(status.pages))
        yield from calendar_lines(status, now)
    for status in found:
        if status.hold is not None:
            yield f"! {status.name}: {status.hold.words}. `quarterdeck promote {status.name}` lifts it."
        yield from (
            f"! {status.name}: {backup.service}: {backup.problem}; `quarterdeck backup list` tells more."
            for backup in status.backups
            if backup.problem
        )
        if status.reviews:
            yield f"! {status.name}: not reviewed after an emergency: {', '.join(status.reviews)}"
    if not detailed:
        return
    for status in found:
        yield ""
        services = [
            [s.name, s.provider, say_state(s.health.value), s.release or "–", say_weights(s.weights), s.reason]
            for s in status.services
        ]
        yield from table(["SERVICE", "PROVIDER", "HEALTH", "LIVE", "TRAFFIC", "WHY"], services)
        if status.backups:
            backups = [
                [b.service, say_length(now - b.verified_at if b.verified_at else None), say_length(b.rto_s)]
                for b in status.backups
            ]
            yield ""
            yield from table(["BACKUPS OF", "RPO", "RTO"], backups)
        if status.lock:
            lock = status.lock
            yield ""
            yield f"held by {lock.holder} since {say_moment(lock.since)} for {lock.deployment}: {lock.reason}"


def health_lines(rows: Sequence[_HealthRow]) -> Iterator[str]:
    heads = [
        "ENVIRONMENT",
        "SERVICE",
        "ARM",
        "HEALTH",
        "LIVE",
        "WEIGHT",
        "RATE",
        "ERRORS",
        "P50",
        "P95",
        "CPU",
        "MEMORY",
    ]
    cells = [
        [
            row.environment,
            row.arm.service,
            row.arm.arm,
            say_state(row.arm.health.value),
            row.arm.release or "–",
            "–" if row.arm.weight_set is None else f"{row.arm.weight_set} %",
            say_number(row.arm.request_rate, "/s"),
            say_share(row.arm.error_rate),
            say_number(row.arm.latency_p50, "ms", 0),
            say_number(row.arm.latency_p95, "ms", 0),
            say_share(row.arm.cpu),
            say_memory(row.arm.memory),
        ]
        for row in rows
    ]
    yield from table(heads, cells)
    for row in rows:
        if row.arm.reason:
            yield f"{row.environment}/{row.arm.service}/{row.arm.arm}: {row.arm.reason}"


def metric_lines(found: Sequence[Measurement]) -> list[str]:
    rows = [
        [say_moment(m.at), m.environment, m.labels.get("service", ""), m.labels.get("arm", ""), m.name, f"{m.value:g}"]
        for m in found
    ]
    return table(["AT", "ENVIRONMENT", "SERVICE", "ARM", "NAME", "VALUE"], rows)


def check_lines(found: Sequence[MetricCheck]) -> Iterator[str]:
    rows = [
        [
            one.environment,
            one.service,
            one.arm,
            one.metric,
            "" if one.value is None else f"{one.value:g}",
            one.problem or one.words or "measured",
        ]
        for one in found
    ]
    yield from table(["ENVIRONMENT", "SERVICE", "ARM", "METRIC", "VALUE", ""], rows) if rows else ()
    yield from dict.fromkeys(one.remedy for one in found if one.remedy)


def history_lines(found: Sequence[DeploymentSummary]) -> list[str]:
    rows = [
        [
            line.id,
            line.environment,
            line.release,
            line.strategy,
            say_state(line.status.value) + (", to be reviewed" if line.review == "open" else ""),
            say_moment(line.requested_at),
            say_length(line.ended_at - line.requested_at if line.ended_at else None),
            line.requested_by,
        ]
        for line in found
    ]
    return table(["DEPLOYMENT", "ENVIRONMENT", "RELEASE", "STRATEGY", "STATUS", "REQUESTED", "TOOK", "BY"], rows)


def _moves(status: EnvironmentStatus) -> str:
    deployment = status.deployment
    if deployment is None:
        return "–"
    words = f"{deployment.id} {say_state(deployment.status.value)} {deployment.release}"
    return words if deployment.status.is_terminal else f"{words}, {deployment.progress:.0%}: {deployment.detail}"


async def _environments(service: Service, named: str) -> list[EnvironmentName]:
    if named:
        return [EnvironmentName(named)]
    return [status.name for status in await service.environments()]

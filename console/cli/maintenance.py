"""`maintenance on`, `off` and `status`: holding pages before the services of an environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from console.cli.output import show
from console.cli.session import Session
from console.cli.submitting import agree, check_emergency, refuse_rejected, step_lines, submit
from console.config.durations import parse_duration
from console.domain.errors import ExitCode, UsageError
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.maintenance import MAINTENANCE, NO_PAGE_UP, MaintenanceWish, say_pages
from console.domain.observations import EnvironmentStatus
from console.domain.plan import Plan, StepKind, Wish

CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


async def maintenance(session: Session) -> int:
    if session.options.action == "status":
        return await _status(session)
    return await _switch(session, on=session.options.action == "on")


async def _switch(session: Session, *, on: bool) -> int:
    """Show what would be done, ask, do it, and stay until it has ended."""
    options = session.options
    environment = EnvironmentName(options.environment)
    until = None
    if on:
        check_emergency(options)
        until = _until(options.length, options.until, session.now())
    wish = Wish(
        environment,
        strategy=MAINTENANCE,
        services=tuple(ServiceName(name) for name in options.service),
        reason=options.reason,
        emergency=on and options.emergency,
        maintenance=MaintenanceWish(on, until, options.message if on else ""),
    )
    service = await session.service()
    plan = await service.preview(wish)
    if plan.refusals == (NO_PAGE_UP,):
        session.say(NO_PAGE_UP)
        return ExitCode.GOOD
    refuse_rejected(plan)
    session.say(*step_lines(plan))
    if on:
        await agree(session, service, environment)
    return await submit(session, service, wish, plan.digest, wait=options.wait)


async def _status(session: Session) -> int:
    """What is up by our record and by what routers and platforms show; the two may differ."""
    service = await session.service()
    environment = EnvironmentName(session.options.environment)
    status = (await service.environments(environment))[0]
    shown = _shown(await service.preview(Wish(environment, strategy=MAINTENANCE, maintenance=MaintenanceWish(False))))
    elsewhere = tuple(name for name in shown if name not in {page.service for page in status.pages})
    gone = tuple(page.service for page in status.pages if page.service not in shown)
    found = {"environment": environment, "pages": status.pages, "shown": shown, "elsewhere": elsewhere, "gone": gone}
    show(session, found, _status_lines(status, shown, elsewhere, gone))
    return ExitCode.GOOD


def _shown(plan: Plan) -> tuple[ServiceName, ...]:
    """The services from which a page would be taken away now."""
    return tuple(step.service for step in plan.steps if step.kind is StepKind.MAINTAIN and step.service)


def _status_lines(
    status: EnvironmentStatus,
    shown: tuple[ServiceName, ...],
    elsewhere: tuple[ServiceName, ...],
    gone: tuple[ServiceName, ...],
) -> Iterator[str]:
    if not shown and not status.pages:
        yield f"{status.name} is not in maintenance."
        return
    standing = tuple(page for page in status.pages if page.service in shown)
    yield from (f"{status.name}: {line}" for line in say_pages(standing, elsewhere))
    if gone:
        yield f"{status.name}: the page of {', '.join(gone)} was taken away elsewhere."


def _until(length: str, moment: str, now: datetime) -> datetime | None:
    """Raises UsageError for what is neither a length nor a moment to come."""
    if length and moment:
        raise UsageError("A maintenance has one end.", "options --for and --until", "Name one of them.")
    if length:
        try:
            return now + parse_duration(length)
        except ValueError as problem:
            raise UsageError(f"{length!r} is no length of time.", "option --for", "Write 30m, or 1h30m.") from problem
    return _parse_moment(moment, now) if moment else None


def _parse_moment(text: str, now: datetime) -> datetime:
    clock = CLOCK.fullmatch(text)
    try:
        if clock:
            at = datetime.combine(now.astimezone(UTC).date(), time(int(clock[1]), int(clock[2])), UTC)
            return at if at > now else at + timedelta(days=1)
        at = datetime.fromisoformat(text)
    except ValueError as problem:
        remedy = "Write 14:30 or 2026-11-22T14:30, in UTC unless it says otherwise."
        raise UsageError(f"{text!r} is not a time.", "option --until", remedy) from problem
    return at if at.tzinfo else at.replace(tzinfo=UTC)

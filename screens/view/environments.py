"""Which release is live where, how it feels and what moves there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.domain.deployment import Deployment
from console.domain.observations import EnvironmentStatus, Health
from screens.store import Store
from screens.view import words
from screens.view.rows import Row, Span, column_width, fit_row, left, row
from screens.view.schedule import freeze_notes, schedule_notes


def progress(deployment: Deployment) -> tuple[int, int]:
    """Ended steps and all steps, of the rollback once one is under way."""
    rollback = deployment.rollback
    wanted = set(rollback.steps) if rollback and rollback.steps else None
    states = [state for key, state in deployment.steps.items() if wanted is None or key in wanted]
    return sum(1 for state in states if state.status.is_terminal), len(states)


def movement(deployment: Deployment, now: datetime, width: int = 80) -> Row:
    """What a deployment in progress does, in a few words; the time goes first where there is no room."""
    sign = words.DEPLOYMENT[deployment.status]
    done, count = progress(deployment)
    elapsed = words.span_of(deployment.duration(now))
    name = words.subject(deployment.plan)
    whole = row(sign.span, Span(f" {name}", sign.tone), Span(f" {done}/{count} {elapsed}", "dim"))
    return whole if whole.width <= width else row(*whole.spans[:2], Span(f" {done}/{count}", "dim"))


def environment_rows(store: Store, now: datetime, width: int, *, services: bool) -> list[Row]:
    """A line for each environment, one more for what moves, and with `services` one for each service."""
    statuses = list(store.environments.values())
    if not statuses:
        return [row(Span("No environments are known yet.", "dim"))]
    name_width = column_width((status.name for status in statuses), 7, 16)
    release_width = column_width((status.release for status in statuses), 4, 14)
    rows: list[Row] = []
    for status in statuses:
        rows.append(_environment(store, status, name_width, release_width, width))
        rows += _pages(status, width)
        rows += freeze_notes(status, now, width)
        rows += schedule_notes(status, now, width)
        rows += _hold(status, width)
        rows += _reviews(status, width)
        latest = store.latest_of(status.name)
        if latest is not None and not latest.is_terminal:
            line = movement(latest, now, width - 2)
            rows.append(fit_row(row("  ", *line.spans, key=status.name), width))
        if services:
            rows += _services(status, width)
    return rows


def _environment(store: Store, status: EnvironmentStatus, name_width: int, release_width: int, width: int) -> Row:
    health = words.HEALTH[store.health_of(status.name)]
    return fit_row(
        row(
            Span(left(status.name, name_width), "strong"),
            " ",
            Span(left(status.release or "–", release_width), "text"),
            " ",
            health.span,
            *_lock(store, status),
            key=status.name,
        ),
        width,
    )


def _lock(store: Store, status: EnvironmentStatus) -> Sequence[Span]:
    lock = status.lock
    latest = store.latest_of(status.name)
    if lock is None or (latest is not None and latest.id == lock.deployment):
        return ()
    return (Span(f"  held by {lock.holder}: {lock.reason or lock.deployment}", "warn"),)


def _pages(status: EnvironmentStatus, width: int) -> list[Row]:
    """That visitors are shown a page is said before anything else of an environment."""
    if not status.pages:
        return []
    ends = [page.until for page in status.pages if page.until is not None]
    until = f" until {max(ends):%H:%M} UTC" if len(ends) == len(status.pages) else ""
    names = ", ".join(page.service for page in status.pages)
    said = row("  ", Span("■ maintenance", "warn"), Span(f"{until}  {names}", "dim"), key=status.name)
    return [fit_row(said, width)]


def _hold(status: EnvironmentStatus, width: int) -> list[Row]:
    """After a rollback: pushes stay away until somebody goes forward."""
    if status.hold is None:
        return []
    what = f"returned to {status.hold.release}" if status.hold.returned else f"{status.hold.release} taken back"
    said = Span(f"  p lifts it  ({what})", "dim")
    return [fit_row(row("  ", Span("■ held", "warn"), said, key=status.name), width)]


def _reviews(status: EnvironmentStatus, width: int) -> list[Row]:
    """Emergencies stay in sight until somebody else has looked at them."""
    if not status.reviews:
        return []
    named = f"  {status.reviews[0]}" + (f" and {len(status.reviews) - 1} more" if len(status.reviews) > 1 else "")
    said = row("  ", Span("■ emergency to review", "warn"), Span(named, "dim"), key=status.name)
    return [fit_row(said, width)]


def _services(status: EnvironmentStatus, width: int) -> list[Row]:
    rows: list[Row] = []
    name_width = column_width((service.name for service in status.services), 6, 16)
    provider_width = column_width((service.provider for service in status.services), 4, 10)
    for service in status.services:
        sign = words.HEALTH[service.health]
        reason = f"  {service.reason}" if service.reason and service.health is not Health.HEALTHY else ""
        rows.append(
            fit_row(
                row(
                    "  ",
                    Span(left(service.name, name_width), "text"),
                    " ",
                    Span(left(service.provider, provider_width), "dim"),
                    " ",
                    Span(left(service.release or "–", 10), "dim"),
                    sign.span,
                    Span(reason, "dim"),
                ),
                width,
            )
        )
    return rows

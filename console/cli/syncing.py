"""`config sync`: set the variables that differ, all of them or none, and take the last sync back."""

from __future__ import annotations

from collections.abc import Iterator

from console.cli.finding import find_deployment_to_take_back
from console.cli.following import watch_words
from console.cli.session import Session
from console.cli.showing import rollback_lines
from console.cli.submitting import agree, follow_back, refuse_rejected, submit
from console.cli.words import table
from console.client.service import ControlRequest
from console.domain.errors import ExitCode, Refused
from console.domain.events import Control
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Plan, Step, StepKind, Wish
from console.domain.variables import ABSENT, NOTHING_TO_SET, SYNC, UNREADABLE


async def sync(session: Session) -> int:
    """Show what would be set, ask, do it, and stay until it has ended."""
    if session.options.undo:
        return await _undo(session)
    options = session.options
    environment = EnvironmentName(options.environment)
    services = tuple(ServiceName(name) for name in options.service)
    wish = Wish(environment, strategy=SYNC, services=services, reason=options.reason)
    service = await session.service()
    plan = await service.preview(wish)
    if plan.refusals == (NOTHING_TO_SET,):
        session.say(NOTHING_TO_SET)
        return ExitCode.GOOD
    session.say(*sync_lines(plan))
    refuse_rejected(plan)
    await agree(session, service, environment)
    return await submit(session, service, wish, plan.digest, wait=True)


async def _undo(session: Session) -> int:
    """Take back the environment's last change, provided that it was a sync."""
    asked_at = session.now()
    environment = EnvironmentName(session.options.environment)
    service = await session.service()
    last = await service.deployment(await find_deployment_to_take_back(service, environment))
    if last.plan.strategy != SYNC:
        raise Refused(
            f"The last change of {environment} was no sync: {last.plan.release} went live.",
            f"deployment {last.id}",
            f"`quarterdeck rollback {environment}` takes it back; what was set before it goes back with it.",
        )
    session.say(*rollback_lines(await service.preview_rollback(last.id)))
    await agree(session, service, environment)
    request = ControlRequest(Control.ROLLBACK, reason=session.options.reason, requested_at=asked_at)
    await service.control(last.id, request)
    session.farewell = watch_words(last.id)
    return await follow_back(session, service, last.id, request)


def sync_lines(plan: Plan) -> Iterator[str]:
    """Every variable with the digests before and after, what each platform makes of it, and what cannot go back."""
    rows = [row for step in plan.steps if step.kind is StepKind.CONFIGURE for row in _rows(step)]
    if rows:
        yield from table(("SERVICE", "NAME", "", "NOW", "THEN"), rows)
    yield from (f"note      {note}" for note in plan.notes)


def _rows(step: Step) -> Iterator[tuple[str, ...]]:
    arm = step.arguments.get("arm")
    place = f"{step.service} ({arm})" if arm else str(step.service)
    changes = step.arguments.get("changes")
    for change in changes if isinstance(changes, list) else ():
        before, after = str(change["before"]), str(change["after"])
        word = {ABSENT: "add", UNREADABLE: "overwrite"}.get(before, "change")
        yield place, str(change["name"]), word, before or "–", after

"""`schedule add`, `list` and `cancel`, and `deploy --at`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from console.cli.deploying import confirm, read_wish
from console.cli.output import show, show_rows
from console.cli.session import Session
from console.cli.words import say_moment, table
from console.client.service import ScheduleRequest
from console.domain.errors import ExitCode, UsageError
from console.domain.ids import EnvironmentName
from console.domain.schedule import Scheduled, say_pinned

LISTED_DAYS = 90


async def schedule(session: Session) -> int:
    return await {"add": add, "list": _list, "cancel": _cancel}[session.options.action](session)


async def add(session: Session) -> int:
    """Show the plan as of that moment, ask, and have it begin then."""
    options = session.options
    if getattr(options, "wait", False):
        raise UsageError(
            "What begins later is not waited for.",
            "options --at and --wait",
            "Leave one out; `quarterdeck show ENV` tells how it went.",
        )
    wish = read_wish(session)
    if wish.at is None:
        raise UsageError("A deployment to come has a time.", "option --at", "Write 22:00 or 2026-11-22T22:00.")
    service = await session.service()
    digest = await confirm(session, service, wish)
    request = ScheduleRequest(wish, options.request_id or uuid.uuid4().hex, digest)
    added = await service.add_scheduled(request)
    show(session, added, [added.id])
    session.say(
        f"{added.release} goes to {added.environment} at {added.at:%Y-%m-%d %H:%M:%S} UTC.",
        *filter(None, [say_pinned(added.release, wish.release)]),
        f"`quarterdeck schedule cancel {added.id}` takes it off the schedule.",
    )
    return ExitCode.GOOD


async def _list(session: Session) -> int:
    options = session.options
    service = await session.service()
    name = EnvironmentName(options.environment) if options.environment else None
    found = await service.schedule(name, days=LISTED_DAYS if options.all else 0)
    show_rows(session, found, _lines(found))
    return ExitCode.GOOD


async def _cancel(session: Session) -> int:
    service = await session.service()
    gone = await service.cancel_scheduled(session.options.scheduled, session.options.reason)
    show(session, gone, [f"{gone.id} is cancelled: {gone.release.name} does not go to {gone.environment}."])
    return ExitCode.GOOD


def _lines(found: Sequence[Scheduled]) -> Iterator[str]:
    if not found:
        yield "Nothing is scheduled."
        return
    rows = [
        [
            entry.id,
            say_moment(entry.at),
            entry.environment,
            str(entry.release),
            entry.asked_by,
            entry.status.value,
            entry.deployment or entry.detail or entry.wish.reason or "–",
        ]
        for entry in found
    ]
    yield from table(["SCHEDULED", "AT", "ENVIRONMENT", "RELEASE", "BY", "STATUS", "ABOUT"], rows)

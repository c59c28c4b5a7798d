"""`freeze add`, `list` and `lift`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from console.cli.output import show, show_rows
from console.cli.session import Session
from console.cli.times import parse_later
from console.cli.words import say_moment, table
from console.config.durations import parse_duration
from console.domain.errors import ExitCode, UsageError
from console.domain.freeze import FreezeSpan, FreezeWish, say_from, say_until
from console.domain.ids import EnvironmentName, ServiceName


async def freeze(session: Session) -> int:
    return await {"add": _add, "list": _list, "lift": _lift}[session.options.action](session)


async def _add(session: Session) -> int:
    options, now = session.options, session.now()
    begin = parse_later(options.begin, now, "option --from") if options.begin else now
    end = _end(options.length, options.until, begin)
    service = await session.service()
    held = tuple(map(ServiceName, options.service))
    wish = FreezeWish(EnvironmentName(options.environment), begin, end, options.reason, held)
    added = await service.add_freeze(wish)
    said = say_until(added.span) if added.span.holds_at(now) else say_from(added.span)
    show(session, added, [added.id])
    session.say(f"{added.environment} is {said}.", f"`quarterdeck freeze lift {added.id}` ends it before.")
    return ExitCode.GOOD


async def _list(session: Session) -> int:
    name = session.options.environment
    service = await session.service()
    found = await service.freezes(EnvironmentName(name) if name else None)
    show_rows(session, found, _lines(found, session.now()))
    return ExitCode.GOOD


async def _lift(session: Session) -> int:
    service = await session.service()
    lifted = await service.lift_freeze(session.options.freeze, session.options.reason)
    show(session, lifted, [f"{lifted.environment} is no longer {say_until(lifted.span)}."])
    return ExitCode.GOOD


def _lines(found: Sequence[FreezeSpan], now: datetime) -> Iterator[str]:
    if not found:
        yield "Nothing is frozen, and no freeze is to come."
        return
    rows = [
        [
            span.environment,
            ", ".join(span.services) or "all",
            "holds" if span.holds_at(now) else "to come",
            say_moment(span.begins_at),
            say_moment(span.ends_at),
            span.source,
            span.reason,
        ]
        for span in found
    ]
    yield from table(["ENVIRONMENT", "SERVICES", "STATE", "FROM", "UNTIL", "BY", "REASON"], rows)


def _end(length: str, moment: str, begin: datetime) -> datetime:
    """Raises UsageError for none, two, or what is neither a length nor a moment."""
    if bool(length) is bool(moment):
        raise UsageError("A freeze has one end.", "options --for and --until", "Name one of them.")
    if moment:
        return parse_later(moment, begin, "option --until")
    try:
        lasts = parse_duration(length)
    except ValueError as problem:
        raise UsageError(f"{length!r} is no length of time.", "option --for", "Write 2h, or 3d.") from problem
    if lasts <= timedelta():
        raise UsageError("A freeze lasts longer than nothing.", "option --for", "Write 2h, or 3d.")
    return begin + lasts

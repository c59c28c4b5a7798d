"""`audit show` and `verify`, and `dora`: what the record tells of people and of delivery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.cli.output import show, show_json, show_lines, show_rows
from console.cli.session import Session
from console.cli.times import parse_moment
from console.cli.words import counted, say_length, say_moment, say_share, table
from console.domain.audit import AuditCheck, AuditEntry
from console.domain.codec import to_json
from console.domain.delivery import DEFINITIONS, Delivery
from console.domain.errors import ExitCode
from console.domain.ids import EnvironmentName


async def audit(session: Session) -> int:
    return await {"show": _show, "verify": _verify}[session.options.action](session)


async def _show(session: Session) -> int:
    """Who asked for what, newest first, with what was refused."""
    options, now = session.options, session.now()
    since = parse_moment(options.since, now) if options.since else None
    service = await session.service()
    found = await service.audit(since, now, options.limit)
    kept = [
        entry
        for entry in found
        if (not options.actor or entry.actor == options.actor)
        and (not options.subject or entry.subject == options.subject)
    ]
    show_rows(session, kept, entry_lines(kept))
    return ExitCode.GOOD


async def _verify(session: Session) -> int:
    """Whether the record holds together; 1 where it does not."""
    service = await session.service()
    check = await service.verify_audit()
    if session.form == "text":
        show_lines(session, check_lines(check))
    else:
        show_json(session, {"whole": check.is_whole, **to_json(check)})
    return ExitCode.GOOD if check.is_whole else ExitCode.FAILED


async def dora(session: Session) -> int:
    """The four figures of DORA by environment, with what each of them means here."""
    options, now = session.options, session.now()
    service = await session.service()
    name = EnvironmentName(options.environment) if options.environment else None
    found = await service.delivery(name, parse_moment(options.since, now), now)
    if name is not None:
        show(session, found[0], delivery_lines(found))
    else:
        show_rows(session, found, delivery_lines(found))
    return ExitCode.GOOD


def entry_lines(found: Sequence[AuditEntry]) -> list[str]:
    rows = [[say_moment(one.at), one.actor, one.action, one.subject, one.outcome, _detail(one)] for one in found]
    return table(["AT", "WHO", "WHAT", "OF", "OUTCOME", "DETAIL"], rows)


def _detail(entry: AuditEntry) -> str:
    return "; ".join(f"{name} {value}" for name, value in entry.detail.items())


def check_lines(check: AuditCheck) -> Iterator[str]:
    yield (
        f"read      {counted(check.events, 'event')} of {counted(check.deployments, 'deployment')}, "
        f"{check.entries} rows of the audit"
    )
    for problem in check.problems:
        yield f"wrong     {problem}"
    if check.is_whole:
        yield "whole     every deployment's events make sense from its request on, and the history says what they say"
    for limit in check.limits:
        yield f"unproven  {limit}"


def delivery_lines(found: Sequence[Delivery]) -> Iterator[str]:
    heads = ["ENVIRONMENT", "DEPLOYMENTS", "STAYED", "A DAY", "LEAD TIME", "CHANGE FAILURES", "TIME TO RESTORE"]
    rows = [
        [
            one.environment,
            str(one.deployments),
            str(one.succeeded),
            f"{one.frequency_per_day:.2f}",
            _median(one.lead_time_s, one.timed),
            say_share(one.change_failure_rate),
            _median(one.time_to_restore_s, one.restored),
        ]
        for one in found
    ]
    yield from table(heads, rows)
    yield ""
    if found:
        yield f"from {say_moment(found[0].since)} to {say_moment(found[0].until)}"
    for name, meaning in DEFINITIONS.items():
        yield f"{name.replace('_', ' ')}: {meaning}"


def _median(seconds: float | None, count: int) -> str:
    return "–" if seconds is None else f"{say_length(seconds)} (of {count})"

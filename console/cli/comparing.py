"""`config diff`: variables of services as they are set, beside what is wanted and what the live release ran with."""

from __future__ import annotations

from collections.abc import Iterator

from console.cli.output import show
from console.cli.session import Session
from console.cli.words import table
from console.domain.errors import ExitCode
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.variables import ABSENT, VariableLine, VariableReport, VariableState


async def diff(session: Session) -> int:
    """Show what differs, or everything with `--all`; the exit code says whether anything does."""
    options = session.options
    service = await session.service()
    other = EnvironmentName(options.other) if options.other else None
    services = tuple(ServiceName(name) for name in options.service)
    report = await service.variables(EnvironmentName(options.environment), other, services)
    show(session, report, report_lines(report, everything=options.all))
    if session.form == "text":
        session.say(*report.notes)
    return ExitCode.GOOD if report.equal else ExitCode.FAILED


def report_lines(report: VariableReport, *, everything: bool) -> Iterator[str]:
    yield from (f"! {problem}" for problem in report.problems)
    doubtful = {VariableState.UNREADABLE}
    shown = [line for line in report.lines if everything or line.differs or line.state in doubtful]
    if shown:
        heads = ("SERVICE", "NAME", "STATE", report.other.upper() or "WANTED", "SET", "LIVE", "")
        yield from table(heads, [_row(line) for line in shown])
    differing = sum(line.differs for line in report.lines)
    against = f" from {report.other}" if report.other else ""
    told = f"{differing} of {len(report.lines)} variables differ{against}" if differing else f"nothing differs{against}"
    unread = ", but not everything could be read" if report.problems else ""
    counted = "" if differing else f" ({len(report.lines)} variables)"
    yield f"{report.environment}: {told}{counted}{unread}."


def _row(line: VariableLine) -> tuple[str, ...]:
    place = f"{line.service} ({line.place})" if line.place else line.service
    drifted = "drifted since the last deployment" if line.drifted else ""
    words = "; ".join(part for part in (drifted, line.detail) if part)
    return (place, line.name, line.state.value, *(_digest(d) for d in (line.wanted, line.actual, line.live)), words)


def _digest(digest: str) -> str:
    return "–" if digest == ABSENT else digest

"""`secrets check`: what is wrong with secrets, and how old each is; never what they are."""

from __future__ import annotations

from collections.abc import Iterator

from console.cli.output import show
from console.cli.session import Session
from console.cli.words import table
from console.domain.errors import ExitCode
from console.domain.secrets import SecretReport, SecretUse


async def check(session: Session) -> int:
    """Exit code 0 for no findings, 1 for some, or for a platform that could not be read."""
    service = await session.service()
    report = await service.secrets(session.options.max_age)
    show(session, report, report_lines(report))
    if session.form == "text":
        session.say(*report.notes)
    return ExitCode.GOOD if report.good else ExitCode.FAILED


def report_lines(report: SecretReport) -> Iterator[str]:
    if report.uses:
        yield from table(("SECRET", "KEPT IN", "DIGEST", "SINCE"), [_row(report, use) for use in report.uses])
        yield ""
    for finding in report.findings:
        yield f"{finding.problem.value:<11} {finding.what}"
        if finding.remedy:
            yield f"{'':<11} {finding.remedy}"
    count = len(report.findings)
    yield f"{len(report.uses)} secrets, {count or 'no'} finding{'' if count == 1 else 's'}."


def _row(report: SecretReport, use: SecretUse) -> tuple[str, ...]:
    age = "–" if use.since is None else f"{use.since:%Y-%m-%d}, {(report.at - use.since).days} days"
    return use.name, use.reference or "the platform", use.digest or "–", age

"""`doctor`: everything that has to be right before a deployment, and what to do about what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.checkup import CONFIGURATION, check_configuration, check_host, examine_here, open_what_can_be
from console.cli.output import show_json, show_lines, show_rows
from console.cli.session import Session
from console.domain.errors import ConsoleError, ExitCode, UsageError
from console.domain.exchange import Condition, Finding

if TYPE_CHECKING:
    from console.client.service import Service
    from console.config.settings import Settings

WORKER = "worker"
GLYPHS = {Condition.GOOD: "✓", Condition.WARN: "!", Condition.BAD: "✗"}


async def doctor(session: Session) -> int:
    """Look at everything, or at the providers named; 0 when nothing is bad, 2 for the configuration, else 1."""
    findings = await _look(session, tuple(session.options.provider))
    is_good = all(finding.condition is not Condition.BAD for finding in findings)
    if session.form == "text":
        show_lines(session, finding_lines(findings))
        session.say(_summary(findings))
    elif session.form == "jsonl":
        show_rows(session, findings, ())
    else:
        from console.domain.codec import to_json

        show_json(session, {"good": is_good, "findings": to_json(findings)})
    if is_good:
        return ExitCode.GOOD
    is_ours = any(f.subject == CONFIGURATION and f.condition is Condition.BAD for f in findings)
    return ExitCode.USAGE if is_ours else ExitCode.FAILED


async def _look(session: Session, names: Sequence[str]) -> list[Finding]:
    from console.config.location import locate

    path = locate(session.home, session.config)
    findings = list(check_host(session.home))
    about_file, settings = await asyncio.to_thread(check_configuration, path)
    findings += about_file
    if settings is not None:
        _refuse_unknown(names, settings)
        from console.cli.backup_checkup import check_backups

        findings += await asyncio.to_thread(lambda: list(check_backups(settings, session.home, session.now())))
    service = await session.reach.running(session.home)
    if service is None:
        words = "none runs; it starts by itself when a command needs it"
        findings.append(Finding(WORKER, "process", Condition.WARN, words, "`quarterdeck worker start` starts one now."))
    else:
        return [*findings, *await _ask_worker(service, path, names)]
    if settings is None:
        return findings
    from providers.statuspages import StatusPages

    about_secrets, connections = await asyncio.to_thread(open_what_can_be, settings)
    return [*findings, *about_secrets, *await examine_here(settings, connections, names, StatusPages())]


async def _ask_worker(service: Service, path: Path, names: Sequence[str]) -> list[Finding]:
    """What the worker says of itself and of the platforms; it knows best what is left of their limits."""
    from importlib.metadata import version

    status = await service.worker_status()
    ours = version("quarterdeck")
    words = f"process {status.pid}, version {status.version}, since {status.started_at:%Y-%m-%d %H:%M} UTC"
    again = "`quarterdeck worker stop`; the next command starts the new one, deployments go on."
    findings = [Finding(WORKER, "process", Condition.GOOD, words, figures={"version": status.version})]
    if status.version != ours:
        words = f"it is {status.version}, and this command {ours}"
        findings.append(Finding(WORKER, "version", Condition.WARN, words, again))
    if await asyncio.to_thread(_changed_at, path) > status.started_at:
        words = "it was changed after the worker had started, which knows what it said before"
        findings.append(Finding(WORKER, "configuration", Condition.WARN, words, again))
    try:
        return [*findings, *await service.examine(tuple(names))]
    except UsageError as problem:
        findings.append(Finding(WORKER, "examination", Condition.BAD, problem.what, problem.remedy or again))
    except ConsoleError as problem:
        findings.append(Finding(WORKER, "examination", Condition.BAD, problem.what, problem.remedy))
    return findings


def _changed_at(path: Path) -> datetime:
    """When a file was last written; long ago for none."""
    return datetime.fromtimestamp(path.stat().st_mtime if path.exists() else 0, UTC)


def _refuse_unknown(names: Sequence[str], settings: Settings) -> None:
    for name in names:
        if name not in settings.providers:
            known = ", ".join(settings.providers) or "none"
            raise UsageError(f"There is no provider {name!r}.", f"configured: {known}", "Name one of these.")


def finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """By subject, in the order in which each is first told of; what to do stands below what is not good."""
    found = list(findings)
    order = list(dict.fromkeys(finding.subject for finding in found))
    found.sort(key=lambda finding: order.index(finding.subject))
    width = max((len(finding.topic) for finding in found), default=0)
    subject = ""
    for finding in found:
        if finding.subject != subject:
            subject = finding.subject
            yield subject
        state = f"{GLYPHS[finding.condition]} {finding.condition.value}".ljust(6)
        yield f"  {state}  {finding.topic.ljust(width)}  {finding.what}"
        if finding.remedy and finding.condition is not Condition.GOOD:
            yield f"  {'':6}  {'':{width}}  → {finding.remedy}"


def _summary(findings: Sequence[Finding]) -> str:
    bad = sum(finding.condition is Condition.BAD for finding in findings)
    warned = sum(finding.condition is Condition.WARN for finding in findings)
    if not bad and not warned:
        return "Everything is good."
    return f"{bad} bad, {warned} to look at."

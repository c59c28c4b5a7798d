"""How the platforms are for us now: token, scopes, capabilities, clock, limits, speed, and their status pages.

Reads only. All providers are examined at once; one that does not answer keeps no other from being told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from console.config.kinds import DATABASE_KINDS
from console.config.settings import Settings
from console.domain.errors import ConsoleError, RateLimited, Unauthorized, Unreachable
from console.domain.exchange import Condition, Finding
from console.engine.executors.trial import PROBES
from console.server.catalogue import describe_capabilities, find_connection
from console.server.forcing import examine_forcing
from providers.contract import NOT_OFFERED, Account, AccountReport, Connection, Unsupported
from providers.registry import LOST_WITHOUT, status_page_of
from providers.statuspages import PageReport, StatusPages

NOTABLE_SKEW = timedelta(seconds=5)
HARMFUL_SKEW = timedelta(seconds=60)
"""Tokens that are signed here, as those of GitHub Apps, are refused beyond it."""
SLOW_SECONDS = 2.0


class Examiner:
    """Examines the providers of one configuration."""

    def __init__(self, settings: Settings, connections: Mapping[str, Connection], pages: StatusPages) -> None:
        self._settings = settings
        self._connections = connections
        self._pages = pages

    async def examine(self, names: Sequence[str] = ()) -> tuple[Finding, ...]:
        """Everything about the providers named, or about all. Raises UsageError for one that is not configured."""
        chosen = [find_connection(self._connections, name) for name in names or self._connections]
        found = await asyncio.gather(*map(self._examine, chosen))
        return tuple(finding for findings in found for finding in findings)

    async def _examine(self, connection: Connection) -> list[Finding]:
        account = connection.capabilities.account
        findings = []
        page = await self._pages.fetch(self._page_of(connection))
        if isinstance(account, Unsupported):
            reason = "There is no account to check." if account == NOT_OFFERED else account.reason
            findings.append(Finding(connection.name, "token", Condition.GOOD, reason, account.remedy))
        else:
            findings += await self._examine_account(connection, account, page)
        findings += _judge_capabilities(connection, _needed(self._settings, connection.name))
        findings += await examine_forcing(self._settings, connection, self._connections.get(PROBES))
        if page is not None:
            condition = Condition.WARN if page.is_incident else Condition.GOOD
            figures = {"indicator": page.indicator, "incidents": list(page.incidents)}
            findings.append(Finding(connection.name, "status page", condition, page.words, page.page, figures))
        return findings

    async def _examine_account(
        self, connection: Connection, account: Account, page: PageReport | None
    ) -> list[Finding]:
        began = time.monotonic()
        try:
            report = await account.fetch_account()
        except ConsoleError as problem:
            return [_judge_refusal(connection.name, problem, page)]
        seconds = time.monotonic() - began
        slow = Condition.WARN if seconds > SLOW_SECONDS else Condition.GOOD
        return [
            Finding(connection.name, "token", Condition.GOOD, f"works, as {report.identity}"),
            *_judge_scopes(connection, report),
            *_judge_clock(connection.name, report.clock_skew),
            *_judge_limits(connection.name, report.limits),
            Finding(
                connection.name,
                "latency",
                slow,
                f"answers in {seconds:.2f} s",
                "Steps that ask it take longer; look at the network between here and there."
                if seconds > SLOW_SECONDS
                else "",
                {"seconds": round(seconds, 3)},
            ),
        ]

    def _page_of(self, connection: Connection) -> str:
        block = self._settings.providers.get(connection.name)
        return status_page_of(connection.kind, block.options, block.status_page) if block is not None else ""


def _judge_refusal(name: str, problem: ConsoleError, page: PageReport | None) -> Finding:
    where = f" {problem.where}." if problem.where else ""
    remedy = f"{where} {problem.remedy}".strip()
    if isinstance(problem, RateLimited):
        return Finding(name, "limits", Condition.WARN, problem.what, remedy)
    if isinstance(problem, Unauthorized):
        return Finding(name, "token", Condition.BAD, problem.what, remedy)
    if isinstance(problem, Unreachable) and page is not None:
        whose = (
            f"Its status page tells of an incident: {page.words}."
            if page.is_incident
            else "Its status page tells of none."
        )
        return Finding(name, "reachable", Condition.BAD, problem.what, f"{whose} {remedy}")
    return Finding(name, "reachable", Condition.BAD, problem.what, remedy)


def _judge_scopes(connection: Connection, report: AccountReport) -> Iterator[Finding]:
    figures = {"scopes": list(report.scopes), "missing": list(report.missing_scopes)}
    if report.missing_scopes:
        words = f"the token lacks {', '.join(report.missing_scopes)}"
        lost = LOST_WITHOUT.get(connection.kind, "What needs it is refused.")
        remedy = f"{lost} Deployments that use it do not start; make a token that has it."
        yield Finding(connection.name, "scopes", Condition.BAD, words, remedy, figures)
    else:
        words = ", ".join(report.scopes) or "the platform lists none; nothing is known to be missing"
        yield Finding(connection.name, "scopes", Condition.GOOD, words, figures=figures)


def _judge_clock(name: str, skew: timedelta | None) -> Iterator[Finding]:
    if skew is None:
        return
    seconds = skew.total_seconds()
    condition = Condition.GOOD
    if abs(skew) > NOTABLE_SKEW:
        condition = Condition.BAD if abs(skew) > HARMFUL_SKEW else Condition.WARN
    side = "behind" if seconds > 0 else "ahead of"
    words = f"ours is {abs(seconds):.1f} s {side} the platform's" if abs(seconds) >= 1 else "agrees with the platform's"
    remedy = "" if condition is Condition.GOOD else "Set this host's clock, e.g. by chrony or systemd-timesyncd."
    yield Finding(name, "clock", condition, words, remedy, {"seconds": round(seconds, 3)})


def _judge_limits(name: str, limits: Mapping[str, str]) -> Iterator[Finding]:
    for limit, words in limits.items():
        used_up = words.startswith(("0 ", "-"))
        remedy = "Requests of this class wait until then." if used_up else ""
        condition = Condition.WARN if used_up else Condition.GOOD
        yield Finding(name, f"limit {limit}", condition, words, remedy)


def _judge_capabilities(connection: Connection, needed: frozenset[str]) -> Iterator[Finding]:
    about = describe_capabilities(connection)
    offered = [one.name for one in about if one.offered]
    lacking = {one.name: " ".join(filter(None, (one.reason, one.remedy))) for one in about if not one.offered}
    figures = {"offered": offered, "not_offered": lacking}
    words = f"offers {', '.join(offered) or 'nothing'}"
    yield Finding(connection.name, "capabilities", Condition.GOOD, words, figures=figures)
    for one in about:
        if one.offered or (one.name not in needed and one.reason == NOT_OFFERED.reason):
            continue
        if one.name in needed:
            words = f"not offered, and the configuration needs it: {one.reason}"
            yield Finding(connection.name, one.name, Condition.BAD, words, one.remedy)
        else:
            yield Finding(connection.name, one.name, Condition.GOOD, f"not offered: {one.reason}", one.remedy)


def _needed(settings: Settings, provider: str) -> frozenset[str]:
    """What the configuration's deployments ask of a provider."""
    needed = {"releases", "checks", "announce"} if settings.source.provider == provider else set[str]()
    for environment in settings.environments.values():
        for name, placement in environment.services.items():
            if placement.traffic is not None and placement.traffic.router == provider:
                needed |= {"router", "shift_traffic"}
            if name not in settings.services or settings.services[name].provider != provider:
                continue
            if placement.migrations:
                needed |= {"migrate", "migrations"}
            elif settings.kind_of(name) not in DATABASE_KINDS:
                needed |= {"inventory", "deploy"}
    return frozenset(needed)

"""Whether the record still holds together: numbers without a gap, histories that fold, lines that say what events say.

Pure but for reading. No digest chains one row to the next: a row whose content was changed by somebody with the
database's own rights, so that it still makes sense, is not found. The check says so itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from console.domain.audit import AuditCheck, AuditEntry
from console.domain.deployment import Deployment, begin
from console.domain.errors import InvalidTransition, StoreDamaged
from console.domain.events import Event
from console.domain.exchange import HistoryQuery
from console.domain.ids import DeploymentId
from console.domain.observations import DeploymentSummary

AT_ONCE = 2000
EVERYTHING = 1_000_000
CONTENT = (
    "Rows are not chained by digests: one that was rewritten by somebody with the rights of the database, so that it "
    "still makes sense, is not found. Keep copies of the database elsewhere to prove more."
)


class Record(Protocol):
    """The part of the ledger that is looked at."""

    async def events_after(self, seq: int, limit: int = 500) -> tuple[Event, ...]: ...

    async def last_seq(self) -> int: ...

    async def summaries(self, query: HistoryQuery) -> tuple[DeploymentSummary, ...]: ...

    async def audit(self, *, limit: int = 500) -> tuple[AuditEntry, ...]: ...


@dataclass
class _Walk:
    """The events, one after the other."""

    deployments: dict[DeploymentId, Deployment]
    broken: dict[DeploymentId, str]
    count: int = 0
    last: int = 0

    def take(self, event: Event) -> None:
        self.count, self.last = self.count + 1, event.seq
        name = event.deployment
        if name in self.broken:
            return
        known = self.deployments.get(name)
        try:
            self.deployments[name] = begin(event) if known is None else known.apply(event)
        except InvalidTransition as problem:
            self.broken[name] = f"Deployment {name} does not hold together at event {event.seq}: {problem.what}"


async def verify_record(record: Record, *, keeps: int, passes_over_numbers: bool) -> AuditCheck:
    """Read everything once and say what does not hold together.

    Args:
        keeps: How many deployments are kept. While fewer are on record none was removed by time, and a gap is a fault.
        passes_over_numbers: Whether the store may pass over numbers of audit rows by itself, as Postgres does.
    """
    walk = _Walk({}, {})
    damage = ""
    given, before = await record.last_seq(), await record.summaries(HistoryQuery(limit=EVERYTHING))
    try:
        while found := await record.events_after(walk.last, AT_ONCE):
            for event in found:
                walk.take(event)
    except StoreDamaged as problem:
        damage = f"Events after {walk.last} cannot be read: {problem.what}"
    lines = await record.summaries(HistoryQuery(limit=EVERYTHING))
    entries = await record.audit(limit=EVERYTHING)
    highest = max(given, walk.last)
    missing, lost = highest - walk.count, _missing([entry.id for entry in entries])
    problems = [*walk.broken.values(), *([damage] if damage else []), *_differences(walk, before, lines)]
    limits = [CONTENT]
    gap = f"{missing} of the numbers up to {highest} have no event"
    if missing and len(lines) < keeps:
        problems.append(f"{gap}, and no deployment is old enough to have been removed.")
    elif missing:
        why = f"deployments beyond the newest {keeps} are removed in time"
        limits.append(f"{gap}: {why}. Whether all of them went that way cannot be told.")
    if lost and not passes_over_numbers:
        problems.append(f"{lost} of the numbers of audit rows are missing; nothing of ours removes any.")
    elif lost:
        limits.append(f"{lost} of the numbers of audit rows are missing; the database passes over some by itself.")
    return AuditCheck(walk.count, missing, len(walk.deployments), len(entries), lost, tuple(problems), tuple(limits))


def _missing(numbers: Sequence[int]) -> int:
    return max(numbers, default=0) - len(numbers)


def _differences(walk: _Walk, before: Sequence[DeploymentSummary], lines: Sequence[DeploymentSummary]) -> list[str]:
    """What the history says against what the events say; a line that changed while they were read tells nothing."""
    known: Mapping[str, DeploymentSummary] = {line.id: line for line in lines}
    steady = {line.id: line for line in before if known.get(line.id) == line}
    found = [
        f"Deployment {name} has events and is not in the history." for name in walk.deployments if name not in known
    ]
    for name, line in steady.items():
        told = walk.deployments.get(DeploymentId(name))
        if told is None:
            found.append(f"Deployment {name} is in the history and has no events.")
        elif name not in walk.broken and (told.status, told.requested_by) != (line.status, line.requested_by):
            found.append(
                f"Deployment {name}: the history says {line.status.value}, asked for by {line.requested_by}; "
                f"its events say {told.status.value}, asked for by {told.requested_by}."
            )
    return found

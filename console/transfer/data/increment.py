"""Bring over only what changed since: compare, decide, write, and compare again what was written.

Nothing is written before the whole comparison has ended. It may be killed at any moment: what was written is on record
and the same on both sides, so that the next run finds only the rest.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import StrEnum

from console.transfer.connecting import connect_target
from console.transfer.data import bases, records
from console.transfer.data.apply import Applier, Written
from console.transfer.data.catalog import read_catalog
from console.transfer.data.compare import Difference, RowDifference, find_differences
from console.transfer.data.inventory import quoted
from console.transfer.data.load import Stopped
from console.transfer.data.matching import Gap, Match, match_tables
from console.transfer.data.records import Refused, Target
from console.transfer.data.request import Progress, Request
from console.transfer.data.run import choose_tables
from console.transfer.data.schema import next_number
from console.transfer.data.source import connect, find_faults, readable, take_snapshot
from console.transfer.data.spool import Counted, Spool
from console.transfer.data.there import refuse_encoding

COPY = "increment.sqlite"
"""The source as it is now, in the folder of the transfer for as long as this goes on."""
BATCH = 2_000
CHANGES_SHOWN = 1_000
TRIES = 8
"""Times that rows which wait for others are tried; each must bring at least one of them further."""
BRING = (Difference.ONLY_HERE, Difference.CHANGED, Difference.NO_PLACE)


class OnConflict(StrEnum):
    """What becomes of a row that differs and that somebody else wrote over there since the last transfer."""

    SOURCE = "source"
    TARGET = "target"
    STOP = "stop"


@dataclass(frozen=True)
class Increment:
    """What is wanted. `deletes`: rows that the source no longer has go over there too."""

    request: Request
    deletes: bool = False
    on_conflict: OnConflict = OnConflict.STOP


@dataclass(frozen=True)
class TableIncrement:
    """What was found in one table, and what became of it.

    Attributes:
        changes: The first rows that differ.
        known: An earlier transfer is on record, so that it is known who wrote which row.
        unlike: Rows that should be the same by now and are not.
        kept: Rows that could not be deleted because others point to them.
    """

    match: Match
    rows: int
    found: Counted
    changes: tuple[RowDifference, ...]
    known: bool
    upserted: int = 0
    deleted: int = 0
    quarantined: int = 0
    skipped: int = 0
    kept: int = 0
    unlike: int = 0


@dataclass(frozen=True)
class IncrementResult:
    """What became of it. `conflicts`: rows that differ and that somebody else wrote. `halted`: they stopped it."""

    tables: tuple[TableIncrement, ...]
    gaps: tuple[Gap, ...]
    faults: tuple[str, ...]
    increment: Increment
    conflicts: int = 0
    halted: bool = False
    refused: tuple[Refused, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        return sum(max(table.quarantined, table.found.no_place) for table in self.tables)

    @property
    def written(self) -> int:
        return sum(table.upserted + table.deleted for table in self.tables)

    @property
    def holds(self) -> bool:
        """Both sides are alike as far as this was asked for."""
        bad = any(table.unlike or table.kept or table.skipped for table in self.tables)
        return not (self.halted or bad or any(gap.loses for gap in self.gaps))


def run_increment(
    increment: Increment,
    *,
    told: Callable[[Progress], None] = lambda progress: None,
    stopped: Callable[[], bool] = lambda: False,
) -> IncrementResult:
    """Bring over what changed, or with `dry_run` say what would be.

    Raises:
        UsageError: The source is no SQLite file, or a table is unknown.
        Stopped: `stopped` said so, between two batches.
        psycopg.Error: The server went away, or refused something that is nobody's row.
    """
    request = increment.request
    request.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = request.work / COPY
    began = time.monotonic()
    take_snapshot(request.source, copy, lambda done, all_: told(Progress("snapshot", request.source.name, done, all_)))
    seconds = {"snapshot": time.monotonic() - began}
    try:
        with connect_target(request.address) as target, closing(Spool()) as spool:
            refuse_encoding(target)
            with readable(request.source), closing(connect(copy)) as lite:
                return _Run(increment, lite, target, spool, told, stopped, seconds).run()
    finally:
        copy.unlink(missing_ok=True)


class _Run:
    def __init__(
        self,
        increment: Increment,
        lite: sqlite3.Connection,
        target: Target,
        spool: Spool,
        told: Callable[[Progress], None],
        stopped: Callable[[], bool],
        seconds: dict[str, float],
    ) -> None:
        self._increment = increment
        self._request = increment.request
        self._lite = lite
        self._target = target
        self._spool = spool
        self._told = told
        self._stopped = stopped
        self._seconds = seconds
        self._marks: dict[str, str] = {}
        self._id = f"increment-{time.time_ns() // 1_000_000}"

    def run(self) -> IncrementResult:
        request, began = self._request, time.monotonic()
        schema = quoted(request.schema)
        matches, gaps = match_tables(
            self._lite,
            choose_tables(request, self._lite)[1],
            read_catalog(self._target, schema),
            bases.load_bases(self._target, request.schema),
            schema=request.schema,
            keep_case=request.keep_case,
            rules=request.rules,
        )
        self._seconds["survey"] = time.monotonic() - began
        began = time.monotonic()
        tables = tuple(self._compare(match) for match in matches)
        self._seconds["compare"] = time.monotonic() - began
        faults = self._find_faults(tables)
        result = IncrementResult(tables, gaps, faults, self._increment, self._conflicts(tables), seconds=self._seconds)
        if result.conflicts and self._increment.on_conflict is OnConflict.STOP:
            return replace(result, halted=True)
        if request.dry_run:
            return result
        return self._write(result)

    def _find_faults(self, tables: Sequence[TableIncrement]) -> tuple[str, ...]:
        """Checked before anything is written: where nothing is, no fault can do harm."""
        began = time.monotonic()
        if not self._request.dry_run and any(table.found.all for table in tables):
            self._told(Progress("check", "the file itself"))
            faults = tuple(find_faults(self._request.work / COPY))
        else:
            faults = ()
        self._seconds["check"] = time.monotonic() - began
        return faults

    def _compare(self, match: Match) -> TableIncrement:
        name, rows = match.plan.source.name, match.plan.rows
        touched = (
            "true" if match.base is None else bases.is_foreign(self._target, match.base.snapshot, match.base.writes)
        )
        self._marks[name] = bases.take_mark(self._target)

        def tell(done: int) -> None:
            if self._stopped():
                raise Stopped
            self._told(Progress("compare", name, done, rows))

        with closing(find_differences(self._lite, self._target, match.plan, tell, touched)) as found:
            self._spool.add(name, found)
        return TableIncrement(
            match, rows, self._spool.count(name), self._spool.first(name, CHANGES_SHOWN), match.base is not None
        )

    def _conflicts(self, tables: Sequence[TableIncrement]) -> int:
        changed = sum(table.found.changed_touched for table in tables)
        return changed + (sum(table.found.only_there_touched for table in tables) if self._increment.deletes else 0)

    def _write(self, result: IncrementResult) -> IncrementResult:
        began = time.monotonic()
        busy = [table for table in result.tables if self._has_work(table)]
        written: dict[str, Written] = {}
        if busy:
            records.prepare(self._target)
            appliers = {table.match.plan.source.name: self._applier(table.match) for table in busy}
            for table in busy:
                self._bring(table, appliers[table.match.plan.source.name])
            if self._increment.deletes:
                for table in reversed(busy):
                    self._delete(table, appliers[table.match.plan.source.name])
            self._try_again(appliers)
            written = {name: applier.written for name, applier in appliers.items()}
        self._seconds["write"] = time.monotonic() - began
        began = time.monotonic()
        tables = tuple(self._ended(table, written.get(table.match.plan.source.name)) for table in result.tables)
        self._seconds["proof"] = time.monotonic() - began
        names = [table.match.plan.source.name for table in busy]
        refused = tuple(records.refused_of(self._target, names, CHANGES_SHOWN)) if busy else ()
        return replace(result, tables=tables, refused=refused)

    def _has_work(self, table: TableIncrement) -> bool:
        found = table.found
        return bool(
            found.only_here or found.changed or found.no_place or (found.only_there and self._increment.deletes)
        )

    def _applier(self, match: Match) -> Applier:
        if match.base is None:
            bases.keep_base(self._target, match.plan, bases.NOTHING_YET)
        foreign = bases.is_foreign(self._target, self._marks[match.plan.source.name], row="t")
        return Applier(self._lite, self._target, match.plan, self._id, foreign)

    def _bring(self, table: TableIncrement, applier: Applier) -> None:
        applier.prepare()
        name, done = table.match.plan.source.name, 0
        for batch in self._spool.batches(name, BRING, BATCH, touched=self._overrides):
            self._may_go_on()
            applier.upsert(batch)
            done += len(batch)
            self._told(Progress("write", name, done, table.found.all))

    def _delete(self, table: TableIncrement, applier: Applier) -> None:
        name = table.match.plan.source.name
        for batch in self._spool.batches(name, (Difference.ONLY_THERE,), BATCH, touched=self._overrides):
            self._may_go_on()
            applier.delete(batch)

    @property
    def _overrides(self) -> bool:
        return self._increment.on_conflict is OnConflict.SOURCE

    def _try_again(self, appliers: Mapping[str, Applier]) -> None:
        """Rows that other rows stood in the way of, as long as that helps; what is left is refused, or stays."""
        for _ in range(TRIES):
            before = sum(len(one.written.waiting) for one in appliers.values())
            if not before:
                return
            for applier in appliers.values():
                waiting, applier.written.waiting = applier.written.waiting, []
                if waiting:
                    applier.prepare()
                for difference, _said in waiting:
                    self._may_go_on()
                    again = applier.delete if difference.kind is Difference.ONLY_THERE else applier.upsert
                    again([difference])
            if sum(len(one.written.waiting) for one in appliers.values()) == before:
                break
        for applier in appliers.values():
            stuck = [one for one, _ in applier.written.waiting if one.kind is Difference.CHANGED]
            if len(stuck) > 1:
                applier.prepare()
                if applier.exchange(stuck):
                    applier.written.waiting = [one for one in applier.written.waiting if one[0] not in stuck]
            for difference, said in applier.written.waiting:
                if difference.kind is not Difference.ONLY_THERE:
                    applier.give_up(difference, said)

    def _may_go_on(self) -> None:
        if self._stopped():
            raise Stopped

    def _ended(self, table: TableIncrement, written: Written | None) -> TableIncrement:
        """Look again at a table that was written, number on behind its rows, and remember what both sides share now."""
        plan, left = table.match.plan, table.found
        conflicts = left.changed_touched if self._increment.on_conflict is OnConflict.TARGET else 0
        if written is None:
            if not left.no_place and records.is_prepared(self._target):
                records.release(self._target, plan.source.name, ())
            if not left.changed_touched and not left.only_there_touched and self._may_remember(table):
                bases.keep_base(self._target, plan, self._marks[plan.source.name])
            return table
        if written.upserted:
            for statement in next_number(plan, at_least_last=True):
                self._target.execute(statement.sql.encode())
        unlike = self._look_again(table) - conflicts - len(written.refused) - written.skipped
        if not conflicts:
            records.release(self._target, plan.source.name, written.refused)
        foreign = conflicts or left.only_there_touched or written.skipped
        if not foreign and unlike <= 0:
            bases.keep_base(self._target, plan, self._marks[plan.source.name], tuple(written.own))
        kept = sum(one.kind is Difference.ONLY_THERE for one, _ in written.waiting)
        return replace(
            table,
            upserted=written.upserted,
            deleted=written.deleted,
            quarantined=len(written.refused),
            skipped=written.skipped,
            kept=kept,
            unlike=max(unlike, 0),
        )

    def _may_remember(self, table: TableIncrement) -> bool:
        """A table that nobody transferred before is only remembered once it was found the same."""
        return table.match.base is None and not table.found.all and not self._request.dry_run

    def _look_again(self, table: TableIncrement) -> int:
        """Rows that differ still, and should not."""
        plan = table.match.plan
        self._told(Progress("proof", plan.source.name))
        with closing(find_differences(self._lite, self._target, plan)) as found:
            return sum(one.kind in (Difference.ONLY_HERE, Difference.CHANGED) for one in found)

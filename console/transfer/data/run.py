"""One transfer from beginning to end: look, choose, make the tables, load, make keys and indexes, prove.

It may be killed at any moment: the target's own records say how far it is, and the next run with the same snapshot goes
on there. Nothing in the source is ever written.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from console.domain.errors import UsageError
from console.transfer.connecting import connect_target
from console.transfer.data import bases, records
from console.transfer.data.inventory import Inventory, SourceTable, quoted, take_inventory
from console.transfer.data.load import Loader
from console.transfer.data.making import make_all
from console.transfer.data.plan import TablePlan, TransferPlan, build_plan
from console.transfer.data.proof import TableProof, prove
from console.transfer.data.records import Step, TableState, Target
from console.transfer.data.request import REFUSED_SHOWN, Progress, Request, Result
from console.transfer.data.schema import build_schema
from console.transfer.data.source import connect, find_faults, take_snapshot
from console.transfer.data.survey import survey
from console.transfer.data.trials import settle_computed

T = TypeVar("T")

SNAPSHOT = "source.sqlite"
"""The source as it was at the first run, in the folder of the transfer."""


def run(
    request: Request,
    *,
    told: Callable[[Progress], None] = lambda progress: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Result:
    """Transfer a file, or go on with a transfer that was cut short.

    Raises:
        UsageError: The source is no SQLite file, a table is unknown, or one of the names is taken over there.
        Stopped: `stopped` said so; a later run goes on from there.
        psycopg.Error: The server went away, or refused something that is nobody's row.
    """
    again = (request.work / SNAPSHOT).exists()
    snapshot = _snapshot(request, told)
    seconds: dict[str, float] = {}
    with closing(connect(snapshot)) as lite:
        began = time.monotonic()
        plan, faults = _look(request, snapshot, lite, told)
        seconds["survey"] = time.monotonic() - began
        if request.dry_run:
            return Result(plan, build_schema(plan), faults, seconds=seconds)
        with connect_target(request.address) as target:
            plan = settle_computed(target, plan)
            result = Result(plan, build_schema(plan), faults, seconds=seconds)
            return _Transfer(request, lite, target, result, told, stopped, seconds).run(_name_of(snapshot), again)


def _snapshot(request: Request, told: Callable[[Progress], None]) -> Path:
    """The file as it was at the first run: kept until the transfer has ended, so that every run reads the same."""
    request.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = request.work / SNAPSHOT
    if not copy.exists():
        take_snapshot(
            request.source, copy, lambda done, total: told(Progress("snapshot", request.source.name, done, total))
        )
    return copy


def find_transfer(request: Request, target: Target) -> str:
    """The id of what was begun from the snapshot that lies in the request's folder; empty where nothing was."""
    snapshot = request.work / SNAPSHOT
    known = snapshot.exists() and records.is_prepared(target)
    found = records.find(target, _name_of(snapshot)) if known else None
    return found[0] if found else ""


def _name_of(snapshot: Path) -> str:
    """What a snapshot is called over there: a digest of its header and its size, and not of its place."""
    with snapshot.open("rb") as file:
        begin = file.read(4096)
    return hashlib.sha256(begin + str(snapshot.stat().st_size).encode()).hexdigest()[:32]


def choose_tables(request: Request, lite: sqlite3.Connection) -> tuple[Inventory, tuple[SourceTable, ...]]:
    """What the file holds, and the tables that are wanted of it.

    Raises:
        UsageError: One of them is not there.
    """
    inventory = take_inventory(lite)
    unknown = [name for name in request.tables if inventory.table(name) is None]
    if unknown:
        known = ", ".join(table.name for table in inventory.tables)
        raise UsageError(f"There is no table {', '.join(unknown)}.", str(request.source), f"There are {known}.")
    wanted = {name.lower() for name in request.tables}
    return inventory, tuple(table for table in inventory.tables if not wanted or table.name.lower() in wanted)


def _look(
    request: Request, snapshot: Path, lite: sqlite3.Connection, told: Callable[[Progress], None]
) -> tuple[TransferPlan, tuple[str, ...]]:
    told(Progress("survey", "the file itself"))
    with ThreadPoolExecutor(1) as beside:  # SQLite reads without Python's lock, on the second core
        faults = beside.submit(find_faults, snapshot)
        inventory, chosen = choose_tables(request, lite)
        facts = {}
        for table in chosen:

            def tell(rows: int, name: str = table.name) -> None:
                told(Progress("survey", name, rows))

            facts[table.name] = survey(lite, table, tell)
        plan = build_plan(inventory, facts, schema=request.schema, keep_case=request.keep_case, rules=request.rules)
        return plan, tuple(faults.result())


class _Transfer:
    def __init__(
        self,
        request: Request,
        lite: sqlite3.Connection,
        target: Target,
        result: Result,
        told: Callable[[Progress], None],
        stopped: Callable[[], bool],
        seconds: dict[str, float],
    ) -> None:
        self._request = request
        self._lite = lite
        self._target = target
        self._result = result
        self._told = told
        self._stopped = stopped
        self._seconds = seconds
        self._id = ""

    def run(self, source: str, again: bool) -> Result:
        """`again`: there was a run from this very snapshot before."""
        plan, schema = self._result.plan, self._result.schema
        records.prepare(self._target)
        phase = self._begin(source, again)
        if phase is Step.LOADING:
            self._timed("load", lambda: self._load(plan))
            records.mark(self._target, self._id, Step.KEYS)
        statements = [*schema.keys, *schema.indexes, *schema.relations]
        missing = self._timed("keys", lambda: make_all(self._target, statements, self._told, self._stopped))
        self._target.execute("ANALYZE")
        states = records.states(self._target, self._id)
        proofs = self._timed(
            "proof", lambda: tuple(self._prove(table, states[table.source.name]) for table in plan.tables)
        )
        records.mark(self._target, self._id, Step.PROVEN)
        return replace(
            self._result,
            states=states,
            refused=tuple(records.refused_rows(self._target, self._id, REFUSED_SHOWN)),
            missing=missing,
            proofs=proofs,
            transfer=self._id,
        )

    def _begin(self, source: str, again: bool) -> Step:
        plan = self._result.plan
        found = records.find(self._target, source)
        if found is not None and (found[1] is not Step.PROVEN or (again and self._has_all(plan))):
            # A run may die between its proof and whoever is to hear of it: then only the proof is done again.
            self._id = found[0]
            return found[1]
        with self._target.transaction():
            self._refuse_taken(plan)
            self._id = f"{source[:12]}-{int(time.time())}"
            self._target.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(self._request.schema)}".encode())
            for statement in self._result.schema.tables:
                self._target.execute(statement.sql.encode())
            records.begin(self._target, self._id, source, {table.source.name: table.name for table in plan.tables})
        return Step.LOADING

    def _has_all(self, plan: TransferPlan) -> bool:
        return len(self._taken(plan)) == len(plan.tables)

    def _taken(self, plan: TransferPlan) -> list[str]:
        """Names of the plan's tables that something over there has."""
        rows = self._target.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relname = ANY(%s)"
            " ORDER BY relname",
            (quoted(self._request.schema), [table.name for table in plan.tables]),
        ).fetchall()
        return [str(row[0]) for row in rows]

    def _refuse_taken(self, plan: TransferPlan) -> None:
        taken = self._taken(plan)
        if taken:
            raise UsageError(
                f"The names {', '.join(taken)} are taken over there.",
                f"schema {self._request.schema}",
                "Name another schema, choose other tables, or bring only what changed with --incremental.",
            )

    def _load(self, plan: TransferPlan) -> None:
        total = sum(table.rows for table in plan.tables)
        states = records.states(self._target, self._id)
        done = sum(state.rows + state.quarantined for state in states.values())
        for table in plan.tables:
            state = states[table.source.name]
            if state.loaded:
                continue
            before = done - state.rows - state.quarantined

            def tell(name: str, rows: int, before: int = before) -> None:
                self._told(Progress("load", name, before + rows, total))

            loader = Loader(self._lite, self._target, self._id, tell, self._stopped)
            state = loader.load(table, state)
            done = before + state.rows + state.quarantined

    def _prove(self, table: TablePlan, state: TableState) -> TableProof:
        total, mark = table.rows, bases.take_mark(self._target)
        proof = prove(
            self._lite, self._target, table, state, lambda rows: self._told(Progress("proof", table.name, rows, total))
        )
        if not proof.differences:
            bases.keep_base(self._target, table, mark)
        return proof

    def _timed(self, phase: str, work: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return work()
        finally:
            self._seconds[phase] = time.monotonic() - began

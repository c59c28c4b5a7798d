"""One transfer from beginning to end: look, choose, make the tables, load, make keys and indexes, prove.

It may be killed at any moment: the target's own records say how far it is, and the next run with the same snapshot goes
on there. Nothing in the source is ever written.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from console.domain.errors import UsageError
from console.transfer.connecting import connect_target
from console.transfer.data import bases, records
from console.transfer.data.inventory import Inventory, SourceTable, take_inventory
from console.transfer.data.load import Loader
from console.transfer.data.making import make_all
from console.transfer.data.plan import TablePlan, TransferPlan, build_plan
from console.transfer.data.proof import TableProof, prove
from console.transfer.data.records import Begun, Step, TableState, Target
from console.transfer.data.request import REFUSED_SHOWN, Progress, Request, Result, choices_of
from console.transfer.data.schema import build_schema
from console.transfer.data.source import check_file, connect, find_faults, readable, take_snapshot
from console.transfer.data.survey import survey
from console.transfer.data.there import find_taken, refuse_encoding, refuse_taken
from console.transfer.data.trials import settle_computed

T = TypeVar("T")

SNAPSHOT = "source.sqlite"
"""The source as it was at the first run, in the folder of the transfer."""
MOST_COLUMNS = 1600


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
    check_file(request.source)
    request.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    seconds: dict[str, float] = {}
    with connect_target(request.address) as target:
        refuse_encoding(target)
        # A snapshot that nothing was begun from is of a run that never came so far: the file may be another by now.
        again = bool(find_transfer(request, target))
        snapshot = request.work / SNAPSHOT
        if not again:
            copy_source(request, snapshot, told)
        with readable(request.source), closing(connect(snapshot)) as lite:
            began = time.monotonic()
            plan, faults = look_at(request, snapshot, lite, told)
            seconds["survey"] = time.monotonic() - began
            plan = settle_computed(target, plan)
            result = Result(plan, build_schema(plan), faults, seconds=seconds)
            return _Transfer(request, lite, target, result, told, stopped, seconds).run(name_of(snapshot), again)


def copy_source(request: Request, copy: Path, told: Callable[[Progress], None]) -> None:
    """Take a snapshot of the file.

    Raises:
        UsageError: It is no SQLite database, damaged or locked.
    """
    take_snapshot(request.source, copy, lambda done, all_: told(Progress("snapshot", request.source.name, done, all_)))


def find_transfer(request: Request, target: Target) -> str:
    """The id of what was begun from the snapshot that lies in the request's folder; empty where nothing was."""
    snapshot = request.work / SNAPSHOT
    known = snapshot.exists() and records.is_prepared(target)
    found = records.find(target, name_of(snapshot)) if known else None
    return found.id if found else ""


def name_of(snapshot: Path) -> str:
    """What a snapshot is called over there: a digest of all that is in it, and not of its place."""
    with snapshot.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


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


def look_at(
    request: Request, snapshot: Path, lite: sqlite3.Connection, told: Callable[[Progress], None]
) -> tuple[TransferPlan, tuple[str, ...]]:
    """What every table will become, and what SQLite finds wrong with its own file.

    Raises:
        UsageError: A table is not there, or has more columns than any over there.
    """
    told(Progress("survey", "the file itself"))
    with ThreadPoolExecutor(1) as beside:  # SQLite reads without Python's lock, on the second core
        faults = beside.submit(find_faults, snapshot)
        inventory, chosen = choose_tables(request, lite)
        _refuse_wide(request, chosen)
        facts = {}
        for table in chosen:

            def tell(rows: int, name: str = table.name) -> None:
                told(Progress("survey", name, rows))

            facts[table.name] = survey(lite, table, tell)
        plan = build_plan(inventory, facts, schema=request.schema, keep_case=request.keep_case, rules=request.rules)
        return plan, tuple(faults.result())


def _refuse_wide(request: Request, tables: Sequence[SourceTable]) -> None:
    for table in tables:
        if len(table.columns) > MOST_COLUMNS:
            raise UsageError(
                f"{table.name} has {len(table.columns)} columns; no table over there has more than {MOST_COLUMNS}.",
                str(request.source),
                "Cut it in two, or leave it out by naming the others with --table.",
            )


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
        if found is not None and found.step is not Step.PROVEN:
            self._refuse_others(found)
        if found is not None and (found.step is not Step.PROVEN or (again and self._has_all(plan))):
            # A run may die between its proof and whoever is to hear of it: then only the proof is done again.
            self._id = found.id
            return found.step
        with self._target.transaction():
            refuse_taken(self._target, plan, self._request.schema)
            self._id = f"{source[:12]}-{int(time.time())}"
            records.make_schema(self._target, self._request.schema)
            for statement in self._result.schema.tables:
                self._target.execute(statement.sql.encode())
            tables = {table.source.name: table.name for table in plan.tables}
            records.begin(self._target, Begun(self._id, Step.LOADING, choices_of(self._request)), source, tables)
        return Step.LOADING

    def _has_all(self, plan: TransferPlan) -> bool:
        return len(find_taken(self._target, plan, self._request.schema)) == len(plan.tables)

    def _refuse_others(self, found: Begun) -> None:
        """What is half over there was chosen in one way and cannot go on in another."""
        if found.choices not in ("", choices_of(self._request)):
            raise UsageError(
                "A transfer of this file was cut short that was asked for otherwise: another schema, tables or rules.",
                f"transfer {found.id}",
                "Go on as it was begun; or drop its tables and its row in quarterdeck.transfers over there.",
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

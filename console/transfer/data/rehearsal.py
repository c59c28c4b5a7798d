"""What a transfer would do, without doing it: every choice, every row that would be put aside, what stands in its way.

The database is asked and nothing is left in it. What only the server would refuse is not foreseen.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg

from console.domain.errors import UsageError
from console.transfer.connecting import connect_target
from console.transfer.data.load import PIECE, Sender, Stopped
from console.transfer.data.plan import TablePlan, TransferPlan
from console.transfer.data.ranges import Rows
from console.transfer.data.records import Refused, TableState, Target
from console.transfer.data.request import REFUSED_SHOWN, Progress, Request, Result
from console.transfer.data.run import copy_source, look_at
from console.transfer.data.schema import build_schema
from console.transfer.data.source import connect, readable
from console.transfer.data.there import find_lacking, refuse_encoding, refuse_taken
from console.transfer.data.trials import settle_computed

COPY = "rehearsal.sqlite"


def rehearse(
    request: Request,
    *,
    told: Callable[[Progress], None] = lambda progress: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Result:
    """Say what would become of a file.

    Raises:
        UsageError: The source is no SQLite file, it is damaged or locked, or a table is unknown.
        Stopped: `stopped` said so.
    """

    def tell(progress: Progress) -> None:
        if stopped():
            raise Stopped
        told(progress)

    request.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = request.work / COPY
    copy_source(request, copy, tell)
    seconds: dict[str, float] = {}
    try:
        with readable(request.source), closing(connect(copy)) as lite:
            began = time.monotonic()
            plan, faults = look_at(request, copy, lite, tell)
            plan, obstacles = _ask(request, plan)
            states, refused = _sort_out(lite, plan, tell)
            seconds["survey"] = time.monotonic() - began
    finally:
        copy.unlink(missing_ok=True)
    schema = build_schema(plan)
    return Result(plan, schema, faults, states, tuple(refused), obstacles=obstacles, seconds=seconds)


def _ask(request: Request, plan: TransferPlan) -> tuple[TransferPlan, tuple[str, ...]]:
    """The plan as the server can carry it out, and what stands in its way there."""
    try:
        with connect_target(request.address) as target:
            return settle_computed(target, plan), _obstacles(target, request, plan)
    except psycopg.OperationalError:
        return plan, ("The database does not answer, so that nothing is known of it.",)


def _obstacles(target: Target, request: Request, plan: TransferPlan) -> tuple[str, ...]:
    try:
        refuse_encoding(target)
        refuse_taken(target, plan, request.schema)
    except UsageError as problem:
        return (f"{problem.what} {problem.remedy}",)
    return tuple(find_lacking(target, request.schema))


def _sort_out(
    lite: sqlite3.Connection, plan: TransferPlan, told: Callable[[Progress], None]
) -> tuple[dict[str, TableState], list[Refused]]:
    """Rows that would go and rows that would not, by table; and the first of these."""
    states, shown = dict[str, TableState](), list[Refused]()
    for table in plan.tables:
        came = put_aside = 0
        for rows, refused in _convert(lite, table):
            came, put_aside = came + rows, put_aside + len(refused)
            shown += refused[: REFUSED_SHOWN - len(shown)]
            told(Progress("rehearsal", table.source.name, came + put_aside, table.rows))
        states[table.source.name] = TableState(came, put_aside, loaded=True)
    return states, shown


def _convert(lite: sqlite3.Connection, table: TablePlan) -> Iterator[tuple[int, list[Refused]]]:
    """Piece by piece, the rows that would go and those that would not."""
    sender = Sender(table)
    if sender.is_direct:
        yield table.rows, []
        return
    rows = Rows(lite, table.source)
    for piece in rows.pieces(PIECE):
        came = sum(1 for _ in sender.convert(rows.read(piece, sender.columns)))
        yield came, sender.refused

"""References to files in a database: found by content, rewritten once their file is verified, taken back by a ledger.

The ledger is written in the transaction of the change, so that both are there or neither is. Going back, a value is
given its old text only where it is still the text that we wrote; what somebody changed since is theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import LiteralString

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from console.domain.errors import ConsoleError, Refused
from console.transfer.connecting import Target
from console.transfer.files.columns import Column, choose, fetch_columns
from console.transfer.files.forms import Forms
from console.transfer.files.progress import Progress, Reach, Told
from console.transfer.files.request import MOST_DANGLING
from console.transfer.files.values import Writing, read_value

AT_ONCE = 2_000
SAMPLES = 3
TRIES = 4
_LEDGER = """
CREATE SCHEMA IF NOT EXISTS quarterdeck;
CREATE TABLE IF NOT EXISTS quarterdeck.file_references (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, place text NOT NULL,
  schema_name text NOT NULL, table_name text NOT NULL, column_name text NOT NULL, column_type text NOT NULL,
  key_columns text[] NOT NULL, key jsonb NOT NULL, old text NOT NULL, new text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(), reverted_at timestamptz);
"""
_WRITE: LiteralString = (
    "WITH written AS (UPDATE {table} t SET {column} = h.new::{type} FROM quarterdeck_hits h"
    " WHERE {row} = h.key AND {value} = h.old RETURNING h.key, h.old, h.new, {value} AS now),"
    " kept AS (INSERT INTO quarterdeck.file_references"
    " (place, schema_name, table_name, column_name, column_type, key_columns, key, old, new)"
    " SELECT {place}, {names}, {key}, key, old, now FROM written)"
    " SELECT count(*), count(*) FILTER (WHERE now <> new) FROM written"
)

Hit = tuple[str, str, str]
"""A row's key as JSON, its old text, its new one."""


@dataclass(frozen=True)
class Finding:
    """What one column holds.

    Attributes:
        whole: Rows whose value is a file's name and nothing else. `within`: rows that name some within.
        unready: Rows that name files which are not verified. `dangling`: rows that name files which are not there.
        samples: Values, shortened. `hidden`: it was not looked at.
    """

    column: Column
    whole: int = 0
    within: int = 0
    unready: int = 0
    dangling: int = 0
    samples: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True)
class Dangling:
    """A reference to a file that is not there."""

    column: str
    key: str
    reference: str


@dataclass(frozen=True)
class Changed:
    """A column that was rewritten or taken back: rows, and those that were left because they changed since."""

    column: str
    rows: int
    kept: int = 0


@dataclass(frozen=True)
class References:
    """What was found, and what was done."""

    findings: tuple[Finding, ...] = ()
    dangling: tuple[Dangling, ...] = ()
    named: frozenset[str] = frozenset()
    changed: tuple[Changed, ...] = ()


def find(target: Target, forms: Forms, told: Told = lambda progress: None) -> References:
    """Look through every column. Changes nothing but a table of this session's own."""
    _bring_forms(target, forms)
    columns = fetch_columns(target)
    findings, dangling, named = [], list[Dangling](), set[str]()
    for number, column in enumerate(columns):
        told(Progress("references", column.words, number, len(columns)))
        try:
            with target.transaction():
                finding = _find_in(target, forms, column, dangling, named)
        except psycopg.errors.InsufficientPrivilege:
            hidden = replace(column, obstacle="row-level security hides rows of it from this role")
            finding = Finding(hidden, hidden=True)
        if finding.whole or finding.within or finding.unready or finding.dangling or finding.hidden:
            findings.append(finding)
    return References(tuple(findings), tuple(dangling), frozenset(named))


def rewrite(
    target: Target,
    forms: Forms,
    place: str,
    names: tuple[str, ...],
    *,
    triggers_ok: bool = False,
    told: Told = lambda progress: None,
    reach: Reach = lambda point: None,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Changed, ...]:
    """Rewrite columns in one transaction: all of them or none.

    Args:
        forms: Of files that are verified; those of others lead to nothing and are left.
        place: Which bucket, as the ledger names it.

    Raises:
        UsageError: A column is unknown.
        Refused: One cannot be rewritten so that it can be taken back.
    """
    target.execute(_LEDGER.encode())
    _bring_forms(target, forms)
    columns = choose(fetch_columns(target), names)
    _refuse(columns, triggers_ok)

    def once() -> tuple[Changed, ...]:
        with target.transaction():
            target.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            changed = tuple(_rewrite_one(target, forms, place, column, told) for column in columns)
            reach("rewritten")
        return changed

    return _patiently(once, sleep)


def revert(
    target: Target, place: str, *, told: Told = lambda progress: None, sleep: Callable[[float], None] = time.sleep
) -> tuple[Changed, ...]:
    """Take back everything that the ledger holds of a bucket, newest first, in one transaction."""
    target.execute(_LEDGER.encode())

    def once() -> tuple[Changed, ...]:
        with target.transaction():
            target.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return tuple(_revert_all(target, place, told))

    return _patiently(once, sleep)


def _bring_forms(target: Target, forms: Forms) -> None:
    target.execute("CREATE TEMP TABLE IF NOT EXISTS quarterdeck_forms (old text)")
    target.execute("TRUNCATE quarterdeck_forms")
    with target.cursor() as cursor, cursor.copy("COPY quarterdeck_forms FROM STDIN") as copy:
        for form in forms.list_whole():
            if "\0" not in form:
                copy.write_row((form,))
    target.execute("ANALYZE quarterdeck_forms")


def _read(target: Target, forms: Forms, column: Column) -> Iterator[tuple[str, str]]:
    """Rows that may name a file: their key as JSON, and their text. Within a transaction."""
    value = SQL("t.{}::text").format(Identifier(column.name))
    query: Composed = SQL(
        "SELECT {key}::text, {value} FROM {table} t WHERE {value} IN (SELECT old FROM quarterdeck_forms)"
    ).format(key=column.row if column.key else SQL("NULL"), value=value, table=column.relation)
    if column.writing is Writing.JSON:
        query += SQL(" OR strpos({}, '/') > 0").format(value)
    if column.writing is Writing.ARRAY:
        query += SQL(
            " OR EXISTS (SELECT FROM unnest(t.{}::text[]) AS u(one) JOIN quarterdeck_forms f ON f.old = u.one)"
        ).format(Identifier(column.name))
    for mark in forms.marks:
        query += SQL(" OR strpos({}, {}) > 0").format(value, Literal(mark))
    with target.cursor(name="quarterdeck_references") as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(AT_ONCE):
            yield from rows


def _find_in(target: Target, forms: Forms, column: Column, dangling: list[Dangling], named: set[str]) -> Finding:
    whole = within = unready = lost = 0
    samples: list[str] = []
    for key, text in _read(target, forms, column):
        reading = read_value(forms, column.writing, text)
        named.update(reading.named)
        named.update(reading.unready)
        if len(dangling) < MOST_DANGLING:
            dangling += [Dangling(column.words, str(key), one) for one in reading.dangling]
        lost += bool(reading.dangling)
        unready += bool(reading.unready)
        is_old = bool(reading.named) and reading.text != text
        whole, within = whole + (is_old and reading.whole), within + (is_old and not reading.whole)
        if (is_old or reading.unready) and len(samples) < SAMPLES:
            samples.append(text if len(text) <= 80 else f"{text[:79]}…")
    return Finding(column, whole, within, unready, lost, tuple(samples))


def _refuse(columns: Sequence[Column], triggers_ok: bool) -> None:
    for column in columns:
        if column.obstacle:
            raise Refused(
                f"{column.words} cannot be rewritten so that it can be taken back: {column.obstacle}.",
                "--rewrite",
                "Rewrite it by a migration of your own.",
            )
        if column.triggers and not triggers_ok:
            raise Refused(
                f"{column.words} is not rewritten: {', '.join(column.triggers)} would run on every row, and what they "
                "write is in no ledger.",
                "--rewrite",
                "Disable them meanwhile, or allow it with --triggers-ok.",
            )


def _rewrite_one(target: Target, forms: Forms, place: str, column: Column, told: Told) -> Changed:
    target.execute("DROP TABLE IF EXISTS quarterdeck_hits")
    target.execute("CREATE TEMP TABLE quarterdeck_hits (key jsonb, old text, new text) ON COMMIT DROP")
    rows = 0
    for batch in _batches(_hits(target, forms, column)):
        with target.cursor() as cursor, cursor.copy("COPY quarterdeck_hits FROM STDIN") as copy:
            for hit in batch:
                copy.write_row(hit)
        rows += len(batch)
        told(Progress("rewrite", column.words, rows))
    target.execute("ANALYZE quarterdeck_hits")
    try:
        written, spoilt = target.execute(_fill(_WRITE, column, place)).fetchone() or (0, 0)
    except (psycopg.DataError, psycopg.IntegrityError) as problem:
        raise Refused(
            f"{column.words} does not take its new references: {problem.diag.message_primary}; nothing was changed.",
            f"--rewrite · {problem.sqlstate}",
            "Let the table take them: a longer column, another rule; or name them shorter by --refer-by key.",
        ) from problem
    # Arrays and binary JSON have one way of writing of their own, which the ledger keeps.
    is_exact = column.writing is not Writing.ARRAY and column.type != "jsonb"
    if rows != written or (is_exact and spoilt):
        raise ConsoleError(
            f"{column.words}: of {rows} rows {written} were written, and {spoilt} of them otherwise than asked; "
            "nothing was changed.",
            "--rewrite",
            "Something in the database changes what is written: a rule, a trigger, a type with a length.",
        )
    return Changed(column.words, rows)


def _fill(query: LiteralString, column: Column, place: str = "") -> Composed:
    """Values stand in the text itself, so that a percent sign in a name is none of a placeholder."""
    return SQL(query).format(
        table=column.relation,
        column=Identifier(column.name),
        value=SQL("t.{}::text").format(Identifier(column.name)),
        type=SQL(column.type),
        row=column.row,
        place=Literal(place),
        names=SQL(", ").join(Literal(one) for one in (column.schema, column.table, column.name, column.type)),
        key=Literal(list(column.key)),
    )


def _hits(target: Target, forms: Forms, column: Column) -> Iterator[Hit]:
    for key, text in _read(target, forms, column):
        reading = read_value(forms, column.writing, text)
        if reading.named and reading.text != text:
            yield key, text, reading.text


def _batches(hits: Iterator[Hit]) -> Iterator[list[Hit]]:
    batch: list[Hit] = []
    for hit in hits:
        batch.append(hit)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _revert_all(target: Target, place: str, told: Told) -> Iterator[Changed]:
    turns = target.execute(
        "SELECT schema_name, table_name, column_name, column_type, key_columns, at FROM quarterdeck.file_references"
        " WHERE place = %s AND reverted_at IS NULL GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY at DESC, 1, 2, 3",
        (place,),
    ).fetchall()
    for schema, table, name, kind, key, at in turns:
        column = Column(schema, table, name, kind, Writing.PLAIN, tuple(key), (), "")
        told(Progress("revert", column.words))
        due = SQL(
            "place = {} AND schema_name = {} AND table_name = {} AND column_name = {} AND at = {}"
            " AND reverted_at IS NULL"
        ).format(*map(Literal, (place, schema, table, name, at)))
        query = SQL(
            "WITH due AS (SELECT * FROM quarterdeck.file_references WHERE {due}),"
            " back AS (UPDATE {table} t SET {column} = due.old::{type} FROM due"
            " WHERE {row} = due.key AND t.{column}::text = due.new RETURNING due.id)"
            " UPDATE quarterdeck.file_references l SET reverted_at = now() FROM back WHERE l.id = back.id"
        ).format(
            due=due,
            table=column.relation,
            column=Identifier(name),
            type=SQL(kind),
            row=column.row,
        )
        done = target.execute(query).rowcount
        left = target.execute(SQL("SELECT count(*) FROM quarterdeck.file_references WHERE {}").format(due)).fetchone()
        yield Changed(column.words, done, int(left[0]) if left else 0)


def _patiently(once: Callable[[], tuple[Changed, ...]], sleep: Callable[[float], None]) -> tuple[Changed, ...]:
    """Do it again where somebody else wrote the same rows meanwhile, or held a lock too long."""
    for number in range(TRIES):
        try:
            return once()
        except (psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if number == TRIES - 1:
                raise
            sleep(0.5 * 2**number)
    raise AssertionError

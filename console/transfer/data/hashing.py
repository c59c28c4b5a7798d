"""The rows of a table on either side, each as its key and a hash of all that is compared, in one order on both.

Keys are compared as numbers where they are whole numbers here and there, and otherwise by the bytes of their canonical
form, which the server sorts in "C".
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import md5
from typing import Any, NamedTuple

from console.transfer.data.canonical import ABSENT, SEPARATOR, client_form, server_form
from console.transfer.data.converters import Misfit
from console.transfer.data.inventory import quoted
from console.transfer.data.lines import UNFIT, writer
from console.transfer.data.plan import ColumnPlan, TablePlan
from console.transfer.data.ranges import Key, Range
from console.transfer.data.records import Target, pack, unpack
from console.transfer.data.schema import full_name
from console.transfer.data.source import read_batches

BATCH = 2_000
WHOLE = ("bigint", "integer", "smallint")
MOST_ARGUMENTS = 90
"""Of one function; PostgreSQL takes a hundred, SQLite 127."""
NEVER = "false"
"""As `touched`: nobody asks who wrote a row."""


class Hashed(NamedTuple):
    """One row.

    Attributes:
        order: What it is sorted by, the same on both sides.
        key: Canonical texts. `digest`: MD5 of all compared columns; None for a row that has no place over there.
        raw: Of SQLite's rows, the key's own values. `touched`: of the server's, whether somebody else wrote it.
        row: Where it was hashed without a look at its values: the row, to be hashed with one before it counts as other.
    """

    order: tuple[Any, ...]
    key: tuple[str, ...]
    digest: bytes | None
    raw: Key = ()
    touched: bool = False
    row: Sequence[Any] | None = None


@dataclass(frozen=True)
class Compared:
    """What is compared of a table: its columns, also those that the server computes, and which of them tell rows apart.

    Attributes:
        places: Where the key's columns are among `columns`; all of them where there is no key.
        numbers: Which of these are compared as numbers.
    """

    table: TablePlan
    columns: tuple[ColumnPlan, ...]
    places: tuple[int, ...]
    numbers: tuple[bool, ...]

    @property
    def keys(self) -> tuple[ColumnPlan, ...]:
        return tuple(self.columns[place] for place in self.places)

    @property
    def is_ordered(self) -> bool:
        """SQLite gives the rows in the order in which they are compared."""
        return bool(self.table.key) and all(self.numbers)


def compared(lite: sqlite3.Connection, table: TablePlan) -> Compared:
    """What is compared of a table. A key counts as a number only where SQLite keeps nothing else in it."""
    columns = table.columns
    if not table.key:
        return Compared(table, columns, tuple(range(len(columns))), (False,) * len(columns))
    places = tuple(columns.index(one) for one in table.key)
    return Compared(table, columns, places, tuple(_is_whole(lite, table, one) for one in table.key))


def _is_whole(lite: sqlite3.Connection, table: TablePlan, column: ColumnPlan) -> bool:
    if column.type not in WHOLE or column.source.name == table.source.rowid_alias:
        return column.type in WHOLE
    other = f"SELECT 1 FROM {quoted(table.source.name)} WHERE typeof({quoted(column.source.name)}) <> 'integer' LIMIT 1"
    return lite.execute(other).fetchone() is None


def select_here(what: Compared, span: Range) -> tuple[str, Key]:
    """The statement for SQLite's rows of a span, in order where that helps."""
    names = ", ".join(quoted(one.source.name) for one in what.columns)
    own = ", ".join(quoted(one.source.name) for one in what.keys)
    conditions = [f"{own} {sign} ?" for sign, key in ((">", span.after), ("<=", span.until)) if key is not None]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f" ORDER BY {own}" if what.is_ordered else ""
    values = (*(span.after or ()), *(span.until or ()))
    return f"SELECT {names} FROM {quoted(what.table.source.name)}{where}{order}", values


def hash_here(
    lite: sqlite3.Connection, what: Compared, told: Callable[[int], None] = lambda rows: None
) -> Iterator[Hashed]:
    """SQLite's rows, converted as they would be sent, in the order in which they are compared."""
    hashed = hash_rows(lite.execute(*select_here(what, Range())), what)
    for count, one in enumerate(hashed if what.is_ordered else _sorted(hashed, what.numbers), start=1):
        if count % BATCH == 0:
            told(count)
        yield one


def hash_span(lite: sqlite3.Connection, what: Compared, span: Range) -> Iterator[Hashed]:
    """SQLite's rows of a span, many at once; only for a key of one whole number."""
    write, place = writer(what.columns), what.places[0]
    for rows in read_batches(lite.execute(*select_here(what, span)), BATCH):
        try:
            lines = write(rows)
        except UNFIT:
            yield from hash_rows(rows, what)
            continue
        for row, line in zip(rows, lines, strict=True):
            raw = row[place]
            digest = md5(line.encode(), usedforsecurity=False).digest()
            yield Hashed((raw,), (str(raw),), digest, (raw,), row=row)


def hash_rows(rows: Iterable[Any], what: Compared) -> Iterator[Hashed]:
    """Rows of SQLite, each converted as it would be sent."""
    return _hash_rows(iter(rows), what, [(client_form(one.type), one.careful_converter()) for one in what.columns])


def _hash_rows(rows: Iterator[Any], what: Compared, forms: Sequence[Any]) -> Iterator[Hashed]:
    join = SEPARATOR.join
    for row in rows:
        digest: bytes | None
        try:
            texts = [_written(form, convert, value) for value, (form, convert) in zip(row, forms, strict=True)]
            key = tuple([texts[place] for place in what.places])
            digest = md5(join(texts).encode(), usedforsecurity=False).digest()
        except Misfit:
            found = _key_alone(row, what, forms)
            if found is None:
                continue
            key, digest = found, None
        yield Hashed(order_of(key, what.numbers), key, digest, tuple([row[place] for place in what.places]))


def _written(form: Callable[[Any], str], convert: Callable[[Any], Any] | None, value: Any) -> str:
    sent = convert(value) if convert is not None else value
    return ABSENT if sent is None else form(sent)


def _key_alone(row: Sequence[Any], what: Compared, forms: Sequence[Any]) -> tuple[str, ...] | None:
    """The key of a row with a value that has no place; None where it has no key that could be over there."""
    if not what.table.key:
        return None
    try:
        return tuple(_written(forms[place][0], forms[place][1], row[place]) for place in what.places)
    except Misfit:
        return None


def order_of(key: Sequence[str], numbers: Sequence[bool]) -> tuple[Any, ...]:
    """What a key is sorted by, the same on both sides."""
    return tuple([int(text) if is_number else text.encode() for text, is_number in zip(key, numbers, strict=True)])


def _sorted(rows: Iterator[Hashed], numbers: Sequence[bool]) -> Iterator[Hashed]:
    """Sorted on disk, because keys that are no numbers have another order in SQLite than here."""
    with closing(sqlite3.connect("")) as sorter:  # a file without a name, gone with the connection
        sorter.execute("CREATE TABLE hashed (place BLOB, key TEXT, digest BLOB, raw TEXT)")
        kept = (
            (_place(one.order), json.dumps(one.key), one.digest, json.dumps([pack(value) for value in one.raw]))
            for one in rows
        )
        sorter.executemany("INSERT INTO hashed VALUES (?, ?, ?, ?)", kept)
        for key, digest, raw in sorter.execute("SELECT key, digest, raw FROM hashed ORDER BY place"):
            texts = tuple(json.loads(key))
            yield Hashed(order_of(texts, numbers), texts, digest, tuple(map(unpack, json.loads(raw))))


def _place(order: Sequence[Any]) -> bytes:
    """Bytes that sort as the parts of a key do."""
    parts = []
    for part in order:
        raw = (part + 2**63).to_bytes(8, "big") if isinstance(part, int) else part
        parts.append(raw if isinstance(part, int) else raw.replace(b"\0", b"\0\xff") + b"\0\0")
    return b"".join(parts)


def _line_there(what: Compared) -> str:
    """The expression of a row's canonical form."""
    forms = [server_form(quoted(one.name), one.type) for one in what.columns]
    while len(forms) > MOST_ARGUMENTS:
        forms = [_joined(forms[begin : begin + MOST_ARGUMENTS]) for begin in range(0, len(forms), MOST_ARGUMENTS)]
    return _joined(forms)


def _joined(forms: Sequence[str]) -> str:
    return f"concat_ws(E'\\x1f', {', '.join(forms)})"


def hash_there(target: Target, what: Compared, span: Range | None = None, touched: str = NEVER) -> Iterator[Hashed]:
    """The server's rows; within a transaction.

    Args:
        touched: The expression that says whether somebody else wrote a row.
    """
    span = span or Range()
    forms = [server_form(quoted(one.name), one.type) for one in what.keys]
    order = ", ".join(
        quoted(one.name) if is_number else f'({form}) COLLATE "C"'
        for one, form, is_number in zip(what.keys, forms, what.numbers, strict=True)
    )
    columns = f"{', '.join(forms)}, decode(md5({_line_there(what)}), 'hex'), {touched}"
    query = f"SELECT {columns} FROM {full_name(what.table)}{_span_there(what, span)} ORDER BY {order}"
    with target.cursor("quarterdeck_hashes", binary=True) as cursor:
        cursor.itersize = BATCH
        cursor.execute(query.encode())
        for *texts, digest, is_touched in cursor:
            key = tuple(texts)
            yield Hashed(order_of(key, what.numbers), key, digest, (), is_touched)


def _span_there(what: Compared, span: Range) -> str:
    """The condition of a span, which only a key of one whole number has."""
    own = quoted(what.keys[0].name)
    conditions = [f"{own} {sign} {int(key[0])}" for sign, key in ((">", span.after), ("<=", span.until)) if key]
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""

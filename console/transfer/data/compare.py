"""Compare a table on both sides without moving its rows: the server hashes its own, Python hashes SQLite's.

Both are read in the order of the key and merged as they come, so memory does not grow with the table. 16 bytes and the
key of each row cross the network. Keys are compared in one order on both sides: numbers by value, everything else by
the bytes of its canonical form, which the server sorts in "C".
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from hashlib import md5
from typing import Any, NamedTuple

from console.transfer.data.canonical import ABSENT, SEPARATOR, client_form, server_form
from console.transfer.data.converters import Misfit
from console.transfer.data.inventory import quoted
from console.transfer.data.plan import ColumnPlan, TablePlan
from console.transfer.data.records import Target
from console.transfer.data.schema import computed_as, full_name

BATCH = 2_000
_IN_ORDER = ("bigint",)


class Difference(StrEnum):
    """How one key differs; by rclone's letters."""

    ONLY_HERE = "-"
    """In SQLite, not over there."""
    ONLY_THERE = "+"
    CHANGED = "*"


@dataclass(frozen=True)
class RowDifference:
    """One row that is not the same. `key` as canonical texts, in the order of the key's columns."""

    kind: Difference
    key: tuple[str, ...]
    here: bytes | None = None
    there: bytes | None = None


class Hashed(NamedTuple):
    """A row's key, as it is compared, and the MD5 of all of its compared columns."""

    order: tuple[Any, ...]
    key: tuple[str, ...]
    digest: bytes


def compared(table: TablePlan) -> tuple[ColumnPlan, ...]:
    """The columns that are sent, hence compared."""
    return tuple(one for one in table.columns if computed_as(table, one) is None)


def find_differences(
    lite: sqlite3.Connection,
    target: Target,
    table: TablePlan,
    told: Callable[[int], None] = lambda rows: None,
) -> Iterator[RowDifference]:
    """Every row that is not the same on both sides; rows that have no place over there are passed over.

    Args:
        told: Rows of SQLite read so far, now and then.
    """
    here, there = hash_here(lite, table, told), hash_there(target, table)
    one, other = next(here, None), next(there, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.order < other.order):
            assert one is not None
            yield RowDifference(Difference.ONLY_HERE, one.key, here=one.digest)
            one = next(here, None)
        elif one is None or other.order < one.order:
            yield RowDifference(Difference.ONLY_THERE, other.key, there=other.digest)
            other = next(there, None)
        else:
            if one.digest != other.digest:
                yield RowDifference(Difference.CHANGED, one.key, one.digest, other.digest)
            one, other = next(here, None), next(there, None)


def hash_here(
    lite: sqlite3.Connection, table: TablePlan, told: Callable[[int], None] = lambda rows: None
) -> Iterator[Hashed]:
    """SQLite's rows, converted as they would be sent, in the order of the key."""
    columns = compared(table)
    forms = [(client_form(one.type), one.converter()) for one in columns]
    keys = _key_places(table, columns)
    in_order = all(is_number for _, is_number in keys)
    names = ", ".join(quoted(one.source.name) for one in columns)
    order = " ORDER BY " + ", ".join(quoted(columns[number].source.name) for number, _ in keys) if in_order else ""
    hashed = _hash_rows(lite.execute(f"SELECT {names} FROM {quoted(table.source.name)}{order}"), forms, keys)
    for count, one in enumerate(hashed if in_order else _sorted(hashed, [is_number for _, is_number in keys]), start=1):
        if count % BATCH == 0:
            told(count)
        yield one


def _hash_rows(rows: Iterator[Any], forms: Sequence[Any], keys: Sequence[tuple[int, bool]]) -> Iterator[Hashed]:
    join, numbers, places = SEPARATOR.join, [is_number for _, is_number in keys], [number for number, _ in keys]
    for row in rows:
        try:
            texts = [
                ABSENT if value is None else form(value) if convert is None else _absent_or(form, convert(value))
                for value, (form, convert) in zip(row, forms, strict=True)
            ]
        except Misfit:
            continue
        key = tuple([texts[number] for number in places])
        yield Hashed(_order(key, numbers), key, md5(join(texts).encode(), usedforsecurity=False).digest())


def _order(key: tuple[str, ...], numbers: Sequence[bool]) -> tuple[Any, ...]:
    """What a key is sorted by, the same on both sides."""
    return tuple([int(text) if is_number else text.encode() for text, is_number in zip(key, numbers, strict=True)])


def _absent_or(form: Callable[[Any], str], value: Any) -> str:
    return ABSENT if value is None else form(value)


def _sorted(rows: Iterator[Hashed], numbers: Sequence[bool]) -> Iterator[Hashed]:
    """Sorted on disk, because keys that are no numbers have another order in SQLite than here."""
    with closing(sqlite3.connect("")) as sorter:  # a file without a name, gone with the connection
        sorter.execute("CREATE TABLE hashed (place BLOB, key TEXT, digest BLOB)")
        kept = ((_place(one.order), json.dumps(one.key), one.digest) for one in rows)
        sorter.executemany("INSERT INTO hashed VALUES (?, ?, ?)", kept)
        for key, digest in sorter.execute("SELECT key, digest FROM hashed ORDER BY place"):
            texts = tuple(json.loads(key))
            yield Hashed(_order(texts, numbers), texts, digest)


def _place(order: Sequence[Any]) -> bytes:
    """Bytes that sort as the parts of a key do."""
    parts = []
    for part in order:
        raw = (part + 2**63).to_bytes(8, "big") if isinstance(part, int) else part
        parts.append(raw if isinstance(part, int) else raw.replace(b"\0", b"\0\xff") + b"\0\0")
    return b"".join(parts)


def hash_there(target: Target, table: TablePlan) -> Iterator[Hashed]:
    """The server's rows in the order of the key."""
    columns = compared(table)
    forms = [server_form(quoted(one.name), one.type) for one in columns]
    keys = _key_places(table, columns)
    order = ", ".join(
        quoted(columns[number].name) if is_number else f'({forms[number]}) COLLATE "C"' for number, is_number in keys
    )
    wanted = ", ".join(forms[number] for number, _ in keys)
    digest = f"decode(md5(concat_ws(E'\\x1f', {', '.join(forms)})), 'hex')"
    numbers = [is_number for _, is_number in keys]
    query = f"SELECT {wanted}, {digest} FROM {full_name(table)} ORDER BY {order}"
    with target.transaction(), target.cursor(f"hashes of {table.name}"[:60], binary=True) as cursor:
        cursor.itersize = BATCH
        cursor.execute(query.encode())
        for *texts, hashed in cursor:
            key = tuple(texts)
            yield Hashed(_order(key, numbers), key, hashed)


def _key_places(table: TablePlan, columns: Sequence[ColumnPlan]) -> list[tuple[int, bool]]:
    """Where the key's columns are among the compared ones, and which are compared as numbers.

    Without a key all columns are it, as texts, because any of them may be NULL.
    """
    if not table.key:
        return [(number, False) for number in range(len(columns))]
    return [(columns.index(one), one.type in _IN_ORDER) for one in table.key]

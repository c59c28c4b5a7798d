"""Compare a table on both sides without moving its rows: the server hashes its own, Python hashes SQLite's.

Where both sides have an index on one whole number, pieces of some hundred rows are compared first and only those that
differ row by row. Otherwise both are read in the order of the key and merged as they come. Either way memory does not
grow with the table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

from console.transfer.data.hashing import NEVER, Compared, Hashed, compared, hash_here, hash_rows, hash_span, hash_there
from console.transfer.data.pieces import can_cut, spans_that_differ
from console.transfer.data.plan import TablePlan
from console.transfer.data.ranges import Key, Range
from console.transfer.data.records import Target
from console.transfer.data.source import read_all_texts


class Difference(StrEnum):
    """How one key differs; by rclone's letters."""

    ONLY_HERE = "-"
    """In SQLite, not over there."""
    ONLY_THERE = "+"
    CHANGED = "*"
    NO_PLACE = "!"
    """In SQLite, with a value that its column cannot hold; whatever is over there."""


@dataclass(frozen=True)
class RowDifference:
    """One row that is not the same.

    Attributes:
        key: As canonical texts, in the order of the key's columns. `raw`: SQLite's own values of it, where it has any.
        there: It is over there. `touched`: and somebody else wrote it since.
    """

    kind: Difference
    key: tuple[str, ...]
    raw: Key = ()
    there: bool = False
    touched: bool = False


def find_differences(
    lite: sqlite3.Connection,
    target: Target,
    table: TablePlan,
    told: Callable[[int], None] = lambda rows: None,
    touched: str = NEVER,
) -> Generator[RowDifference]:
    """Every row that is not the same on both sides, as both were when this began.

    Args:
        told: Rows of SQLite read so far, now and then.
        touched: An expression over the server's row: whether somebody else wrote it.
    """
    read_all_texts(lite)  # one that is no UTF-8 is a value without a place, and not the end of the comparison
    what = compared(lite, table)
    with target.transaction():
        target.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if not can_cut(what):
            yield from _merge(what, hash_here(lite, what, told), hash_there(target, what, None, touched))
            return
        with closing(spans_that_differ(lite, target, what, told)) as spans:
            for span in spans:
                yield from _merge_span(lite, target, what, span, touched)


def _merge_span(
    lite: sqlite3.Connection, target: Target, what: Compared, span: Range, touched: str
) -> Iterator[RowDifference]:
    return _merge(what, hash_span(lite, what, span), hash_there(target, what, span, touched))


def _merge(what: Compared, here: Iterator[Hashed], there: Iterator[Hashed]) -> Iterator[RowDifference]:
    one, other = next(here, None), next(there, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.order < other.order):
            assert one is not None
            one = _looked_at(what, one)
            kind = Difference.ONLY_HERE if one.digest is not None else Difference.NO_PLACE
            yield RowDifference(kind, one.key, one.raw)
            one = next(here, None)
        elif one is None or other.order < one.order:
            yield RowDifference(Difference.ONLY_THERE, other.key, (), there=True, touched=other.touched)
            other = next(there, None)
        else:
            if one.digest != other.digest and (one := _looked_at(what, one)).digest != other.digest:
                kind = Difference.CHANGED if one.digest is not None else Difference.NO_PLACE
                yield RowDifference(kind, one.key, one.raw, there=True, touched=other.touched)
            one, other = next(here, None), next(there, None)


def _looked_at(what: Compared, one: Hashed) -> Hashed:
    """The same row, its values converted as they would be sent."""
    return next(hash_rows([one.row], what), one) if one.row is not None else one

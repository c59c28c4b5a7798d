"""Look at what every column really holds, before a type is chosen for it: one pass a table, in batches of rows.

A batch is looked at column by column with functions that run in C; value by value only where that finds something odd.
`python -m bench transfer` tells what it takes.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from console.transfer.data.families import Family, family_of
from console.transfer.data.inventory import SourceColumn, SourceTable, quoted
from console.transfer.data.shapes import (
    FALSE,
    TRUE,
    are_days,
    are_hours,
    are_json,
    are_moments,
    are_uuids,
    has_offset,
    is_strange_json,
)
from console.transfer.data.source import BrokenText, read_all_texts, read_batches

EXACT_TO = 2**53
"""Whole numbers up to here are the same as integers and as floats of 64 bits."""
BATCH = 500


@dataclass(frozen=True)
class ColumnFacts:
    """What is in one column, in numbers of values.

    Attributes:
        clean: Values that PostgreSQL reads as the declared family without any help.
        parts: Reals that are no whole numbers. `wide`: whole reals and integers beyond 2**53.
        flags: For booleans: values that are one of the usual words or 0 and 1.
        offsets: Texts that end in an offset from UTC. `moments`: for dates, texts with a time of day.
        strange: For JSON: valid, but with something that `jsonb` would lose or refuse.
        nuls: Texts with a NUL, which PostgreSQL's text cannot hold. `broken`: texts that are no UTF-8.
        longest: Characters of the longest text.
        least: Of the numbers. `most`: likewise.
    """

    rows: int
    integers: int = 0
    reals: int = 0
    texts: int = 0
    blobs: int = 0
    nuls: int = 0
    longest: int = 0
    clean: int = 0
    parts: int = 0
    wide: int = 0
    flags: int = 0
    offsets: int = 0
    strange: int = 0
    least: float | int | None = None
    most: float | int | None = None
    moments: int = 0
    broken: int = 0

    @property
    def values(self) -> int:
        return self.integers + self.reals + self.texts + self.blobs

    @property
    def numbers(self) -> int:
        return self.integers + self.reals


def survey(
    lite: sqlite3.Connection, table: SourceTable, told: Callable[[int], None] = lambda rows: None
) -> Mapping[str, ColumnFacts]:
    """Count what is in a table's columns, by name. A text that is no UTF-8 makes `lite` read all texts from then on.

    Args:
        told: Rows seen so far, now and then.
    """
    try:
        return _survey(lite, table, told)
    except sqlite3.OperationalError:
        if lite.text_factory is not str:
            raise
        read_all_texts(lite)
        return _survey(lite, table, told)


def _survey(lite: sqlite3.Connection, table: SourceTable, told: Callable[[int], None]) -> Mapping[str, ColumnFacts]:
    counters = [_Counter(column) for column in table.columns]
    names = ", ".join(quoted(column.name) for column in table.columns)
    cursor, rows = lite.execute(f"SELECT {names} FROM {quoted(table.name)}"), 0
    for batch in read_batches(cursor, BATCH):
        rows += len(batch)
        for counter, values in zip(counters, zip(*batch, strict=True), strict=True):
            counter.add(values)
        told(rows)
    return {column.name: counter.facts(rows) for column, counter in zip(table.columns, counters, strict=True)}


class _Counter:
    """What one column holds, batch by batch."""

    def __init__(self, column: SourceColumn) -> None:
        self._counts: Counter[str] = Counter()
        self._longest = 0
        self._least: float | int | None = None
        self._most: float | int | None = None
        self._family = family_of(column.declared)
        self._are_clean = _CLEAN.get(self._family)
        self._is_binary = "jsonb" in column.declared.lower()

    def facts(self, rows: int) -> ColumnFacts:
        return ColumnFacts(rows, longest=self._longest, least=self._least, most=self._most, **self._counts)

    def add(self, values: Sequence[Any]) -> None:
        kinds = set(map(type, values))
        for kind in kinds - {type(None)}:
            of_kind: Sequence[Any] = values if len(kinds) == 1 else [one for one in values if type(one) is kind]
            if kind is str:
                self._add_texts(of_kind)
            elif kind is int:
                self._add_integers(of_kind)
            elif kind is float:
                self._add_reals(of_kind)
            elif kind is BrokenText:
                self._counts["texts"] += len(of_kind)
                self._counts["broken"] += len(of_kind)
            else:
                self._counts["blobs"] += len(of_kind)

    def _add_integers(self, values: Sequence[int]) -> None:
        self._counts["integers"] += len(values)
        self._add_numbers(values)
        if self._family is Family.BOOLEAN:
            flags = values.count(0) + values.count(1)
            self._counts["clean"] += flags
            self._counts["flags"] += flags

    def _add_reals(self, values: Sequence[float]) -> None:
        self._counts["reals"] += len(values)
        self._add_numbers(values)
        whole = sum(map(float.is_integer, values))
        huge = sum(abs(value) > 1e300 and value.is_integer() for value in values) if self._counts["wide"] else 0
        self._counts["parts"] += len(values) - whole + huge

    def _add_numbers(self, values: Sequence[float]) -> None:
        least, most = min(values), max(values)
        self._least = least if self._least is None else min(self._least, least)
        self._most = most if self._most is None else max(self._most, most)
        if least < -EXACT_TO or most > EXACT_TO:
            self._counts["wide"] += sum(not -EXACT_TO <= value <= EXACT_TO for value in values)

    def _add_texts(self, values: Sequence[str]) -> None:
        counts = self._counts
        counts["texts"] += len(values)
        self._longest = max(self._longest, *map(len, values))
        if "\0" in "".join(values):
            counts["nuls"] += sum("\0" in value for value in values)
        if self._family is Family.BOOLEAN:
            counts["flags"] += sum(value.lower() in _WORDS for value in values)
        elif self._are_clean is not None:
            clean = _count(self._are_clean, values)
            counts["clean"] += clean
            if self._family is Family.TIMESTAMP and clean < len(values):
                counts["offsets"] += sum(map(has_offset, values))
            elif self._family is Family.DATE and clean < len(values):
                counts["moments"] += _count(are_moments, values)
            elif self._is_binary:
                counts["strange"] += sum(map(is_strange_json, values))


def _count(are: Callable[[Sequence[str]], bool], values: Sequence[str]) -> int:
    """How many values are of a shape. All together first, which is fast; one by one where that fails."""
    return len(values) if are(values) else sum(are((value,)) for value in values)


_WORDS = frozenset(chain(TRUE, FALSE))
_CLEAN: Mapping[Family, Callable[[Sequence[str]], bool]] = {
    Family.DATE: are_days,
    Family.TIME: are_hours,
    Family.TIMESTAMP: are_moments,
    Family.UUID: are_uuids,
    Family.JSON: are_json,
}

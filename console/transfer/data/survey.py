"""Look at what every column really holds, before a type is chosen for it: one pass a table, in batches of rows.

A batch is looked at column by column with functions that run in C; value by value only where that finds something odd.
`python -m bench transfer` tells what it takes.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from console.transfer.data.converters import PLAINLY, Misfit, converter_for, is_legible
from console.transfer.data.families import Family, family_of
from console.transfer.data.inventory import SourceColumn, SourceTable, quoted
from console.transfer.data.moments import is_finer, read_moment
from console.transfer.data.shapes import (
    EXACT_TO,
    are_days,
    are_hours,
    are_json,
    are_moments,
    are_uuids,
    are_zoned,
    is_strange_json,
)
from console.transfer.data.source import BrokenText, read_all_texts, read_batches

BATCH = 500


@dataclass(frozen=True)
class ColumnFacts:
    """What is in one column, in numbers of values.

    Attributes:
        clean: Values that PostgreSQL reads as the declared family without any help.
        parts: Reals that are no whole numbers. `wide`: whole reals and integers beyond 2**53.
        fits: Values that can be made one of the declared family, each tried where it is not clean; of numbers in
            columns of times nothing is known here. `legible`: bytes that are a text.
        offsets: Of times, texts with an offset from UTC. `moments`: for dates, texts with a time of day.
        finer: Of times, texts finer than a microsecond; likewise numbers, by the unit that they may be in.
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
    fits: int = 0
    legible: int = 0
    offsets: int = 0
    strange: int = 0
    least: float | int | None = None
    most: float | int | None = None
    moments: int = 0
    broken: int = 0
    finer: int = 0
    finer_s: int = 0
    finer_ms: int = 0
    finer_us: int = 0
    finer_ns: int = 0

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
        self._convert = converter_for(_NATURAL[self._family], PLAINLY)
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
                self._add_bytes(of_kind)

    def _add_integers(self, values: Sequence[int]) -> None:
        self._counts["integers"] += len(values)
        self._add_numbers(values)
        if self._family is Family.BOOLEAN:
            flags = values.count(0) + values.count(1)
            self._counts["clean"] += flags
            self._counts["fits"] += flags
        elif self._family in _TIMES:
            self._counts["finer_ns"] += sum(value % 1000 != 0 for value in values)
        elif self._family in _TAKE_NUMBERS:
            self._counts["fits"] += len(values)

    def _add_reals(self, values: Sequence[float]) -> None:
        self._counts["reals"] += len(values)
        self._add_numbers(values)
        whole = sum(map(float.is_integer, values))
        huge = sum(abs(value) > 1e300 and value.is_integer() for value in values) if self._counts["wide"] else 0
        self._counts["parts"] += len(values) - whole + huge
        if self._family in _TIMES:
            for unit, units in (("s", 10**6), ("ms", 10**3), ("us", 1)):
                self._counts[f"finer_{unit}"] += sum(
                    not math.isfinite(value) or Decimal(repr(value)) * units % 1 != 0 for value in values
                )
        elif self._family is Family.JSON:
            self._counts["fits"] += sum(map(math.isfinite, values))
        elif self._family in _TAKE_NUMBERS:
            self._counts["fits"] += len(values)

    def _add_numbers(self, values: Sequence[float]) -> None:
        least, most = min(values), max(values)
        self._least = least if self._least is None else min(self._least, least)
        self._most = most if self._most is None else max(self._most, most)
        if least < -EXACT_TO or most > EXACT_TO:
            self._counts["wide"] += sum(not -EXACT_TO <= value <= EXACT_TO for value in values)

    def _add_bytes(self, values: Sequence[bytes]) -> None:
        self._counts["blobs"] += len(values)
        if self._family is Family.BYTES:
            self._counts["fits"] += len(values)
            return
        for value in values:
            self._counts["fits"] += self._read(value)[0]
            self._counts["legible"] += is_legible(value)

    def _add_texts(self, values: Sequence[str]) -> None:
        counts = self._counts
        counts["texts"] += len(values)
        self._longest = max(self._longest, *map(len, values))
        nuls = sum("\0" in value for value in values) if "\0" in "".join(values) else 0
        counts["nuls"] += nuls
        if self._family in _TAKE_TEXTS:
            counts["fits"] += len(values) - (nuls if self._family is not Family.BYTES else 0)
        elif self._are_clean is not None and self._are_clean(values):
            counts["clean"] += len(values)
            counts["fits"] += len(values)
        elif self._family is Family.TIMESTAMP and are_zoned(values):
            counts["offsets"] += len(values)
            counts["fits"] += len(values)
        else:
            self._add_odd_texts(values)
        if self._is_binary:
            counts["strange"] += sum(map(is_strange_json, values))

    def _add_odd_texts(self, values: Sequence[str]) -> None:
        """One by one, because not all of them are what they should be."""
        counts = self._counts
        for value in values:
            fits, read = self._read(value)
            counts["fits"] += fits
            counts["clean"] += self._are_clean is not None and self._are_clean((value,))
            if isinstance(read, datetime):
                counts["offsets"] += read.tzinfo is not None
                counts["moments"] += read.tzinfo is not None or read.time() != time()
                counts["finer"] += is_finer(value)

    def _read(self, value: Any) -> tuple[bool, Any]:
        """Whether it can be made one of the family; of times, the time itself, in the zone that it names."""
        try:
            read = read_moment(value) if self._family in _TIMES and isinstance(value, str) else None
            if read is None or self._family is Family.TIMESTAMP:
                self._convert(value)
        except (Misfit, ValueError, ArithmeticError):
            return False, None
        return True, read


def _count(are: Callable[[Sequence[str]], bool], values: Sequence[str]) -> int:
    """How many values are of a shape. All together first, which is fast; one by one where that fails."""
    return len(values) if are(values) else sum(are((value,)) for value in values)


_CLEAN: Mapping[Family, Callable[[Sequence[str]], bool]] = {
    Family.DATE: are_days,
    Family.TIME: are_hours,
    Family.TIMESTAMP: are_moments,
    Family.UUID: are_uuids,
    Family.JSON: are_json,
}
_NATURAL: Mapping[Family, str] = {
    Family.INTEGER: "numeric",
    Family.REAL: "double precision",
    Family.NUMERIC: "numeric",
    Family.TEXT: "text",
    Family.BYTES: "bytea",
    Family.BOOLEAN: "boolean",
    Family.DATE: "date",
    Family.TIME: "time",
    Family.TIMESTAMP: "timestamptz",
    Family.JSON: "json",
    Family.UUID: "uuid",
    Family.OPEN: "text",
}
_TIMES = (Family.DATE, Family.TIMESTAMP)
_TAKE_NUMBERS = (Family.INTEGER, Family.REAL, Family.NUMERIC, Family.TEXT, Family.OPEN, Family.JSON)
_TAKE_TEXTS = (Family.TEXT, Family.OPEN, Family.BYTES)

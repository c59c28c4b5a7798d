"""Look at what every column really holds, before a type is chosen for it. SQL does the counting; no value comes here.

Two passes a table: the first one counts storage classes, the second looks closer at the columns that need it. On a
million rows of ten columns both together take about five seconds of one core.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console.transfer.data.families import Family, family_of
from console.transfer.data.inventory import SourceColumn, SourceTable, quoted

EXACT_TO = 2**53
"""Whole numbers up to here are the same as integers and as floats of 64 bits."""

TRUE = ("1", "true", "t", "yes", "y", "on")
FALSE = ("0", "false", "f", "no", "n", "off")
_UUID = "-".join("[0-9a-f]" * length for length in (8, 4, 4, 4, 12))
_OFFSET = (
    "({c} LIKE '%Z' OR substr({c}, 12) GLOB '*[+-][0-9][0-9]:[0-9][0-9]' OR substr({c}, 12) GLOB '*[+-][0-9][0-9]'"
    " OR substr({c}, 12) GLOB '*[+-][0-9][0-9][0-9][0-9]')"
)
# With a modifier SQLite rolls 30 February over to March: only what comes back as it was is a day of the calendar.
_DAY = "({c} >= '0001' AND date({c}, '+0 days') = {c})"
_MOMENT = (
    "({c} >= '0001' AND length({c}) BETWEEN 19 AND 26 AND substr({c}, 11, 1) IN (' ', 'T')"
    " AND datetime(substr({c}, 1, 19), '+0 days') = replace(substr({c}, 1, 19), 'T', ' ')"
    " AND (length({c}) = 19 OR (substr({c}, 20) GLOB '.[0-9]*' AND substr({c}, 21) NOT GLOB '*[^0-9]*')))"
)
_HOUR = "(length({c}) = 8 AND time({c}) = {c})"
_REPEATS = "EXISTS (SELECT 1 FROM json_tree({c}) WHERE typeof(key) = 'text' GROUP BY parent, key HAVING count(*) > 1)"


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
    lite: sqlite3.Connection, table: SourceTable, told: Callable[[str], None] = lambda _: None
) -> Mapping[str, ColumnFacts]:
    """Count what is in a table's columns, by name."""
    told(f"Looking at the values of {table.name}.")
    found = _count(lite, table)
    return {column.name: _look_closer(lite, table, column, found[column.name]) for column in table.columns}


def _count(lite: sqlite3.Connection, table: SourceTable) -> dict[str, ColumnFacts]:
    wanted = ["count(*)"]
    for column in table.columns:
        c = quoted(column.name)
        classes = (f"sum(typeof({c}) = '{name}')" for name in ("integer", "real", "text", "blob"))
        wanted += [*classes, f"sum(typeof({c}) = 'text' AND instr({c}, char(0)) > 0)"]
    values = _row(lite, table, wanted)
    rows, rest = values[0], values[1:]
    facts = {}
    for number, column in enumerate(table.columns):
        integers, reals, texts, blobs, nuls = rest[number * 5 : number * 5 + 5]
        facts[column.name] = ColumnFacts(rows, integers, reals, texts, blobs, nuls)
    return facts


def _look_closer(lite: sqlite3.Connection, table: SourceTable, column: SourceColumn, known: ColumnFacts) -> ColumnFacts:
    c, family = quoted(column.name), family_of(column.declared)
    more: dict[str, str] = {}
    if known.texts:
        more["longest"] = f"max(CASE WHEN typeof({c}) = 'text' THEN length({c}) END)"
    if known.reals:
        more["parts"] = _times(f"typeof({c}) = 'real' AND {c} <> round({c}) OR abs({c}) > 1e300")
    if known.numbers:
        number = f"CASE WHEN typeof({c}) IN ('integer', 'real') THEN {c} END"
        more |= {"least": f"min({number})", "most": f"max({number})"}
        more["wide"] = _times(f"typeof({c}) IN ('integer', 'real') AND ({c} > {EXACT_TO} OR {c} < -{EXACT_TO})")
    if family is Family.BOOLEAN:
        words = ", ".join(f"'{word}'" for word in (*TRUE, *FALSE))
        more["clean"] = _times(f"typeof({c}) = 'integer' AND {c} IN (0, 1)")
        more["flags"] = _times(f"lower(CAST({c} AS TEXT)) IN ({words}) AND typeof({c}) IN ('integer', 'text')")
    elif known.texts and family in _CLEAN:
        more["clean"] = _times(f"typeof({c}) = 'text' AND {_CLEAN[family].format(c=c)}")
    if known.texts and family is Family.TIMESTAMP:
        more["offsets"] = _times(f"typeof({c}) = 'text' AND {_OFFSET.format(c=c)}")
    if known.texts and family is Family.DATE:
        more["moments"] = _times(f"typeof({c}) = 'text' AND {_MOMENT.format(c=c)}")
    if known.texts and family is Family.JSON:
        odd = f"instr({c}, '\\u0000') > 0 OR {_REPEATS.format(c=c)}"
        more["strange"] = _times(f"CASE WHEN typeof({c}) = 'text' AND json_valid({c}) THEN {odd} ELSE 0 END")
    values = _row(lite, table, more.values()) if more else ()
    found = dict(zip(more, values, strict=True))
    broken = _broken(lite, table, column) if known.texts else 0
    return ColumnFacts(
        known.rows, known.integers, known.reals, known.texts, known.blobs, known.nuls, broken=broken, **found
    )


_CLEAN = {
    Family.DATE: _DAY,
    Family.TIME: _HOUR,
    Family.TIMESTAMP: _MOMENT,
    Family.UUID: f"({{c}} GLOB '{_UUID}')",
    Family.JSON: "json_valid({c})",
}


def _times(condition: str) -> str:
    return f"coalesce(sum({condition}), 0)"


def _row(lite: sqlite3.Connection, table: SourceTable, wanted: Iterable[str]) -> list[Any]:
    """One row of figures. A statement of SQLite has at most 2,000 columns, so wide tables take several."""
    columns, values = list(wanted), list[Any]()
    for begin in range(0, len(columns), 1_000):
        part = ", ".join(columns[begin : begin + 1_000])
        values += lite.execute(f"SELECT {part} FROM {quoted(table.name)}").fetchone()
    return [0 if value is None else value for value in values]


def _broken(lite: sqlite3.Connection, table: SourceTable, column: SourceColumn) -> int:
    """Texts that are no UTF-8. Reading fails at the first one, which is rare: only then are all decoded here."""
    c, name = quoted(column.name), quoted(table.name)
    query = f"SELECT {c} FROM {name} WHERE typeof({c}) = 'text'"
    try:
        for _ in lite.execute(query):
            pass
    except sqlite3.OperationalError:
        factory, lite.text_factory = lite.text_factory, bytes
        try:
            return sum(not is_utf8(value) for (value,) in lite.execute(query))
        finally:
            lite.text_factory = factory
    return 0


def is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

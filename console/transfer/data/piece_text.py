"""A piece of a table as one text that both databases write by themselves, the same exactly where the rows are.

A row is a JSON array, which tells texts from numbers and NULL. SQLite writes those of a whole piece at once, so that no
value becomes an object of Python. Columns that it cannot write exactly (floats), or whose values are converted on their
way, are gathered for Python and stand behind the rows, one column after the other.

A value that is not what its column should hold makes another text, or none; then the rows are looked at one by one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import md5
from typing import Any, NamedTuple

from console.transfer.data.canonical import SEPARATOR, server_form
from console.transfer.data.converters import TYPES
from console.transfer.data.hashing import MOST_ARGUMENTS, Compared
from console.transfer.data.inventory import quoted
from console.transfer.data.lines import column_writer
from console.transfer.data.plan import ColumnPlan

COLUMN_END = "\x1d"
TAKES_BYTES = sqlite3.sqlite_version_info >= (3, 45)
"""SQLite takes some bytes for JSON in a form of its own."""


class Text(NamedTuple):
    """SQLite's text of a piece. `digest` is empty where it has none."""

    rows: int
    digest: str
    size: int = 0


class PieceText:
    """The text of pieces of one table, on either side. The table has a key of one whole number."""

    def __init__(self, lite: sqlite3.Connection, what: Compared) -> None:
        self._lite = lite
        self._own = [one for one in what.columns if _is_written(one)]
        self._gathered = [one for one in what.columns if not _is_written(one)]
        for number, one in enumerate(self._gathered):
            lite.create_aggregate(_function(number), 1, _gatherer(one))
        name, key = quoted(what.table.source.name), quoted(what.keys[0].source.name)
        rows = f"FROM {name} WHERE {key} > ? AND {key} <= ?"
        self._count = f"SELECT count(*) {rows}"
        self._select = f"SELECT count(*), {', '.join(self._written_here())} {rows}"

    def here(self, after: int, until: int) -> Text:
        """SQLite's rows after one key up to and including another."""
        row = self._read((after, until))
        if row is None or row[1]:
            return Text(self._lite.execute(self._count, (after, until)).fetchone()[0], "")
        rows, _, *parts = row
        text = COLUMN_END.encode().join(parts)
        return Text(rows, md5(text, usedforsecurity=False).hexdigest(), len(text))

    def _read(self, span: tuple[int, int]) -> Sequence[Any] | None:
        before = self._lite.text_factory
        self._lite.text_factory = bytes
        try:
            row: Sequence[Any] = self._lite.execute(self._select, span).fetchone()
        except (sqlite3.OperationalError, sqlite3.DataError, UnicodeError):  # bytes, what a writer refused, above 1 GB
            return None
        finally:
            self._lite.text_factory = before
        return row

    def _written_here(self) -> Sequence[str]:
        """What is selected: whether any value is bytes, the rows, and each column that Python writes."""
        # Nothing but bytes is as great as no bytes. The sign before a column keeps SQLite from reading it as a number.
        are_bytes = " OR ".join(f"+{quoted(one.source.name)} >= x''" for one in self._own if _may_hide_bytes(one))
        arrays = " || ".join(f"json_array({', '.join(_form_here(one) for one in some)})" for some in _some(self._own))
        written = [f"{_function(number)}({quoted(one.source.name)})" for number, one in enumerate(self._gathered)]
        return f"max({are_bytes or '0'})", f"group_concat({arrays or repr('[]')})", *written

    def there(self, rows: str) -> str:
        """The server's MD5 of the same text.

        Args:
            rows: From where it comes and in which order, as it stands behind SELECT and the columns.
        """
        arrays = " || ".join(
            f"'[' || concat_ws(',', {', '.join(_form_there(one) for one in some)}) || ']'" for some in _some(self._own)
        )
        forms = [arrays or "'[]'", *(server_form(quoted(one.name), one.type) for one in self._gathered)]
        named = ", ".join(f"{form} AS part_{number}" for number, form in enumerate(forms))
        ends = ["','", *(_sql_text(SEPARATOR) for _ in self._gathered)]
        parts = f" || {_sql_text(COLUMN_END)} || ".join(
            f"string_agg(part_{number}, {end})" for number, end in enumerate(ends)
        )
        return f"SELECT md5({parts}) FROM (SELECT {named} {rows}) AS one"


def _some(columns: Sequence[ColumnPlan]) -> Sequence[Sequence[ColumnPlan]]:
    return [columns[begin : begin + MOST_ARGUMENTS] for begin in range(0, len(columns), MOST_ARGUMENTS)]


def _sql_text(sign: str) -> str:
    return f"E'\\x{ord(sign):02x}'"


def _function(number: int) -> str:
    return f"quarterdeck_column_{number}"


def _gatherer(column: ColumnPlan) -> type:
    """An aggregate that takes a column's values without a call of Python's for each."""
    write = column_writer(column)

    class Gathered(list[Any]):
        step = list.append

        def finalize(self) -> bytes:
            return SEPARATOR.join(write(self)).encode()

    return Gathered


def _kind(column: ColumnPlan) -> str:
    return column.type.partition("(")[0]


def _is_written(column: ColumnPlan) -> bool:
    """Whether SQLite writes the values itself."""
    return column.converter() is None and (_kind(column) in _FORMS or _kind(column) not in TYPES)


def _may_hide_bytes(column: ColumnPlan) -> bool:
    """Whether bytes could come out as something else, rather than as the error that they are in JSON."""
    return TAKES_BYTES or _FORMS.get(_kind(column), _OTHER)[0] != _PLAIN


def _form_here(column: ColumnPlan) -> str:
    return _FORMS.get(_kind(column), _OTHER)[0].format(quoted(column.source.name))


def _form_there(column: ColumnPlan) -> str:
    return f"coalesce({_FORMS.get(_kind(column), _OTHER)[1].format(quoted(column.name))}, 'null')"


_MOMENT = (
    "CASE WHEN length({0}) = 19 AND NOT instr({0}, 'T') THEN {0}"
    " WHEN length({0}) > 20 AND substr({0}, 20, 1) = '.' THEN replace("
    "CASE rtrim({0}, '0') WHEN substr({0}, 1, 20) THEN substr({0}, 1, 19) ELSE rtrim({0}, '0') END, 'T', ' ')"
    " ELSE replace({0}, 'T', ' ') END"
)
"""As `canonical.moment`: a blank in the middle, and no zeros at the end of a fraction."""

_PLAIN = "{0}"
_WHOLE = (_PLAIN, "{0}::text")
_WORDS = (_PLAIN, "to_json({0}::text)::text")
_SHORT = (_PLAIN, "'\"' || {0}::text || '\"'")
_OTHER = ("CASE typeof({0}) WHEN 'integer' THEN CAST({0} AS text) ELSE {0} END", _WORDS[1])
_FORMS = {
    "bigint": _WHOLE,
    "integer": _WHOLE,
    "smallint": _WHOLE,
    "boolean": (_PLAIN, "CASE {0} WHEN true THEN '1' WHEN false THEN '0' END"),
    "text": _WORDS,
    "varchar": _WORDS,
    "json": _WORDS,
    "uuid": _SHORT,
    "date": _SHORT,
    "time": _SHORT,
    "timestamp": (_MOMENT, _SHORT[1]),
}
"""By type: a value in SQLite's JSON, and the same in the server's."""

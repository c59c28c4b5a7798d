"""Write many values of SQLite in their canonical form at once, column by column, so that most of it runs in C.

A column whose values go as they are is not looked at: a value that is not what it should be gives a line that the
server does not have, or an error, and then these rows are looked at one by one (`hashing`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from console.transfer.data.canonical import ABSENT, SEPARATOR, Form, client_form, moment
from console.transfer.data.converters import Converter, Misfit
from console.transfer.data.plan import ColumnPlan

Column = Sequence[Any]
UNFIT = (Misfit, TypeError, ValueError, AttributeError, ArithmeticError, struct.error)
"""What a writer raises for a value that does not fit its column."""


def writer(columns: Sequence[ColumnPlan]) -> Callable[[Sequence[tuple[Any, ...]]], list[str]]:
    """A function from rows to their lines; it raises one of UNFIT for all of them."""
    writers = [column_writer(one) for one in columns]

    def write(rows: Sequence[tuple[Any, ...]]) -> list[str]:
        by_column = zip(*rows, strict=True)
        written = [write(values) for write, values in zip(writers, by_column, strict=True)]
        return list(map(SEPARATOR.join, zip(*written, strict=True)))

    return write


def column_writer(column: ColumnPlan) -> Callable[[Column], Sequence[str]]:
    """A function from a column's values to their forms; it raises one of UNFIT for all of them."""
    convert, form = column.converter(), client_form(column.type)
    if convert is not None:
        return _converted(convert, form)
    quick = _QUICK.get(column.type.partition("(")[0])
    if quick is None and form is not str:
        return lambda values: [ABSENT if value is None else form(value) for value in values]
    return quick or _plain


def _converted(convert: Converter, form: Form) -> Callable[[Column], Sequence[str]]:
    def write(values: Column) -> Sequence[str]:
        return [ABSENT if (sent := convert(value)) is None else form(sent) for value in values]

    return write


def _plain(values: Column) -> Sequence[str]:
    if None in values:
        return [ABSENT if value is None else str(value) for value in values]
    return list(map(str, values))


def _texts(values: Column) -> Sequence[str]:
    if None in values:
        return [ABSENT if value is None else f"{len(value)}={value}" for value in values]
    return [f"{len(value)}={value}" for value in values]


def _doubles(values: Column) -> Sequence[str]:
    if not _DOUBLES.issuperset(map(type, values)):  # a large integer would be rounded
        raise TypeError("not only floats")
    if None in values:
        pack = struct.Struct(">d").pack
        return [ABSENT if value is None else pack(value).hex() for value in values]
    written = struct.pack(f">{len(values)}d", *values).hex()
    return [written[begin : begin + 16] for begin in range(0, len(written), 16)]


def _moments(values: Column) -> Sequence[str]:
    return [
        ABSENT if value is None else value if len(value) == 19 and value[10] == " " else moment(value)
        for value in values
    ]


_DOUBLES = frozenset((float, type(None)))
_QUICK = {"text": _texts, "varchar": _texts, "double precision": _doubles, "timestamp": _moments, "boolean": _plain}

"""From a value of SQLite to one that PostgreSQL takes as it is meant, or a reason why there is none.

Only columns that the survey found dirty go through here: the rest is never touched in Python.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from console.transfer.data.moments import NoMoment, read_hour, read_moment
from console.transfer.data.shapes import EXACT_TO, FALSE, TRUE
from console.transfer.data.source import BrokenText

Converter = Callable[[Any], Any]


class Misfit(Exception):
    """A value that the column cannot hold; the message says why, without the value."""


@dataclass(frozen=True)
class Reading:
    """How values are read that could mean several things.

    Attributes:
        zone: Where a time without an offset was; None leaves it without one.
        epoch: Units a second of a number that stands for a time; `julian` for days since 4714 BC; empty for none.
        invalid_as_null: What is no value of the type becomes NULL rather than a row in quarantine.
        strip_nul: NULs are cut out of texts. `encoding`: of texts that are no UTF-8; empty for none.
    """

    zone: str = ""
    epoch: str = ""
    invalid_as_null: bool = False
    strip_nul: bool = False
    encoding: str = ""


PLAINLY = Reading()

_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
EPOCHS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Units a second."""
_START = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_START = 2440587.5


def converter_for(type_name: str, reading: Reading) -> Converter:
    """The function that makes values of a PostgreSQL type.

    Raises:
        KeyError: It is a type that this module does not make.
    """
    kind, _, size = type_name.partition("(")
    convert = _MAKERS[kind](reading)
    if kind == "numeric" and size:
        convert = _scaled(convert, int(size.rstrip(")").partition(",")[2] or 0))

    def careful(value: Any) -> Any:
        if value is None:
            return None
        try:
            return convert(value)
        except (Misfit, ArithmeticError, ValueError, UnicodeError, RecursionError) as problem:
            if reading.invalid_as_null:
                return None
            raise problem if isinstance(problem, Misfit) else Misfit(_said(type_name, value)) from problem

    return careful


def needed(convert: Converter | None) -> Converter:
    """The same, of a column that may not be NULL over there."""

    def careful(value: Any) -> Any:
        if value is None:
            raise Misfit("NULL in a primary key")
        return convert(value) if convert else value

    return careful


def _said(type_name: str, value: object) -> str:
    kind = _KINDS.get(type(value), "a value")
    return f"{kind} that {'are' if kind == 'bytes' else 'is'} no {type_name}"


_KINDS: Mapping[type, str] = {
    int: "an integer",
    float: "a real",
    str: "a text",
    bytes: "bytes",
    BrokenText: "a text that is no UTF-8",
}


def _bigint(_: Reading) -> Converter:
    def convert(value: Any) -> int:
        if isinstance(value, int):
            return value
        if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT_TO:
            return int(value)
        if isinstance(value, str) and _WHOLE.fullmatch(value.strip()) and -(2**63) <= int(value) < 2**63:
            return int(value)
        raise Misfit(_said("whole number", value))

    return convert


def _narrow(bits: int) -> Callable[[Reading], Converter]:
    """Whole numbers of fewer bits, as a table over there may have that nobody here made."""

    def make(reading: Reading) -> Converter:
        whole = _bigint(reading)

        def convert(value: Any) -> int:
            number = int(whole(value))
            if not -(1 << bits - 1) <= number < 1 << bits - 1:
                raise Misfit(f"a whole number beyond {bits} bits")
            return number

        return convert

    return make


def _double(_: Reading) -> Converter:
    def convert(value: Any) -> float:
        if isinstance(value, float):
            return value
        if isinstance(value, int) and abs(value) <= EXACT_TO:
            return float(value)
        if (
            isinstance(value, str)
            and _NUMBER.fullmatch(value.strip())
            and Decimal(value.strip()) == Decimal(repr(float(value)))
        ):
            return float(value)
        raise Misfit(_said("number of 64 bits", value))

    return convert


def _numeric(_: Reading) -> Converter:
    def convert(value: Any) -> int | Decimal:
        if isinstance(value, int):
            return value
        if isinstance(value, float):
            return int(value) if value.is_integer() and abs(value) > EXACT_TO else Decimal(repr(value))
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            return Decimal(value.strip())
        raise Misfit(_said("number", value))

    return convert


def _scaled(convert: Converter, scale: int) -> Converter:
    """Only what the scale holds: PostgreSQL would round the rest without a word."""

    def exactly(value: Any) -> Decimal:
        number = Decimal(convert(value))
        written = number.quantize(Decimal(1).scaleb(-scale))
        if written != number:
            raise Misfit(f"a number with more than {scale} places, which would be rounded")
        return written

    return exactly


def _text(reading: Reading) -> Converter:
    def convert(value: Any) -> str:
        if isinstance(value, BrokenText):
            if not reading.encoding:
                raise Misfit("a text that is no UTF-8")
            value = bytes(value).decode(reading.encoding)
        elif isinstance(value, bytes):
            value = _readable(value)
        elif not isinstance(value, str):
            return repr(value)
        if "\0" in value:
            if not reading.strip_nul:
                raise Misfit("a text with a NUL, which PostgreSQL's text cannot hold")
            value = value.replace("\0", "")
        return str(value)

    return convert


def is_legible(value: bytes) -> bool:
    """Whether bytes are a text all the same."""
    try:
        _readable(value)
    except Misfit:
        return False
    return True


def _readable(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if any(character < " " and character not in "\t\r\n" for character in text):
        raise Misfit("bytes that are no text")
    return text


def _bytes(_: Reading) -> Converter:
    def convert(value: Any) -> bytes:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, bytes):
            return bytes(value)
        raise Misfit(_said("bytes", value))

    return convert


def _boolean(_: Reading) -> Converter:
    def convert(value: Any) -> bool:
        word = str(value).strip().lower() if isinstance(value, int | str) else ""
        if word in TRUE:
            return True
        if word in FALSE:
            return False
        raise Misfit(_said("boolean", value))

    return convert


def _timestamptz(reading: Reading) -> Converter:
    zone: tzinfo = ZoneInfo(reading.zone) if reading.zone else UTC

    def convert(value: Any) -> datetime:
        moment = _from_number(value, reading.epoch) if isinstance(value, int | float) else _from_text(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        if not 1 < moment.year < 9999:
            moment.astimezone(UTC)  # raises OverflowError for what is before the year 1 or after 9999 there
        return moment

    return convert


def _timestamp(reading: Reading) -> Converter:
    def convert(value: Any) -> datetime:
        moment = _from_number(value, reading.epoch) if isinstance(value, int | float) else _from_text(value)
        if moment.tzinfo and not isinstance(value, int | float):
            raise Misfit("a time with an offset, which a timestamp without time zone would lose")
        return moment.replace(tzinfo=None)

    return convert


def _from_number(value: float, epoch: str) -> datetime:
    if epoch == "julian":
        return _START + timedelta(milliseconds=round((value - _JULIAN_START) * 86_400_000))
    if epoch not in EPOCHS or not math.isfinite(value):
        raise Misfit("a number that stands for no known time")
    return _START + timedelta(microseconds=round(Decimal(repr(value)) * 1_000_000 / EPOCHS[epoch]))


def _from_text(value: Any) -> datetime:
    try:
        return read_moment(value if isinstance(value, str) else "")
    except NoMoment as problem:
        raise Misfit(_said("ISO 8601 time", value)) from problem


def _date(_: Reading) -> Converter:
    def convert(value: Any) -> date:
        moment = _from_text(value)
        if moment.tzinfo or moment.time() != time():
            raise Misfit("a time of day, which a date would lose")
        return moment.date()

    return convert


def _time(_: Reading) -> Converter:
    def convert(value: Any) -> time:
        try:
            return read_hour(value if isinstance(value, str) else "")
        except NoMoment as problem:
            raise Misfit(_said("time of day", value)) from problem

    return convert


def _json(_: Reading) -> Converter:
    def convert(value: Any) -> str:
        if isinstance(value, bytes) and not isinstance(value, BrokenText):
            value = _readable(value)
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float) and math.isfinite(value):
            return repr(value)
        if isinstance(value, str):
            json.loads(value, parse_constant=_no_constant)
            return value
        raise Misfit(_said("JSON", value))

    return convert


def _jsonb(reading: Reading) -> Converter:
    as_json = _json(reading)

    def convert(value: Any) -> str:
        text = str(as_json(value))
        if "\\u0000" in text:
            raise Misfit("JSON with a NUL, which jsonb cannot hold")
        json.loads(text, object_pairs_hook=_once)
        return text

    return convert


def _no_constant(word: str) -> None:
    raise Misfit(f"JSON with {word}, which is none")


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise Misfit("JSON with the same key twice, of which jsonb would keep one")


def _uuid(_: Reading) -> Converter:
    def convert(value: Any) -> str:
        if isinstance(value, bytes) and len(value) == 16:
            return str(uuid.UUID(bytes=bytes(value)))
        if isinstance(value, str):
            return str(uuid.UUID(value.strip()))
        raise Misfit(_said("uuid", value))

    return convert


_MAKERS: Mapping[str, Callable[[Reading], Converter]] = {
    "bigint": _bigint,
    "integer": _narrow(32),
    "smallint": _narrow(16),
    "real": _double,
    "double precision": _double,
    "numeric": _numeric,
    "text": _text,
    "varchar": _text,
    "bytea": _bytes,
    "boolean": _boolean,
    "timestamptz": _timestamptz,
    "timestamp": _timestamp,
    "date": _date,
    "time": _time,
    "json": _json,
    "jsonb": _jsonb,
    "uuid": _uuid,
}
TYPES = tuple(_MAKERS)
"""The types that a column may be given, by rule or by choice."""

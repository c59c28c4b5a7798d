"""Choose the PostgreSQL type of a column from what is in it, and say why. Pure.

What the column was declared to be is kept wherever its values allow it. A wider type is taken where it holds every
value exactly; what no sensible type holds goes to quarantine, row by row, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from console.transfer.data.converters import PLAINLY, TYPES, Reading
from console.transfer.data.families import Family, family_of, length_of
from console.transfer.data.inventory import SourceColumn
from console.transfer.data.survey import ColumnFacts

EPOCH_UNITS = ((1e8, 1e11, "s"), (1e11, 1e14, "ms"), (1e14, 1e17, "us"), (1e17, 1e20, "ns"))
"""From and below which size a number that stands for a time is in which unit: from 1973 to the year 5138."""
JULIAN = (1_721_425.5, 5_373_484.5)
"""Days of the years 1 to 9999."""
LONGEST_VARCHAR = 10_485_760
"""Characters that PostgreSQL lets somebody declare."""


@dataclass(frozen=True)
class ColumnRule:
    """What somebody decided about a column. An empty `type` leaves the choice here."""

    type: str = ""
    reading: Reading = PLAINLY


@dataclass(frozen=True)
class Choice:
    """A column's type. `direct`: its values go as they are; otherwise each is converted, and some may not fit.

    Attributes:
        notes: What somebody should know: what was widened, what will be read how.
        misfits: How many values go to quarantine, as far as counting tells; rows may be fewer.
    """

    type: str
    direct: bool
    reason: str
    reading: Reading = PLAINLY
    notes: tuple[str, ...] = ()
    misfits: int = 0


def choose(
    column: SourceColumn, facts: ColumnFacts, rule: ColumnRule | None = None, *, is_indexed: bool = False
) -> Choice:
    """Choose, by the rule where there is one.

    Args:
        is_indexed: It is part of a key or of an index, which a `json` cannot be.
    """
    if rule is not None and rule.type:
        known = rule.type.partition("(")[0] in TYPES
        return Choice(rule.type, not known, "as the rules say", rule.reading)
    family = family_of(column.declared)
    if family is Family.JSON and is_indexed:
        chosen = replace(_text(column, facts), reason="JSON in a key or an index, compared as it is written")
    else:
        chosen = _CHOOSERS[family](column, facts)
        if rule is None and 2 * chosen.misfits > facts.values:
            chosen = _otherwise(column, facts, chosen)
    if rule is None:
        return chosen
    return replace(chosen, reading=_merged(chosen.reading, rule.reading), direct=False)


def _otherwise(column: SourceColumn, facts: ColumnFacts, chosen: Choice) -> Choice:
    """What fits more of the values, where most are not what the column was declared for."""
    plain = _open(column, facts)
    if plain.misfits >= chosen.misfits:
        return chosen
    note = f"{chosen.misfits} of {facts.values} values are no {chosen.type}, so that all stay as they are."
    return replace(plain, reason=f"most values are not what {column.declared} says", notes=(*plain.notes, note))


def _merged(chosen: Reading, wanted: Reading) -> Reading:
    return replace(wanted, zone=wanted.zone or chosen.zone, epoch=wanted.epoch or chosen.epoch)


def _as(
    type_name: str, facts: ColumnFacts, fitting: int, reason: str, *notes: str, reading: Reading | None = None
) -> Choice:
    misfits = facts.values - fitting
    told = (f"{misfits} of {facts.values} values are none and go to quarantine.",) if misfits else ()
    return Choice(
        type_name, direct=False, reason=reason, reading=reading or Reading(), notes=(*notes, *told), misfits=misfits
    )


def _integer(_: SourceColumn, facts: ColumnFacts) -> Choice:
    if facts.integers == facts.values:
        return Choice("bigint", direct=True, reason="every value is an integer")
    if facts.parts:
        return _number(facts, f"{facts.parts} values are no whole numbers")
    if facts.wide and facts.reals:
        return _as("numeric", facts, facts.fits, "whole numbers beyond 64 bits")
    return _as("bigint", facts, facts.fits, "whole numbers")


def _number(facts: ColumnFacts, reason: str) -> Choice:
    if facts.wide and facts.integers:
        return _as("numeric", facts, facts.fits, reason, "Some integers are too large for a float of 64 bits.")
    direct = facts.reals == facts.values
    chosen = _as("double precision", facts, facts.fits, reason)
    return replace(chosen, direct=direct)


def _real(_: SourceColumn, facts: ColumnFacts) -> Choice:
    return _number(facts, "floats of 64 bits, as SQLite keeps them")


def _decimal(_: SourceColumn, facts: ColumnFacts) -> Choice:
    if not facts.values:
        return Choice("numeric", direct=True, reason="declared so; it has no values")
    note = "Without a scale, so that nothing is rounded."
    chosen = _as("numeric", facts, facts.fits, "decimal numbers", note)
    return replace(chosen, direct=facts.numbers == facts.values and not facts.wide)


def _text(column: SourceColumn, facts: ColumnFacts) -> Choice:
    size = length_of(column.declared)
    is_size = size is not None and 0 < size <= LONGEST_VARCHAR
    fits = is_size and facts.longest <= (size or 0) and facts.texts == facts.values and not facts.nuls
    type_name = f"varchar({size})" if fits else "text"
    if 2 * (facts.blobs - facts.legible) > facts.values:
        return replace(_bytes(column, facts), reason="most values are bytes")
    notes = []
    if size is not None and facts.longest > size:
        notes.append(f"Declared for {size} characters; the longest value has {facts.longest}.")
    if facts.blobs:
        notes.append(f"{facts.blobs} values are bytes; {facts.legible} of them are readable and become texts.")
    if facts.numbers:
        notes.append(f"{facts.numbers} numbers become texts.")
    bad = facts.nuls + facts.broken + facts.blobs - facts.legible
    chosen = _as(type_name, facts, facts.values - bad, "texts", *notes)
    return replace(chosen, direct=facts.texts == facts.values and not bad)


def _bytes(_: SourceColumn, facts: ColumnFacts) -> Choice:
    notes = (f"{facts.texts} texts become their bytes in UTF-8.",) if facts.texts else ()
    chosen = _as("bytea", facts, facts.blobs + facts.texts, "bytes", *notes)
    return replace(chosen, direct=facts.blobs == facts.values)


def _boolean(_: SourceColumn, facts: ColumnFacts) -> Choice:
    if facts.clean == facts.values:
        return Choice("boolean", direct=True, reason="every value is 0 or 1")
    if facts.integers == facts.values:
        return Choice("bigint", direct=True, reason="whole numbers other than 0 and 1 are among them")
    return _as("boolean", facts, facts.fits, "words for true and false")


def _date(column: SourceColumn, facts: ColumnFacts) -> Choice:
    if facts.numbers and facts.numbers == facts.values:
        return replace(
            _plain_number(facts), notes=("Declared as dates; which dates these numbers mean is not certain.",)
        )
    if facts.moments:
        return _moment(column, facts, f"{facts.moments} values have a time of day")
    if facts.clean == facts.values:
        return Choice("date", direct=True, reason="every value is a day of the calendar")
    midnights = facts.fits - facts.clean
    notes = (f"{midnights} values are written otherwise, some with a midnight that a date goes without.",)
    return _as("date", facts, facts.fits, "days of the calendar", *notes[: bool(midnights)])


def _time(_: SourceColumn, facts: ColumnFacts) -> Choice:
    if facts.clean == facts.values:
        return Choice("time", direct=True, reason="every value is a time of day")
    if facts.fits == facts.values:
        return _as("time", facts, facts.fits, "every value is a time of day")
    return replace(_open(_, facts), notes=("Declared as times of day; not every value is one.",))


def _timestamp(column: SourceColumn, facts: ColumnFacts) -> Choice:
    if facts.texts == facts.values and facts.clean == facts.values and not _names_zone(column):
        return Choice("timestamp", direct=True, reason="every value is an ISO 8601 time without an offset")
    return _moment(column, facts, "times")


def _names_zone(column: SourceColumn) -> bool:
    declared = column.declared.lower()
    return "timestamptz" in declared or "with time zone" in declared


def _moment(column: SourceColumn, facts: ColumnFacts, reason: str) -> Choice:
    notes: list[str] = []
    epoch = _epoch(facts)
    if facts.numbers and not epoch:
        if facts.numbers == facts.values:
            notes.append("Declared as times; which times these numbers mean is not certain. A rule may name the unit.")
            return replace(_plain_number(facts), notes=tuple(notes))
        notes.append("Which times its numbers mean is not certain; a rule may name the unit.")
    with_zone = bool(facts.offsets or (facts.numbers and epoch) or _names_zone(column))
    if epoch:
        notes.append(f"Numbers are read as {_UNITS[epoch]}.")
    if with_zone and facts.fits > facts.offsets:
        notes.append("Times without an offset are read as UTC, as SQLite does; a rule may name another zone.")
    finer = facts.finer + _finer_numbers(facts, epoch)
    if finer:
        notes.append(f"{finer} values are finer than a microsecond and are rounded to it; the type text would keep it.")
    fitting = facts.fits + (facts.numbers if epoch else 0)
    kind = "timestamptz" if with_zone else "timestamp"
    return _as(kind, facts, fitting, reason, *notes, reading=Reading(epoch=epoch))


def _finer_numbers(facts: ColumnFacts, epoch: str) -> int:
    by_unit = {"s": facts.finer_s, "ms": facts.finer_ms, "us": facts.finer_us, "ns": facts.finer_ns}
    return by_unit.get(epoch, 0)


_UNITS = {
    "s": "seconds since 1970",
    "ms": "milliseconds since 1970",
    "us": "microseconds since 1970",
    "ns": "nanoseconds since 1970",
    "julian": "Julian days, to the millisecond as SQLite does",
}


def _epoch(facts: ColumnFacts) -> str:
    """The unit in which all numbers of a column can be times; empty where they could mean several things or none."""
    if not facts.numbers or facts.most is None or facts.least is None:
        return ""
    if facts.reals and JULIAN[0] <= facts.least and facts.most <= JULIAN[1]:
        return "julian"
    return next((unit for least, most, unit in EPOCH_UNITS if least <= facts.least and facts.most < most), "")


def _plain_number(facts: ColumnFacts) -> Choice:
    if facts.integers == facts.values:
        return Choice("bigint", direct=True, reason="every value is an integer")
    return _number(facts, "numbers")


def _json(column: SourceColumn, facts: ColumnFacts) -> Choice:
    binary = "jsonb" in column.declared.lower()
    note = (
        ("Kept as json: jsonb would lose keys that come twice, or refuse a NUL.",) if binary and facts.strange else ()
    )
    type_name = "jsonb" if binary and not facts.strange else "json"
    if facts.fits < facts.values:
        return replace(_text(column, facts), reason=f"{facts.values - facts.fits} values are no JSON")
    chosen = _as(type_name, facts, facts.fits, "every value is JSON", *note)
    return replace(chosen, direct=facts.clean == facts.values)


def _uuid(column: SourceColumn, facts: ColumnFacts) -> Choice:
    if facts.clean == facts.values:
        return Choice("uuid", direct=True, reason="every value is a UUID in small letters")
    if facts.blobs and facts.fits == facts.values and facts.clean == facts.texts:
        return _as("uuid", facts, facts.fits, "16 bytes each, or a UUID in small letters")
    return replace(_open(column, facts), notes=("Declared as UUIDs; written otherwise, they stay as they are.",))


def _open(column: SourceColumn, facts: ColumnFacts) -> Choice:
    """Nobody said what it is: the values do."""
    if not facts.values:
        return Choice("text", direct=True, reason="it has no values and no type that says more")
    if facts.blobs == facts.values:
        return Choice("bytea", direct=True, reason="every value is bytes")
    if facts.numbers == facts.values:
        return _integer(column, facts)
    return _text(column, facts)


_CHOOSERS: Mapping[Family, Callable[[SourceColumn, ColumnFacts], Choice]] = {
    Family.INTEGER: _integer,
    Family.REAL: _real,
    Family.NUMERIC: _decimal,
    Family.TEXT: _text,
    Family.BYTES: _bytes,
    Family.BOOLEAN: _boolean,
    Family.DATE: _date,
    Family.TIME: _time,
    Family.TIMESTAMP: _timestamp,
    Family.JSON: _json,
    Family.UUID: _uuid,
    Family.OPEN: _open,
}
assert all(upper == lower for (_, upper, _), (lower, _, _) in pairwise(EPOCH_UNITS))

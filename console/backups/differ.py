"""Tell two readings of a database apart, in words that name what differs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from console.backups.definitions import SINCE_RIGHTS
from console.backups.values import Sums, TableSum

REWORDED = ("view ", "policy ", "function ", "rule ", "statistics ", "grants ", "default grants ")
"""Kinds whose text PostgreSQL writes differently from one major version to the next, or that have more to say then."""


def find_differences(expected: Sums, found: Sums, without: tuple[str, ...] = ()) -> Iterator[str]:
    """Say what the second reading lacks, has more, or has otherwise; nothing where they are equal.

    Args:
        without: Beginnings of names of objects that do not count.
    """
    passed_over = without if expected.scope and found.scope else (*without, *SINCE_RIGHTS)
    expected, found = _part(expected, passed_over), _part(found, passed_over)
    other_version = _major(expected) != _major(found)
    for name in sorted({*expected.tables, *found.tables}):
        yield from _compare_tables(name, expected.tables.get(name), found.tables.get(name), other_version)
    for name in sorted({*expected.sequences, *found.sequences}):
        yield from _compare_sequences(name, expected, found)
    for name in sorted({*expected.objects, *found.objects}):
        if _goes_with_its_table(name, expected, found):
            continue
        if name not in found.objects:
            yield f"{name} is missing."
        elif name not in expected.objects:
            yield f"{name} was not there."
        elif expected.objects[name] != found.objects[name] and not (other_version and name.startswith(REWORDED)):
            yield f"{name} is defined otherwise."


def _part(sums: Sums, without: tuple[str, ...]) -> Sums:
    """The same without some kinds of objects."""
    kept = {name: digest for name, digest in sums.objects.items() if not (without and name.startswith(without))}
    return replace(sums, objects=kept)


def _goes_with_its_table(name: str, expected: Sums, found: Sums) -> bool:
    """Whether it is about a table that only one side has, which is said of the table."""
    if not name.startswith(SINCE_RIGHTS):
        return False
    table = f"table {name.rpartition(' ')[2]}"
    return (table in expected.objects) != (table in found.objects)


def find_newer(backup: Sums, present: Sums) -> list[str]:
    """What a database has that the backup does not know: it would be lost by going back. Tables and columns only."""
    return sorted(
        name
        for name in present.objects
        if name not in backup.objects and name.startswith(("table ", "column ")) and not _of_new_table(name, backup)
    )


def _of_new_table(name: str, backup: Sums) -> bool:
    """Whether its table is new too, which is said once."""
    kind, _, place = name.partition(" ")
    return kind == "column" and f"table {place.rpartition('.')[0]}" not in backup.objects


def _compare_tables(name: str, here: TableSum | None, there: TableSum | None, other_version: bool) -> Iterator[str]:
    if here is None or there is None:
        yield f"table {name} {'was not there' if here is None else 'is missing'}."
    elif here.rows != there.rows:
        yield f"table {name} has {there.rows} rows instead of {here.rows}."
    elif (here.digest, dict(here.columns)) != (there.digest, dict(there.columns)):
        columns = _differing(here.columns, there.columns)
        words = f"in {', '.join(columns)}" if columns else "in which values stand together"
        doubt = (
            " The servers' major versions differ, and with them perhaps how values are hashed: restore it on the"
            " same major version to be sure."
        )
        yield f"table {name} has other values {words}.{doubt if other_version else ''}"


def _differing(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*here, *there} if here.get(name) != there.get(name))


def _compare_sequences(name: str, expected: Sums, found: Sums) -> Iterator[str]:
    if name not in found.sequences or name not in expected.sequences:
        yield f"sequence {name} {'is missing' if name in expected.sequences else 'was not there'}."
        return
    allowed = [value for value in expected.sequences[name] if value is not None]
    value = found.sequences[name][0]
    if value is None:
        # Never used, or not yet when it was first seen.
        if expected.sequences[name][0] is not None:
            yield f"sequence {name} begins anew instead of at {allowed[0]}."
    elif not allowed or not (min(allowed) <= value <= max(allowed) or expected.sequences[name][0] is None):
        yield f"sequence {name} stands at {value} instead of {' to '.join(map(str, allowed)) or 'its beginning'}."


def _major(sums: Sums) -> int:
    return sums.server // 10_000

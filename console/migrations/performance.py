"""Which statements became slower or faster, from two readings of `pg_stat_statements`.

Its figures only grow, so the mean between two readings is the difference of times over the difference of calls. A
reset, or entries that were thrown out for want of room, make a comparison worthless for those concerned: they are left
out, and said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.database import Connection

_THERE = "select extnamespace::regnamespace::text from pg_extension where extname = 'pg_stat_statements'"
_FIGURES = """
select queryid, min(query), sum(calls)::bigint, sum(total_exec_time)::float8
from {schema}.pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null group by 1
"""


@dataclass(frozen=True)
class Figures:
    query: str
    calls: int
    milliseconds: float


Reading = Mapping[int, Figures]
"""Figures since the last reset, by the server's id of a statement."""


@dataclass(frozen=True)
class Change:
    """One statement's mean time in milliseconds, before and after; `calls` counts those after."""

    query: str
    before_ms: float
    after_ms: float
    calls: int

    @property
    def factor(self) -> float:
        return self.after_ms / self.before_ms if self.before_ms else float("inf")


async def read(connection: Connection) -> Reading | None:
    """Take a reading; None where the extension is not there."""
    row = await (await connection.execute(_THERE)).fetchone()
    if row is None:
        return None
    cursor = await connection.execute(_FIGURES.format(schema=row[0]).encode())
    return {int(key): Figures(str(query), calls, time) for key, query, calls, time in await cursor.fetchall()}


def to_text(reading: Reading) -> str:
    """A reading as JSON, for a file."""
    return json.dumps({str(key): [one.query, one.calls, one.milliseconds] for key, one in reading.items()})


def from_text(text: str) -> Reading:
    """The reading of `to_text`.

    Raises:
        ValueError: The text is none.
    """
    try:
        return {int(key): Figures(str(row[0]), int(row[1]), float(row[2])) for key, row in json.loads(text).items()}
    except (AttributeError, IndexError, TypeError) as problem:
        raise ValueError("no reading") from problem


def compare(earliest: Reading, before: Reading, after: Reading, least_calls: int = 10) -> Sequence[Change]:
    """Compare the time between the first two readings with that between the last two; the worst factor first.

    Args:
        earliest: A reading some time before the change; empty takes all since the last reset.
        least_calls: Statements called less often in either time say nothing.
    """
    found = []
    for key, then in before.items():
        now, first = after.get(key), earliest.get(key, Figures("", 0, 0.0))
        if now is None:
            continue
        old_calls, new_calls = then.calls - first.calls, now.calls - then.calls
        if min(old_calls, new_calls) < least_calls:
            continue
        old, new = then.milliseconds - first.milliseconds, now.milliseconds - then.milliseconds
        found.append(Change(then.query, old / old_calls, new / new_calls, new_calls))
    return sorted(found, key=lambda one: -one.factor)

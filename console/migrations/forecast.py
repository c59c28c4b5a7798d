"""How long each statement will keep whom waiting, from the sizes of its tables.

Rates are measured on a million rows (195 MB): rewrite 9.1 to 10.1 s, index 3.3 s, scan 0.23 s. A forecast is an order
of magnitude, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.migrations.scripts import Script
from console.migrations.statement import Work

if TYPE_CHECKING:
    from providers.database import Connection

SECONDS_A_MB = {Work.NONE: 0.0, Work.SCAN: 0.0012, Work.BUILD: 0.017, Work.REWRITE: 0.052, Work.ROWS: 0.052}
"""Rows chosen by conditions are counted as if all were; that is the most it can be."""
_SIZES = """
select c.relname, n.nspname, pg_table_size(c.oid), greatest(c.reltuples, 0)::bigint
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
"""


@dataclass(frozen=True)
class Size:
    """What a table takes on disk without its indexes, and about how many rows it has (0: never counted)."""

    bytes: int
    rows: int


@dataclass(frozen=True)
class Forecast:
    """One statement: whom its lock stops, and for about how long at most."""

    file: str
    line: int
    kind: str
    tables: Sequence[str]
    lock: str
    stops: str
    work: str
    bytes: int
    rows: int
    seconds: float


async def fetch_sizes(connection: Connection) -> Mapping[str, Size]:
    """Sizes by `schema.table`, and by `table` alone for those of the schema public."""
    found: dict[str, Size] = {}
    for table, schema, size, rows in await (await connection.execute(_SIZES)).fetchall():
        found[f"{schema}.{table}"] = Size(size, rows)
        if schema == "public":
            found[table] = Size(size, rows)
    return found


def forecast(scripts: Sequence[Script], sizes: Mapping[str, Size]) -> Sequence[Forecast]:
    """One entry for every statement that locks or works on a table which is there already."""
    found = []
    for script in scripts:
        for one in script.classified:
            known = [sizes[name] for name in one.objects if name in sizes]
            if one.fresh or not known:
                continue
            size = sum(entry.bytes for entry in known)
            found.append(
                Forecast(
                    script.filename,
                    one.line,
                    one.kind,
                    one.objects,
                    one.lock.words,
                    one.lock.stops,
                    one.work.value,
                    size,
                    sum(entry.rows for entry in known),
                    round(size / 1e6 * SECONDS_A_MB[one.work], 2),
                )
            )
    return found

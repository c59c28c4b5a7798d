"""Rebuild indexes beside the ones that serve, so that nobody waits: those that are invalid, or those named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.domain.errors import UsageError
from console.migrations import leftovers
from console.migrations.patience import Patience
from providers.database import Database

if TYPE_CHECKING:
    from providers.database import Connection

_FIND = """
select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass(%s) and c.relkind in ('i', 'I')
"""


@dataclass(frozen=True)
class Rebuilt:
    """One index; `problem` is empty when it is whole now."""

    index: str
    problem: str = ""


async def rebuild(
    connection: Connection,
    database: Database,
    names: Sequence[str],
    patience: Patience,
    told: Callable[[str], None] = lambda index: None,
) -> Sequence[Rebuilt]:
    """Rebuild one after the other; what a rebuild that was cut off had left beside an index is dropped first.

    Args:
        names: As PostgreSQL writes them; empty for all that are invalid.

    Raises:
        UsageError: A name is none of an index.
    """
    import psycopg

    await connection.execute("set statement_timeout = 0")
    lock_timeout = f"{round(patience.weak_lock_timeout * 1000)}ms"
    await connection.execute("select set_config('lock_timeout', %s, false)", (lock_timeout,))
    chosen = [await _full_name(connection, name) for name in names]
    await leftovers.drop_remains(connection)
    chosen = chosen or [index for index, _ in await leftovers.invalid_indexes(connection)]
    found = []
    for index in chosen:
        told(index)
        problem = ""
        try:
            await connection.execute(f"reindex index concurrently {index}".encode())
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                raise
            problem = f"{database.words_of(error)} ({error.sqlstate})"
            await leftovers.drop_remains(connection)
        still = [name for name, _ in await leftovers.invalid_indexes(connection)]
        found.append(Rebuilt(index, problem or ("it is still invalid" if index in still else "")))
    return found


async def _full_name(connection: Connection, name: str) -> str:
    row = await (await connection.execute(_FIND, (name,))).fetchone()
    if row is None:
        raise UsageError(f"There is no index {name}.", "migrate repair --reindex", "Name it with its schema.")
    return str(row[0])

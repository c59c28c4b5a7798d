"""What a statement that ran alone may have left half done, and how to find out whether it did its work.

CREATE INDEX CONCURRENTLY that is cut off leaves an invalid index, which IF NOT EXISTS would then take for a good one;
REINDEX CONCURRENTLY leaves `_ccnew` beside the index. Both must go before the statement is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from console.migrations.grammar import parse_statement
from console.migrations.statement import Statement

if TYPE_CHECKING:
    from providers.database import Connection

_INVALID = """
select format('%I.%I', n.nspname, c.relname), format('%I.%I', tn.nspname, t.relname)
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
join pg_class t on t.oid = i.indrelid join pg_namespace tn on tn.oid = t.relnamespace
where not (i.indisvalid and i.indisready) and c.relkind = 'i'
  and not exists (select 1 from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)
order by 1
"""
_INDEX = """
select i.indisvalid and i.indisready, format('%%I.%%I', n.nspname, c.relname)
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass(%s)
"""
_NAME_OF_INDEX = """
select format('%%I.%%I', n.nspname, %s::text) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass(%s)
"""
_PARTITION = """
select i.inhdetachpending from pg_inherits i where i.inhparent = to_regclass(%s) and i.inhrelid = to_regclass(%s)
"""
_BY_WORDS = re.compile(
    r"(?is)\s*create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?([\w$\".]+)\s+on\s+(?:only\s+)?([\w$\".]+)"
)


class Standing(Enum):
    """What became of a statement that was begun alone."""

    DONE = "done"
    NOT_DONE = "not done"
    """It can be run now; what an earlier attempt had left is gone."""
    UNKNOWN = "unknown"


async def invalid_indexes(connection: Connection) -> Sequence[tuple[str, str]]:
    """Indexes that serve no query, each with its table; those that are being built right now are not counted."""
    rows: Sequence[tuple[Any, ...]] = await (await connection.execute(_INVALID)).fetchall()
    return [(str(index), str(table)) for index, table in rows]


async def settle(connection: Connection, statement: Statement) -> Standing:
    """Find out whether a statement that was begun alone did its work; clear away what it left half done."""
    tree = parse_statement(statement.text)
    kind = type(tree).__name__ if tree is not None else ""
    if kind == "IndexStmt" or (tree is None and statement.kind.startswith("CREATE")):
        return await _settle_index(connection, tree, statement.text)
    if kind == "DropStmt":
        names = statement.objects
        there = [name for name in names if await _row(connection, "select to_regclass(%s)", _quoted(name))]
        return Standing.NOT_DONE if there else Standing.DONE
    if kind == "AlterTableStmt":
        return await _settle_partition(connection, tree)
    if kind == "ReindexStmt":
        await drop_remains(connection)
        return Standing.NOT_DONE
    if kind in ("VacuumStmt", "ClusterStmt", "AlterSystemStmt") or statement.kind.startswith(("VACUUM", "REINDEX")):
        return Standing.NOT_DONE
    return Standing.UNKNOWN


async def drop_remains(connection: Connection) -> None:
    """Drop what a REINDEX CONCURRENTLY that was cut off left beside the indexes."""
    for index, _ in await invalid_indexes(connection):
        if re.search(r'_cc(?:new|old)\d*"?$', index):
            await connection.execute(f"drop index concurrently if exists {index}".encode())


async def is_valid(connection: Connection, statement: Statement) -> bool:
    """Whether the index that a CREATE INDEX CONCURRENTLY made is one that serves queries; True for other statements."""
    found = await _find_index(connection, parse_statement(statement.text), statement.text)
    return found is None or bool(found[0])


async def _settle_index(connection: Connection, tree: Any, text: str) -> Standing:
    if tree is not None and not tree.idxname:
        return Standing.UNKNOWN
    found = await _find_index(connection, tree, text)
    if found is None:
        return Standing.NOT_DONE
    if found[0]:
        return Standing.DONE
    await connection.execute(f"drop index concurrently if exists {found[1]}".encode())
    return Standing.NOT_DONE


async def _find_index(connection: Connection, tree: Any, text: str) -> tuple[bool, str] | None:
    """Whether the named index is valid, and its full name; None where there is none, or none is named."""
    if type(tree).__name__ == "IndexStmt" and tree.idxname:
        index, schema, table = tree.idxname, tree.relation.schemaname, tree.relation.relname
        relation = f"{_quote(schema)}.{_quote(table)}" if schema else _quote(table)
    elif tree is None and (words := _BY_WORDS.match(text)):
        index, relation = words[1].strip('"'), words[2]
    else:
        return None
    named = await _row(connection, _NAME_OF_INDEX, index, relation)
    if not named:
        return None
    row = await _row(connection, _INDEX, named[0])
    return (bool(row[0]), str(row[1])) if row else None


async def _settle_partition(connection: Connection, tree: Any) -> Standing:
    command = tree.cmds[0]
    if command.subtype.name != "AT_DetachPartition":
        return Standing.UNKNOWN
    parent, child = _full(tree.relation), _full(command.def_.name)
    row = await _row(connection, _PARTITION, parent, child)
    if row is None:
        return Standing.DONE
    if row[0]:
        await connection.execute(f"alter table {parent} detach partition {child} finalize".encode())
        return Standing.DONE
    return Standing.NOT_DONE


def _quoted(name: str) -> str:
    return ".".join(_quote(part) for part in name.split("."))


def _full(relation: Any) -> str:
    return (
        f"{_quote(relation.schemaname)}.{_quote(relation.relname)}" if relation.schemaname else _quote(relation.relname)
    )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def _row(connection: Connection, query: str, *values: str) -> tuple[Any, ...] | None:
    row = await (await connection.execute(query.encode(), values)).fetchone()
    return None if row is None or row == (None,) else row

"""What a database holds in one snapshot: rows and checksums of every table, sequences, and every definition.

Checksums are made by the server. Each column is hashed by what fits its type, all columns of a row are mixed into a
hash of the row, and hashes are added up: no order is needed, and equal rows do not cancel each other. PostgreSQL does
not promise that its hash functions stay the same between major versions. Equal sums are proof all the same; different
ones of two versions are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

from psycopg import sql

from console.backups.definitions import NOT_OF, OURS, SCOPE, fetch_objects
from console.backups.values import Sums, TableSum

if TYPE_CHECKING:
    from console.backups.address import Connection

SETTINGS = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "search_path": "",
    "row_security": "off",  # an error instead of a part of the rows
    "lock_timeout": "5s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""Of both sides: texts of values depend on them."""

_HASHES = {
    "smallint": "hashint8extended({}::int8, {})",
    "integer": "hashint8extended({}::int8, {})",
    "bigint": "hashint8extended({}, {})",
    "boolean": "hashint4extended({}::int4, {})",
    "uuid": "uuid_hash_extended({}, {})",
    "timestamp without time zone": "timestamp_hash_extended({}, {})",
    "timestamp with time zone": "timestamp_hash_extended({} at time zone 'UTC', {})",
}
# Exact for every type: a number's trailing zeros and a negative zero are seen, which typed hashes pass over.
_AS_TEXT = 'hashtextextended({}::text collate "C", {})'

_COLUMNS = f"""
select n.nspname, c.relname, a.attname, format_type(a.atttypid, null)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind = 'r' and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
order by 1, 2, 3
"""
_SEQUENCES = f"""
select n.nspname, c.relname, s.last_value
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_sequences s on s.schemaname = n.nspname and s.sequencename = c.relname
where c.relkind = 'S' and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
"""
_LARGE_OBJECTS = """
select count(*), coalesce(sum(hashtextextended(encode(lo_get(oid), 'hex'), oid::int8)), 0)::text
from pg_largeobject_metadata
"""
LARGE_OBJECTS = "(large objects)"


def prepare(connection: Connection) -> None:
    """Make texts of values the same on every server; and wait for nobody's lock longer than 5 seconds."""
    for name, value in SETTINGS.items():
        connection.execute("select set_config(%s, %s, false)", (name, value))


def fetch_sums(
    connection: Connection,
    left_out: Sequence[str] = (),
    told: Callable[[str, int, int], None] = lambda table, done, total: None,
) -> Sums:
    """Read everything in the transaction that is open, which decides the snapshot.

    Args:
        left_out: Schemas that do not count. What belongs to an extension does not count either.
        told: Called before each table with its name and how many of how many are done; may raise to stop.
    """
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, name, type_name in connection.execute(_COLUMNS, {"left_out": list(left_out)}):
        columns.setdefault((schema, table), [])
        if name is not None:
            columns[schema, table].append((name, type_name))
    tables: dict[str, TableSum] = {}
    for done, ((schema, table), described) in enumerate(columns.items()):
        told(f"{schema}.{table}", done, len(columns))
        tables[f"{schema}.{table}"] = _sum_table(connection, schema, table, described)
    large = connection.execute(_LARGE_OBJECTS).fetchone()
    if large and large[0]:
        tables[LARGE_OBJECTS] = TableSum(int(large[0]), str(large[1]))
    return Sums(
        connection.info.server_version,
        tables,
        fetch_sequences(connection, left_out),
        fetch_objects(connection, left_out),
        SCOPE,
    )


def fetch_sequences(connection: Connection, left_out: Sequence[str] = ()) -> dict[str, tuple[int | None, ...]]:
    """What every sequence stands at now, whatever the snapshot."""
    rows = connection.execute(_SEQUENCES, {"left_out": list(left_out)})
    return {f"{schema}.{name}": (value,) for schema, name, value in rows}


def merge_sequences(
    before: Mapping[str, tuple[int | None, ...]], after: Mapping[str, tuple[int | None, ...]]
) -> dict[str, tuple[int | None, ...]]:
    """What each sequence was seen at, before and after; once where it did not move."""
    return {
        name: values if after.get(name, values) == values else (*values, *after[name])
        for name, values in before.items()
    }


def _sum_table(connection: Connection, schema: str, table: str, columns: Sequence[tuple[str, str]]) -> TableSum:
    name = sql.Identifier(schema, table)
    if not columns:
        row = connection.execute(sql.SQL("select count(*) from only {}").format(name)).fetchone()
        return TableSum(int(row[0]) if row else 0)
    hashed, added, mixed = [], [], []
    for number, (column, type_name) in enumerate(columns, start=1):
        alias = sql.Identifier(f"h{number}")
        seed = sql.Literal(crc32(column.encode()))  # by name: dropped columns leave gaps in numbers
        expression = sql.SQL(_HASHES.get(type_name, _AS_TEXT)).format(sql.Identifier(column), seed)
        hashed.append(sql.SQL("{} as {}").format(expression, alias))
        added.append(sql.SQL("coalesce(sum({}), 0)::text").format(alias))
        # NULL needs a hash of its own, or it could change places with a value of another column.
        mixed.append(sql.SQL("coalesce({}, hashint8extended(7, {}))").format(alias, seed))
    query = sql.SQL(
        "select count(*), coalesce(sum(hashint8extended({mixed}, 0)), 0)::text, {added}"
        " from (select {hashed} from only {name} offset 0) x"
    ).format(
        mixed=sql.SQL(" # ").join(mixed),
        added=sql.SQL(", ").join(added),
        hashed=sql.SQL(", ").join(hashed),
        name=name,
    )
    found: tuple[Any, ...] = connection.execute(query).fetchone() or (0, "0")
    names = [column for column, _ in columns]
    return TableSum(int(found[0]), str(found[1]), dict(zip(names, map(str, found[2:]), strict=True)))

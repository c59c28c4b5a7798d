"""What stands in a transfer's way over there, before anything is made: an encoding, names that are taken, rights."""

from __future__ import annotations

from collections.abc import Iterator

from console.domain.errors import UsageError
from console.transfer.data.inventory import quoted
from console.transfer.data.plan import TransferPlan
from console.transfer.data.records import Target

OURS = "quarterdeck"
"""The schema of our own records."""


def refuse_encoding(target: Target) -> None:
    """Raises UsageError where the database keeps texts otherwise than in UTF-8, which not every text survives."""
    encoding = target.info.parameter_status("server_encoding") or ""
    if encoding.replace("-", "").upper() != "UTF8":
        raise UsageError(
            f"The database is encoded in {encoding}; SQLite's texts are in UTF-8.",
            f"database {target.info.dbname}",
            "Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name that.",
        )


def find_taken(target: Target, plan: TransferPlan, schema: str) -> list[str]:
    """Names of the plan's tables that a table, a view or a type over there has."""
    rows = target.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relname = ANY(%s)"
        " UNION SELECT typname FROM pg_type WHERE typnamespace = to_regnamespace(%s) AND typname = ANY(%s) ORDER BY 1",
        (quoted(schema), names := [table.name for table in plan.tables], quoted(schema), names),
    ).fetchall()
    return [str(row[0]) for row in rows]


def refuse_taken(target: Target, plan: TransferPlan, schema: str) -> None:
    """Raises UsageError where a name is taken."""
    taken = find_taken(target, plan, schema)
    if taken:
        raise UsageError(
            f"The names {', '.join(taken)} are taken over there.",
            f"schema {schema}",
            "Name another schema, choose other tables, or bring only what changed with --incremental.",
        )


def find_lacking(target: Target, schema: str) -> Iterator[str]:
    """The rights that a transfer needs and this user lacks."""
    for name in dict.fromkeys((schema, OURS)):
        row = target.execute(
            "SELECT n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'CREATE, USAGE'),"
            " has_database_privilege(current_database(), 'CREATE')) FROM (SELECT to_regnamespace(%s)::oid AS oid) AS n",
            (quoted(name),),
        ).fetchone()
        if row and not row[1]:
            where = f"in schema {name}" if row[0] else f"schema {name} in database {target.info.dbname}"
            yield f"User {target.info.user} may not create {'tables ' if row[0] else ''}{where}: GRANT CREATE to them."

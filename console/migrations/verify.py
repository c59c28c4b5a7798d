"""Verify scripts: questions about the database after a migration, asked in a transaction that cannot write.

A script fails by an error, or by a statement whose only value is false: `select exists (…)`, `select 1 / count(*) …`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.migrations.grammar import split_file
from console.migrations.split import ending_words

if TYPE_CHECKING:
    import psycopg

    from providers.database import Connection


async def run_script(connection: Connection, sql: str, words_of: Callable[[psycopg.Error], str]) -> str:
    """Run one verify script; "" when it holds, else which statement says no, in words.

    Raises:
        psycopg.Error: The connection broke; whether it holds is not known.
    """
    import psycopg

    statements, number = split_file(sql), 0
    for number, statement in enumerate(statements, 1):
        if words := ending_words(statement):
            return f"statement {number} of {len(statements)} uses {words}, which a verify script may not"
    try:
        async with connection.transaction(force_rollback=True):
            await connection.execute("set transaction read only")
            await connection.execute("set local statement_timeout = '5min'")
            await connection.execute("set local lock_timeout = '2s'")
            for number, statement in enumerate(statements, 1):
                cursor = await connection.execute(statement.encode())
                if cursor.description and len(cursor.description) == 1 and (await cursor.fetchall()) == [(False,)]:
                    return f"statement {number} of {len(statements)} is false"
    except psycopg.Error as problem:
        if connection.closed or connection.broken:
            raise
        return f"statement {number} of {len(statements)}: {words_of(problem)} ({problem.sqlstate})"
    return ""

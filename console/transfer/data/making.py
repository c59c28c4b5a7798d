"""Run the statements that follow the load. What the server refuses is told, and stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import psycopg

from console.transfer.data.load import Stopped
from console.transfer.data.records import Target
from console.transfer.data.request import Missing, Progress
from console.transfer.data.schema import Statement

NOBODYS_FAULT = ("08", "40", "53", "55", "57", "58", "")
"""Classes of SQLSTATE that say nothing about a statement: connection, lock, resources, an operator, the system."""


def make_all(
    target: Target, statements: Sequence[Statement], told: Callable[[Progress], None], stopped: Callable[[], bool]
) -> tuple[Missing, ...]:
    """Run them; what is there already from a run before counts as made.

    Raises:
        Stopped: `stopped` said so, between two statements.
        psycopg.Error: The server went away, or somebody holds a lock.
    """
    missing, refused = [], set[str]()
    target.execute("SET maintenance_work_mem = '256MB'")
    for number, statement in enumerate(statements):
        if stopped():
            raise Stopped
        if statement.needs in refused:
            continue
        told(Progress("keys", statement.about, number, len(statements)))
        try:
            target.execute(statement.sql.encode())
        except psycopg.Error as problem:
            if target.closed or (problem.sqlstate or "")[:2] in NOBODYS_FAULT:
                raise
            if not _is_there(target, statement, problem):
                refused.add(statement.about)
                missing.append(Missing(statement.about, _said(problem), statement.sql))
    return tuple(missing)


def _is_there(target: Target, statement: Statement, problem: psycopg.Error) -> bool:
    """Whether a run before made it: a name alone may also belong to something else."""
    if isinstance(problem, psycopg.errors.DuplicateTable):
        query = (
            "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND indrelid = to_regclass(%s)"
            " AND NOT indisprimary"
        )
        return bool(statement.name) and target.execute(query, (statement.name, statement.table)).fetchone() is not None
    return isinstance(problem, psycopg.errors.DuplicateObject | psycopg.errors.InvalidTableDefinition)


def _said(problem: psycopg.Error) -> str:
    return " ".join(part for part in (problem.diag.message_primary, problem.diag.message_detail) if part)

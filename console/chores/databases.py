"""Chores that talk to a database: what it says when it does not go on, without its address, which has a password."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from console.chores.lines import Failed, Stopped
from console.chores.tasks import Asked, Outcome

TRANSIENT_STATES = ("08", "40", "53", "55", "57")
"""Classes of SQLSTATE that pass: a lost connection, a conflict, too little of something, a lock, a stop."""


def of_database(task: Callable[[Asked], Outcome]) -> Callable[[Asked], Outcome]:
    """Tell what a server says without its address, which has a password."""

    @wraps(task)
    def told(asked: Asked) -> Outcome:
        import psycopg

        from console.transfer.data.load import Stopped as Halted

        try:
            return task(asked)
        except Halted:
            return Stopped()
        except psycopg.Error as problem:
            state = problem.sqlstate or ""
            said = problem.diag.message_primary or type(problem).__name__
            where = f"the database · {state or 'no answer'}"
            passes = not state or state[:2] in TRANSIENT_STATES
            return Failed(f"The database does not go on: {said}.", where, "What arrived is on record there.", passes)

    return told

"""Chores that talk to a database: what it says when it does not go on, without its address, which has a password."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from console.chores.lines import Failed, Stopped
from console.chores.tasks import Asked, Outcome

TRANSIENT_STATES = ("08", "40", "53", "55", "57")
"""Classes of SQLSTATE that pass: a lost connection, a conflict, too little of something, a lock, a stop."""
AWAY_STATES = ("08", "53", "57")
AWAY_WORDS = ("starting up", "shutting down", "in recovery", "too many")
"""What a server says that takes no connection now."""


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
            again = not state or state[:2] in TRANSIENT_STATES
            what, remedy = f"The database does not go on: {said}.", "What arrived is on record there."
            return Failed(what, where, remedy, again, _is_away(state, str(problem)))

    return told


def _is_away(state: str, said: str) -> bool:
    """Whether nobody answers, or a server that stops, starts or is full does; a refused login is none of it."""
    if state:
        return state[:2] in AWAY_STATES
    return "FATAL:" not in said or any(words in said for words in AWAY_WORDS)

"""Run migration scripts on a database: one run at a time, each file whole or not at all.

A file and its history row share one transaction. A statement that waits longer than `lock_timeout` for a lock gives
up and the file is begun anew later, because every reader queues behind a waiting change of a table.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.domain.errors import ConsoleError, Rejected, Unreachable
from providers.supabase import history
from providers.supabase.database import Database
from providers.supabase.scripts import Direction, Script, find_edited

if TYPE_CHECKING:
    import psycopg

    from providers.supabase.database import Connection

Sleep = Callable[[float], Awaitable[None]]

PASSING = ("55P03", "40P01")
"""SQLSTATEs that a later attempt may not meet: a lock not given in time, a deadlock."""
_QUIET = "set idle_in_transaction_session_timeout = '60s'"
_NOTICE_DEATH = "set client_connection_check_interval = '1s'"
"""Without it a long statement of a killed worker keeps its locks to its end. PostgreSQL has it from 14 on."""
_NOTICES_DEATH_FROM = 140_000


@dataclass(frozen=True)
class Patience:
    """How long a run waits. Times in seconds; the timeouts as PostgreSQL writes them.

    Sources: pgroll waits 0.5 s for a lock, the Supabase CLI 4 s; an ALTER that waited 3 s kept plain reads waiting
    for 2.5 s.
    """

    for_other_run: float = 60.0
    look_every: float = 0.5
    lock_timeout: str = "2s"
    statement_timeout: str = "1h"
    attempts: int = 7
    first_wait: float = 0.5
    longest_wait: float = 8.0
    start: float = 30.0


class MigrationFailed(ConsoleError):
    """The database refused a file; nothing of that file is left, earlier files are applied."""


class Run:
    """One pass over a list of scripts. `detail` says in a few words where it stands."""

    def __init__(
        self, database: Database, direction: Direction, scripts: Sequence[Script], patience: Patience, sleep: Sleep
    ) -> None:
        self._database = database
        self._direction = direction
        self._scripts = scripts
        self._patience = patience
        self._sleep = sleep
        self._current = 0
        self.detail = "connecting"

    async def perform(self) -> None:
        """Do what is not done yet.

        Raises:
            MigrationFailed: A file failed, or a lock was not to be had; says which and why.
            Rejected: An applied file was edited since; nothing was run.
            Unreachable: The database went away. What it had not acknowledged may be looked up by asking again.
        """
        self._database.check_session_mode()
        async with self._database.connect() as connection:
            await self._lock(connection)
            await history.prepare(connection)
            stored = await history.fetch_statements(connection)
            if self._direction is Direction.UP:
                self._check_edited(find_edited(self._scripts, stored))
            due = [one for one in self._scripts if (one.version in stored) == (self._direction is Direction.DOWN)]
            for number, script in enumerate(due, 1):
                self.detail = f"{script.filename} ({number} of {len(due)})"
                await self._run_steadily(connection, script)

    async def _lock(self, connection: Connection) -> None:
        waited = 0.0
        while not await history.try_lock(connection):
            holder = await history.find_holder(connection) or "somebody"
            if waited >= self._patience.for_other_run:
                raise MigrationFailed(
                    f"Another run of migrations holds the database: {holder}.",
                    f"project {self._database.ref} · waited {waited:.0f} s",
                    "Wait for it to end, or end its process, then deploy again.",
                )
            self.detail = f"waiting for {holder}"
            await self._sleep(self._patience.look_every)
            waited += self._patience.look_every

    def _check_edited(self, edited: Sequence[str]) -> None:
        if edited:
            raise Rejected(
                self._database.provider,
                f"Changed after they were applied: {', '.join(edited)}.",
                f"project {self._database.ref}",
                "Restore their text and put the change into a new migration. Nothing was run.",
            )

    async def _run_steadily(self, connection: Connection, script: Script) -> None:
        import psycopg

        filename, wait = script.filename, self._patience.first_wait
        for attempt in range(1, self._patience.attempts + 1):
            try:
                await self._settle(connection)
                return await self._run(connection, script)
            except psycopg.Error as problem:
                if connection.broken or connection.closed:
                    raise self._gone(problem) from problem
                if problem.sqlstate not in PASSING:
                    raise self._failed(script, problem) from problem
                if attempt == self._patience.attempts:
                    raise await self._blocked(connection, script, problem) from problem
            self.detail = f"{filename} waits for a lock, attempt {attempt}"
            await self._sleep(wait * (0.5 + random.random()))  # noqa: S311 - spreads attempts, guards nothing
            wait = min(wait * 2, self._patience.longest_wait)
        raise AssertionError("the last attempt returns or raises")

    async def _settle(self, connection: Connection) -> None:
        """Take back what a file may have set: its settings and its role."""
        await connection.execute("reset role; reset all")
        await connection.execute("select set_config('lock_timeout', %s, false)", (self._patience.lock_timeout,))
        statement_timeout = (self._patience.statement_timeout,)
        await connection.execute("select set_config('statement_timeout', %s, false)", statement_timeout)
        await connection.execute(_QUIET)
        if connection.info.server_version >= _NOTICES_DEATH_FROM:
            await connection.execute(_NOTICE_DEATH)

    async def _run(self, connection: Connection, script: Script) -> None:
        self._current = 0
        async with connection.transaction():
            for number, statement in enumerate(script.statements, 1):
                self._current = number
                await connection.execute(statement.encode())
            self._current = 0
            await self._settle(connection)
            if self._direction is Direction.UP:
                await history.record(connection, script.version, script.name, script.statements)
            else:
                await history.forget(connection, script.version)

    def _gone(self, problem: psycopg.Error) -> Unreachable:
        return Unreachable(
            self._database.provider,
            f"The connection to the database of {self._database.ref} broke: {self._database.words_of(problem)}",
            f"project {self._database.ref} · {self.detail}",
            "Ask again: what the database had completed by then is recorded in its history.",
        )

    def _failed(self, script: Script, problem: psycopg.Error) -> MigrationFailed:
        return MigrationFailed(
            f"{script.filename} failed{self._place(script)}: {self._database.words_of(problem)}"
            f" ({problem.sqlstate}). Nothing of this file was kept.",
            f"project {self._database.ref}",
            "Correct the migration and release again.",
        )

    async def _blocked(self, connection: Connection, script: Script, problem: psycopg.Error) -> MigrationFailed:
        holders = await history.find_oldest_transactions(connection)
        words = f" Open transactions: {holders}." if holders else ""
        return MigrationFailed(
            f"{script.filename} got no lock in {self._patience.attempts} attempts{self._place(script)}: "
            f"{self._database.words_of(problem)} ({problem.sqlstate}).{words} Nothing of this file was kept.",
            f"project {self._database.ref}",
            "End the transactions that hold the table, then deploy again.",
        )

    def _place(self, script: Script) -> str:
        if not self._current:
            return ""
        shown = self._database.redact(script.statements[self._current - 1])
        return f" at statement {self._current} of {len(script.statements)} ({shown[:80]})"

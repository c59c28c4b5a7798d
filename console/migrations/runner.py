"""Run migration scripts on a database: one run at a time, on one connection that holds a lock for its whole length.

A file whose statements can share a transaction is whole or not there, and its history row with it. Statements that may
not run in one stand alone and are recorded one by one, so that the next run goes on behind them. A statement that waits
too long for a lock gives up and is begun anew later, because every reader queues behind a waiting change of a table.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from console.domain.errors import Rejected, Unreachable
from console.migrations import history, ledger, leftovers, untouched
from console.migrations.checks import check_up
from console.migrations.guard import guard_readers
from console.migrations.ledger import Fact, Opening, State
from console.migrations.patience import CANCELLED, PASSING, Budget, Patience
from console.migrations.pieces import Piece
from console.migrations.requests import MigrationFailed, Progress, Request
from console.migrations.scripts import Direction, Script
from console.migrations.settings import Settings, set_value
from console.migrations.split import without_secrets
from console.migrations.statement import Lock, Statement
from console.migrations.verify import run_script
from providers.database import Database

if TYPE_CHECKING:
    import psycopg

    from providers.database import Connection

Sleep = Callable[[float], Awaitable[None]]
_DENIED = "42501"
_REMEDIES = {
    "55P04": "Put ALTER TYPE … ADD VALUE into a file of its own: nothing of the same transaction may use the value.",
    "25001": "Put the statement into a file that says nothing else, and run that by hand: it shares no transaction.",
}


class Run:
    """One pass over a list of scripts.

    `detail` says in a few words where it stands, `done` which versions it did, `unnamed` which tables' rows it changed
    although their file does not name them.
    """

    def __init__(
        self,
        database: Database,
        request: Request,
        patience: Patience,
        sleep: Sleep,
        told: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._database = database
        self._request = request
        self._patience = patience
        self._sleep = sleep
        self._told = told
        self._settings = Settings(patience, request.writes_anyway)
        self._keeps_facts = True
        self._pid = 0
        self._budget = Budget(patience)
        self._at = Progress("", 0, 0)
        self.detail = "connecting"
        self.done: list[str] = []
        self.unnamed: list[str] = []

    async def perform(self) -> None:
        """Do what is not done yet.

        Raises:
            MigrationFailed: A file failed, was not verified, or got no lock; says which, why and what is kept.
            Rejected: A file was edited since, is out of order, or takes away without leave; nothing was run.
            Unreachable: The database went away. What it had not acknowledged may be looked up by asking again.
        """
        self._database.check_session_mode()
        async with self._database.connect() as connection:
            await self._lock(connection)
            self._pid = await history.fetch_pid(connection)
            await self._settings.restore(connection)
            await self._prepare(connection)
            stored = await history.fetch_statements(connection)
            facts = await ledger.fetch(connection)
            request, up = self._request, self._request.direction is Direction.UP
            if up:
                check_up(self._database, request.scripts, stored, facts, request.leave)
                due = [one for one in request.scripts if one.version not in stored]
            else:
                partial = {version for version, fact in facts.items() if fact.is_partial}
                due = [one for one in request.scripts if one.version in stored or one.version in partial]
            for number, script in enumerate(due, 1):
                self.detail = f"{script.filename} ({number} of {len(due)})"
                self._tell(Progress(script.filename, number, len(due), 0, len(script.statements)))
                await self._run(connection, script, facts.get(script.version), request.direction)
                self.done.append(script.version)
                if up and script.verify:
                    await self._verify(connection, script)

    async def _prepare(self, connection: Connection) -> None:
        import psycopg

        await history.prepare(connection)
        try:
            await ledger.prepare(connection)
        except psycopg.Error as problem:
            if problem.sqlstate != _DENIED:
                raise
            self._keeps_facts = False
        if not self._keeps_facts and not all(script.is_whole for script in self._request.scripts):
            raise Rejected(
                self._database.provider,
                "The role may not create the schema quarterdeck, where statements that run alone are recorded.",
                self._database.where,
                "Grant it CREATE on the database, or create the schema for it. Nothing was run.",
            )

    async def _lock(self, connection: Connection) -> None:
        waited = 0.0
        while not await history.try_lock(connection):
            holder = await history.find_holder(connection) or "somebody"
            if waited >= self._patience.for_other_run:
                raise MigrationFailed(
                    f"Another run of migrations holds the database: {holder}.",
                    f"{self._database.where} · waited {waited:.0f} s",
                    "Wait for it to end, or end its process, then deploy again.",
                )
            self.detail = f"waiting for {holder}"
            await self._sleep(self._patience.look_every)
            waited += self._patience.look_every

    async def _run(self, connection: Connection, script: Script, fact: Fact | None, direction: Direction) -> None:
        """Run what is not done of one file, and record it."""
        up = direction is Direction.UP
        resumes = fact is not None and (fact.is_partial if up else fact.is_half_reverted)
        done = self._count_done(script, fact) if fact is not None and resumes else 0
        attempted = fact.attempted if fact is not None and resumes else 0
        if self._keeps_facts:
            await self._settings.restore(connection)
            state = State.RUNNING if up else State.REVERTING
            request = self._request
            given = (request.who, request.lint.get(script.version, ""), request.backup)
            opening = (script.version, script.name, script.sql, len(script.statements), state, resumes)
            await ledger.begin(connection, Opening(*opening, *given))
        # A file of comments alone is a migration, too: its row is all there is to write.
        for piece in script.pieces or (Piece(()),):
            if piece.statements and piece.last <= done:
                continue
            rest = replace(piece, statements=tuple(one for one in piece.statements if one.number > done))
            await self._steadily(connection, script, rest, direction, attempted)
            done = rest.last if rest.statements else 0

    def _count_done(self, script: Script, fact: Fact) -> int:
        if ledger.digest_of_statements(script.statements[: fact.done]) == fact.done_sha256 or fact.done == 0:
            return fact.done
        raise Rejected(
            self._database.provider,
            f"{script.filename} is half done: its first {fact.done} statements ran, and were edited since.",
            self._database.where,
            "Restore their text; statements behind them may be corrected. Nothing was run.",
        )

    async def _steadily(
        self, connection: Connection, script: Script, piece: Piece, direction: Direction, attempted: int
    ) -> None:
        import psycopg

        filename, wait = script.filename, self._patience.first_wait
        for attempt in range(1, self._patience.attempts + 1):
            try:
                await self._settings.restore_before(connection, script, piece)
                if piece.alone:
                    return await self._run_alone(connection, script, piece.statements[0], direction, attempted)
                return await self._run_together(connection, script, piece, direction)
            except psycopg.Error as problem:
                if connection.broken or connection.closed:
                    raise self._gone(problem) from problem
                held = problem.sqlstate == CANCELLED and self._budget.is_holding
                if problem.sqlstate not in PASSING and not held:
                    raise await self._failed(connection, script, piece, direction, problem) from problem
                if held and attempt >= self._patience.hold_attempts:
                    raise await self._held_too_long(connection, script, piece, direction) from problem
                if attempt == self._patience.attempts:
                    raise await self._blocked(connection, script, piece, direction, problem) from problem
            attempted = piece.last if piece.alone else 0
            self.detail = f"{filename} waits for a lock, attempt {attempt}"
            self._tell(replace(self._at, words=f"waits for a lock, attempt {attempt}"))
            await self._sleep(wait * (0.5 + random.random()))  # noqa: S311 - spreads attempts, guards nothing
            wait = min(wait * 2, self._patience.longest_wait)
        raise AssertionError("the last attempt returns or raises")

    def _guard(self, budget: Budget) -> AbstractAsyncContextManager[None]:
        return guard_readers(self._database, self._pid, self._patience.hold, budget.hold)

    async def _run_together(self, connection: Connection, script: Script, piece: Piece, direction: Direction) -> None:
        self._budget = budget = Budget(self._patience)
        async with self._guard(budget), connection.transaction():
            for statement in piece.statements:
                self._step(script, statement)
                budget.spend(statement)
                for name, left in budget.limits_ms.items():
                    await set_value(connection, name, f"{left}ms", local=True)
                await connection.execute(statement.text.encode())
                if statement.lock is Lock.UNKNOWN and await history.holds_readers(connection):
                    budget.hold()
            self._at = replace(self._at, statement=0)
            await self._settings.restore(connection)
            unnamed = await untouched.name_changed(connection, script)
            await self._record(connection, script, piece, direction)
        self.unnamed += [f"{script.filename}: {table}" for table in unnamed]

    async def _run_alone(
        self, connection: Connection, script: Script, statement: Statement, direction: Direction, attempted: int
    ) -> None:
        """Run a statement that no transaction covers; find out first what an earlier attempt at it did."""
        import psycopg

        self._step(script, statement)
        self._budget = budget = Budget(self._patience)
        standing = leftovers.Standing.NOT_DONE
        if attempted == statement.number:
            standing = await leftovers.settle(connection, statement)
        if standing is leftovers.Standing.UNKNOWN:
            raise self._doubtful(script, statement)
        if standing is leftovers.Standing.NOT_DONE:
            await ledger.attempt(connection, script.version, statement.number)
            if statement.lock < Lock.SHARE:
                await set_value(connection, "lock_timeout", f"{round(self._patience.weak_lock_timeout * 1000)}ms")
                await set_value(connection, "statement_timeout", "0")
            budget.spend(statement)
            for name, left in budget.limits_ms.items():
                await set_value(connection, name, f"{left}ms")
            async with self._guard(budget):
                await connection.execute(statement.text.encode())
            if not await leftovers.is_valid(connection, statement):
                raise psycopg.DataError("the index that it names is there and not valid")
        await self._settings.restore(connection)
        async with connection.transaction():
            await self._record(connection, script, Piece((statement,), alone=True), direction)

    async def _record(self, connection: Connection, script: Script, piece: Piece, direction: Direction) -> None:
        """Write that a piece is done; behind the last one, that the file is."""
        count = piece.last if piece.statements else 0
        if count < len(script.statements):
            if self._keeps_facts:
                await ledger.advance(connection, script.version, script.statements[:count])
        elif direction is Direction.UP:
            await history.record(connection, script.version, script.name, script.kept)
        else:
            await history.forget(connection, script.version)
        if self._keeps_facts and count == len(script.statements):
            state = State.APPLIED if direction is Direction.UP else State.REVERTED
            await ledger.end(connection, script.version, state)

    async def _verify(self, connection: Connection, script: Script) -> None:
        """Ask a file's verify script; take back what this run did when it says no."""
        await self._settings.restore(connection)
        wrong = await run_script(connection, script.verify, self._database.words_of)
        if self._keeps_facts:
            await ledger.set_verified(connection, script.version, wrong or "passed")
        if not wrong:
            return
        what = f"{script.filename} was applied, and its verify script says no: {wrong}."
        reverts = {one.version: one for one in self._request.reverts}
        bare = [version for version in self.done if version not in reverts]
        if bare:
            words = (
                f"Nothing was taken back, since {', '.join(bare)} {'has' if len(bare) == 1 else 'have'} no down script."
            )
            raise MigrationFailed(f"{what} {words}", self._database.where, "Correct it by a new migration.")
        for version in reversed(self.done.copy()):
            await self._run(connection, reverts[version], None, Direction.DOWN)
            self.done.remove(version)
            if self._keeps_facts:
                await ledger.set_verified(connection, version, wrong if version == script.version else "")
        raise MigrationFailed(
            f"{what} All that this run had applied was taken back.",
            self._database.where,
            "Correct it and run it again.",
        )

    def _step(self, script: Script, statement: Statement) -> None:
        self._tell(replace(self._at, statement=statement.number, statements=len(script.statements), words=""))

    def _tell(self, progress: Progress) -> None:
        self._at = progress
        self._told(progress)

    def _gone(self, problem: psycopg.Error) -> Unreachable:
        return Unreachable(
            self._database.provider,
            f"The connection to the database of {self._database.ref} broke: {self._database.words_of(problem)}",
            f"{self._database.where} · {self.detail}",
            "Ask again: what the database had completed by then is recorded in its history.",
        )

    def _doubtful(self, script: Script, statement: Statement) -> MigrationFailed:
        return MigrationFailed(
            f"{script.filename} was cut off in statement {statement.number}, {statement.kind}, "
            "and nobody can tell whether it did its work.",
            self._database.where,
            f"Look, then say so: `quarterdeck migrate repair … --done {script.version} {statement.number}`"
            f" or `--done {script.version} {statement.number - 1}`.",
        )

    async def _failed(
        self, connection: Connection, script: Script, piece: Piece, direction: Direction, problem: psycopg.Error
    ) -> MigrationFailed:
        state = f" ({problem.sqlstate})" if problem.sqlstate else ""
        said = f"{script.filename} failed{self._place(script)}: {self._database.words_of(problem)}{state}."
        kept = await self._keep(connection, script, piece, direction, said)
        remedy = _REMEDIES.get(problem.sqlstate or "", "Correct the migration and release again.")
        return MigrationFailed(f"{said} {kept}", self._database.where, remedy)

    async def _held_too_long(
        self, connection: Connection, script: Script, piece: Piece, direction: Direction
    ) -> MigrationFailed:
        said = (
            f"{script.filename} would keep readers waiting for more than {self._patience.hold:g} s"
            f"{self._place(script)}, from the first lock that stops them to its end."
        )
        kept = await self._keep(connection, script, piece, direction, said)
        remedy = (
            "Put what takes long into a file of its own that stops nobody, or let it take longer: "
            "`--hold SECONDS`, in a deployment limits.hold."
        )
        return MigrationFailed(f"{said} {kept}", self._database.where, remedy)

    async def _blocked(
        self, connection: Connection, script: Script, piece: Piece, direction: Direction, problem: psycopg.Error
    ) -> MigrationFailed:
        holders = await history.find_oldest_transactions(connection)
        said = (
            f"{script.filename} got no lock in {self._patience.attempts} attempts{self._place(script)}: "
            f"{self._database.words_of(problem)} ({problem.sqlstate})."
            f"{f' Open transactions: {holders}.' if holders else ''}"
        )
        kept = await self._keep(connection, script, piece, direction, said)
        remedy = "End the transactions that hold the table, then deploy again."
        return MigrationFailed(f"{said} {kept}", self._database.where, remedy)

    async def _keep(
        self, connection: Connection, script: Script, piece: Piece, direction: Direction, problem: str
    ) -> str:
        """Record what is left of a file that failed, and say it. What one that ran alone left is cleared away."""
        up = direction is Direction.UP
        done = piece.statements[0].number - 1 if piece.statements else 0
        is_clear = not piece.alone or await self._clear(connection, piece.statements[0])
        if self._keeps_facts:
            await self._settings.restore(connection)
            kept = State.PARTIAL if up else State.REVERTING
            ended = (State.FAILED if up else State.APPLIED) if not done and is_clear else kept
            await ledger.end(connection, script.version, ended, problem)
        words = [] if is_clear else [f"What statement {done + 1} left is looked after by the next run."]
        if done:
            total = len(script.statements)
            words.insert(0, f"Statements 1 to {done} of {total} are done; the next run goes on behind them.")
        return " ".join(words) or "Nothing of this file was kept."

    async def _clear(self, connection: Connection, statement: Statement) -> bool:
        """Clear away what a statement that failed alone left; whether nothing of it is there now."""
        import psycopg

        await self._settings.restore(connection)
        try:
            return await leftovers.settle(connection, statement) is leftovers.Standing.NOT_DONE
        except psycopg.Error:
            if connection.broken or connection.closed:
                raise
            return False  # Somebody's open transaction is in the way, most likely the one that was for the statement.

    def _place(self, script: Script) -> str:
        number = self._at.statement
        if not number:
            return ""
        shown = self._database.redact(without_secrets(script.statements[number - 1]))
        return f" at statement {number} of {len(script.statements)} ({shown[:80]})"

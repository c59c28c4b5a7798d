"""Apply migrations, and take them back, through the provider contract.

The database's own history says what happened, so that the same wish twice has one effect, whoever asks and from
wherever. A run lives in this process: `start` gives it up to half a minute to end, which is nearly always enough, and
then returns with it still running. A run whose process dies leaves whole files, and is taken up by the next `start`.

References are `<database>/up/<versions>` and `<database>/down/<versions>`; with Supabase a
project's ref names its database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from console.migrations import history
from console.migrations.checks import Leave
from console.migrations.requests import MigrationFailed, Request
from console.migrations.runner import Run, Sleep
from console.migrations.scripts import Direction, Script, build_scripts
from providers.contract import (
    Capabilities,
    Migrate,
    MigrateDown,
    MigrationFile,
    Operation,
    OperationKey,
    OperationStatus,
    Unsupported,
)
from providers.databases import Figures

if TYPE_CHECKING:
    from console.migrations.patience import Patience
    from providers.databases import Databases
    from providers.http import Clock

CLOSE_WITHIN_S = 10.0
POLL_AFTER = timedelta(milliseconds=500)


@dataclass(frozen=True)
class _Wish:
    """What a reference says: versions that shall be there, or shall be gone."""

    ref: str
    direction: Direction
    versions: tuple[str, ...]

    @property
    def reference(self) -> str:
        return f"{self.ref}/{self.direction}/{','.join(self.versions)}"

    def is_met(self, present: Sequence[str]) -> bool:
        known = set(present)
        return all((version in known) == (self.direction is Direction.UP) for version in self.versions)

    def missing(self, present: Sequence[str]) -> list[str]:
        known = set(present)
        return [version for version in self.versions if (version in known) != (self.direction is Direction.UP)]

    def succeeded(self, unnamed: Sequence[str] = ()) -> Operation:
        count = f"{len(self.versions)} migration{'' if len(self.versions) == 1 else 's'}"
        up = self.direction is Direction.UP
        outputs = {"applied" if up else "reverted": list(self.versions)}
        words = f"{count} {'applied' if up else 'taken back'}"
        words += f"; changed without being named: {', '.join(unnamed)}" if unnamed else ""
        return Operation(self.reference, OperationStatus.SUCCEEDED, words, outputs)

    def ended(self, status: OperationStatus, detail: str) -> Operation:
        return Operation(self.reference, status, detail)

    def running(self, detail: str) -> Operation:
        return Operation(self.reference, OperationStatus.RUNNING, detail, poll_after=POLL_AFTER)


def _wish_of(ref: str, direction: Direction, files: Sequence[MigrationFile]) -> _Wish:
    return _Wish(ref, direction, tuple(sorted(file.version for file in files)))


def _ways_back(provider: str, files: Sequence[MigrationFile]) -> Sequence[Script]:
    verified = any(file.verify for file in files)
    return build_scripts(provider, Direction.DOWN, [file for file in files if file.down.strip()]) if verified else ()


def _read(reference: str) -> _Wish | None:
    parts = reference.split("/")
    if len(parts) != 3 or parts[1] not in tuple(Direction):
        return None
    return _Wish(parts[0], Direction(parts[1]), tuple(version for version in parts[2].split(",") if version))


class Runs:
    """The runs of one connection, in the background of whoever asked."""

    def __init__(self, provider: str, databases: Databases, patience: Patience, sleep: Sleep) -> None:
        self.provider = provider
        self.databases = databases
        self._patience = patience
        self._sleep = sleep
        self._runs: dict[str, tuple[Run, asyncio.Task[None]]] = {}

    async def start(self, wish: _Wish, request: Migrate | MigrateDown) -> Operation:
        database, files = self.databases.find(wish.ref), request.files
        database.check_session_mode()
        scripts = build_scripts(self.provider, wish.direction, files)
        known = self._runs.get(wish.reference)
        if known is None or known[1].done():
            reverts = _ways_back(self.provider, files) if wish.direction is Direction.UP else ()
            # A plan shows which files are older than the newest applied one, and somebody saw it. The way back has to
            # come to its end, however long readers wait.
            leave = Leave(out_of_order=True, contract=isinstance(request, Migrate) and request.contracts)
            patience = replace(self._patience, hold=request.hold_s if isinstance(request, Migrate) else None)
            asked = Request(wish.direction, scripts, leave, reverts, "deployment")
            run = Run(database, asked, patience, self._sleep)
            known = self._runs[wish.reference] = (run, asyncio.create_task(run.perform()))
        run, task = known
        await asyncio.wait({task}, timeout=self._patience.start)
        if not task.done():
            return wish.running(run.detail)
        problem = self._problem(task)
        if problem is None:
            return wish.succeeded(run.unnamed)
        if isinstance(problem, MigrationFailed):
            return wish.ended(OperationStatus.FAILED, problem.what)
        raise problem

    async def observe(self, wish: _Wish) -> Operation:
        """What the database says; this process is asked only for what the database cannot know."""
        known = self._runs.get(wish.reference)
        if known is not None and not known[1].done():
            return wish.running(known[0].detail)
        async with self.databases.find(wish.ref).connect() as connection:
            present = await history.fetch_versions(connection)
            holder = "" if wish.is_met(present) else await history.find_holder(connection)
        if wish.is_met(present):
            return wish.succeeded(known[0].unnamed if known else ())
        problem = self._problem(known[1]) if known else None
        if problem is not None:
            return wish.ended(OperationStatus.FAILED, str(getattr(problem, "what", problem)))
        if holder:
            return wish.running(f"{holder} runs migrations")
        done = "applied" if wish.direction is Direction.UP else "taken back"
        missing = ", ".join(wish.missing(present))
        return wish.ended(OperationStatus.LOST, f"not {done}, and nobody is at it: {missing}")

    async def find(self, wish: _Wish) -> Operation | None:
        async with self.databases.find(wish.ref).connect() as connection:
            present = await history.fetch_versions(connection)
        return wish.succeeded() if wish.is_met(present) else None

    async def close(self) -> None:
        """Let runs come to their end for a few seconds, then cut them off: the file in hand leaves nothing behind."""
        tasks = {task for _, task in self._runs.values()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _problem(self, task: asyncio.Task[None]) -> BaseException | None:
        if task.cancelled():
            return MigrationFailed("The run was cut off, because its connection was closed.")
        return task.exception()


class Migrations:
    """`Actuator[Migrate]` and `Actuator[MigrateDown]`: the direction tells which."""

    def __init__(self, runs: Runs, direction: Direction) -> None:
        self._runs = runs
        self._direction = direction

    async def start(self, request: Migrate | MigrateDown, key: OperationKey) -> Operation:
        wish = _wish_of(request.target, self._direction, request.files)
        return await self._runs.start(wish, request)

    async def observe(self, reference: str) -> Operation:
        wish = _read(reference)
        if wish is None or wish.direction is not self._direction or not self._runs.databases.find_or_none(wish.ref):
            return Operation(reference, OperationStatus.LOST, "no run of migrations has this reference")
        return await self._runs.observe(wish)

    async def find(self, request: Migrate | MigrateDown, key: OperationKey) -> Operation | None:
        return await self._runs.find(_wish_of(request.target, self._direction, request.files))


def offer_migrations(databases: Databases, runs: Runs, clock: Clock, otherwise: Unsupported) -> Capabilities:
    """What a connection does with the databases that its configuration gives addresses of.

    Args:
        runs: The migrations under way; whoever opens the connection closes them.
        otherwise: Why all of it cannot be done where there is no address.
    """
    if not databases.known:
        return Capabilities(metrics=otherwise, migrations=otherwise, migrate=otherwise, migrate_down=otherwise)
    figures = Figures(databases, clock)
    return Capabilities(
        metrics=figures,
        migrations=figures,
        migrate=Migrations(runs, Direction.UP),
        migrate_down=Migrations(runs, Direction.DOWN),
    )

"""One run of migrations from the command line, with what is looked at before and after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from console.cli.session import Session
from console.migrations import untouched
from console.migrations.leftovers import invalid_indexes
from console.migrations.patience import Patience
from console.migrations.read_only import read_only, take_back
from console.migrations.requests import MigrationFailed, Progress, Request
from console.migrations.runner import Run
from providers.database import Database

MANY_STATEMENTS = 50


@dataclass(frozen=True)
class Ended:
    """What a run came to.

    Attributes:
        unnamed: Rows that it changed in tables which the file does not name, in words.
        differs: Tables that no file names and whose checksum is another now; looked at in read-only mode alone.
        invalid: Indexes that serve no query afterwards.
    """

    done: Sequence[str]
    unnamed: Sequence[str]
    differs: Sequence[str]
    invalid: Sequence[str]

    @property
    def is_good(self) -> bool:
        return not self.differs and not self.invalid

    @property
    def lines(self) -> list[str]:
        return [
            *(f"changed without being named: {words}" for words in self.unnamed),
            *(f"not touched, and not the same: {words}" for words in self.differs),
            *(f"invalid index: {index} (`quarterdeck migrate repair --reindex`)" for index in self.invalid),
        ]


async def perform(
    session: Session,
    database: Database,
    request: Request,
    *,
    alone: bool = False,
    secure: Callable[[], Awaitable[str]] | None = None,
) -> Ended:
    """Run, and look at what it left.

    Args:
        alone: Let nobody else write meanwhile.
        secure: Makes sure of a backup before anything is run, and gives its id.
    """
    session.farewell = "Interrupted. `quarterdeck migrate status` says what is done; `up` goes on behind it."
    if left := await take_back(database):
        session.say(f"The database takes writes again: a run of {left.who} had left it read-only since {left.since}.")
    async with _alone(session, database, request.who) if alone else _among_others():
        if secure is not None:
            request = replace(request, backup=await secure())
        before = await _sums(session, database, request) if alone else {}
        patience = Patience(hold=session.options.hold or None)
        run = Run(database, request, patience, asyncio.sleep, _teller(session))
        try:
            await run.perform()
        except MigrationFailed:
            if secure is not None:
                session.say(f"Backup {request.backup}, of before the migration, is verified.")
            raise
        after = await _sums(session, database, request) if alone else {}
    async with database.connect() as connection:
        invalid = [index for index, _ in await invalid_indexes(connection)]
    return Ended(run.done, run.unnamed, untouched.compare(before, after), invalid)


@asynccontextmanager
async def _alone(session: Session, database: Database, who: str) -> AsyncIterator[None]:
    async with read_only(database, who):
        session.say("Nobody else writes now; sessions that were there were ended.")
        yield
    session.say("The database takes writes again.")


@asynccontextmanager
async def _among_others() -> AsyncIterator[None]:
    yield


async def _sums(session: Session, database: Database, request: Request) -> dict[str, untouched.Sum]:
    def told(table: str) -> None:
        session.say(f"checksum of {table}")

    async with database.connect() as connection:
        return dict(await untouched.fetch_sums(connection, request.scripts, told))


def _teller(session: Session) -> Callable[[Progress], None]:
    """Say every file, and of its statements one a second at most where there are many."""
    last = 0.0

    def told(progress: Progress) -> None:
        nonlocal last
        is_short = progress.statements <= MANY_STATEMENTS or not progress.statement
        if not (is_short or progress.words or time.monotonic() - last >= 1):
            return
        last = time.monotonic()
        place = f", statement {progress.statement} of {progress.statements}" if progress.statement else ""
        words = f": {progress.words}" if progress.words else ""
        session.say(f"{progress.filename} ({progress.file} of {progress.files}){place}{words}")

    return told

"""What we know of migrations beyond the history that other tools share: the table `quarterdeck.migrations`.

One row a version: the digest of the file, who ran it, how long, what the linter and the verify script said, which
backup was taken before, and, for a file whose statements cannot share a transaction, how many of them are done. A
version that another tool applied has no row here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from console.migrations.split import normalize

if TYPE_CHECKING:
    from providers.database import Connection

_EXISTS = "select to_regclass('quarterdeck.migrations') is not null"
_CREATE = (
    "create schema if not exists quarterdeck",
    """
create table if not exists quarterdeck.migrations (
  version text primary key,
  name text not null,
  state text not null,
  sha256 text not null,
  statements int not null,
  done int not null default 0,
  done_sha256 text not null default '',
  attempted int not null default 0,
  who text not null default '',
  lint text not null default '',
  backup text not null default '',
  verified text not null default '',
  problem text not null default '',
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  seconds float8
)
""",
)
_COLUMNS = (
    "version, name, state, sha256, statements, done, done_sha256, attempted, who, lint, backup, verified, problem, "
    "started_at, ended_at, seconds"
)
_BEGIN = """
insert into quarterdeck.migrations (version, name, state, sha256, statements, who, lint, backup)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (version) do update set name = excluded.name, state = excluded.state, sha256 = excluded.sha256,
  statements = excluded.statements, who = excluded.who, lint = excluded.lint, backup = excluded.backup,
  verified = '', problem = '', started_at = now(), ended_at = null, seconds = null
"""
_FORGET_PROGRESS = "update quarterdeck.migrations set done = 0, done_sha256 = '', attempted = 0 where version = %s"
_ATTEMPT = "update quarterdeck.migrations set attempted = %s where version = %s"
_ADVANCE = "update quarterdeck.migrations set done = %s, done_sha256 = %s, attempted = 0 where version = %s"
_END = """
update quarterdeck.migrations set state = %s, problem = %s, ended_at = now(), done = case when %s then 0 else done end,
  done_sha256 = case when %s then '' else done_sha256 end, attempted = case when %s then 0 else attempted end,
  seconds = extract(epoch from clock_timestamp() - started_at)
where version = %s
"""
_VERIFIED = "update quarterdeck.migrations set verified = %s where version = %s"


class State(StrEnum):
    """How a version stands, by our own facts.

    `running` in a row whose run nobody holds the lock of means that the run was cut off.
    """

    RUNNING = "running"
    APPLIED = "applied"
    PARTIAL = "partial"
    """Some statements of a file that shares no transaction are done; the next run goes on behind them."""
    FAILED = "failed"
    """Nothing of it was kept."""
    REVERTING = "reverting"
    """As `running` and `partial`, for the down script."""
    REVERTED = "reverted"


@dataclass(frozen=True)
class Fact:
    """One row. `done` counts statements from the beginning of the file; `attempted` is one that was begun after them,
    alone, and whose end nobody recorded; 0 for none.
    """

    version: str
    name: str
    state: State
    sha256: str
    statements: int
    done: int
    done_sha256: str
    attempted: int
    who: str
    lint: str
    backup: str
    verified: str
    problem: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float | None

    @property
    def is_partial(self) -> bool:
        """Whether statements of it are done, or may be, while the history does not list it."""
        return self.state in (State.RUNNING, State.PARTIAL) and (self.done > 0 or self.attempted > 0)

    @property
    def is_half_reverted(self) -> bool:
        """Whether statements of its down script are done, or may be, while the history still lists it."""
        return self.state is State.REVERTING and (self.done > 0 or self.attempted > 0)


@dataclass(frozen=True)
class Opening:
    """What is known when a file is begun."""

    version: str
    name: str
    sql: str
    statements: int
    state: State = State.RUNNING
    resumes: bool = False
    who: str = ""
    lint: str = ""
    backup: str = ""


def digest(sql: str) -> str:
    """A file's sha256, line endings not counted."""
    return sha256(sql.replace("\r\n", "\n").encode()).hexdigest()


def digest_of_statements(statements: Sequence[str]) -> str:
    """One digest for statements that mean the same, however they are commented and cut."""
    return sha256(normalize(statements).encode()).hexdigest()


async def prepare(connection: Connection) -> None:
    """Make the table where it is missing."""
    if not await _is_there(connection):
        async with connection.transaction():
            await connection.execute("set local lock_timeout = '2s'")
            for statement in _CREATE:
                await connection.execute(statement)


async def fetch(connection: Connection) -> Mapping[str, Fact]:
    """Every fact by its version; none where nothing was ever run by us."""
    if not await _is_there(connection):
        return {}
    cursor = await connection.execute(f"select {_COLUMNS} from quarterdeck.migrations order by version")  # noqa: S608
    return {row[0]: Fact(row[0], row[1], State(row[2]), *row[3:]) for row in await cursor.fetchall()}


async def begin(connection: Connection, opening: Opening) -> None:
    """Record that a file is run now; what is done of it stays only where the run goes on behind it."""
    values = (opening.version, opening.name, opening.state.value, digest(opening.sql), opening.statements)
    async with connection.transaction():
        await connection.execute(_BEGIN, (*values, opening.who, opening.lint, opening.backup))
        if not opening.resumes:
            await connection.execute(_FORGET_PROGRESS, (opening.version,))


async def attempt(connection: Connection, version: str, number: int) -> None:
    """Record that a statement is begun that no transaction covers."""
    await connection.execute(_ATTEMPT, (number, version))


async def advance(connection: Connection, version: str, statements: Sequence[str]) -> None:
    """Record that these statements, the file's first ones, are done."""
    await connection.execute(_ADVANCE, (len(statements), digest_of_statements(statements), version))


async def end(connection: Connection, version: str, state: State, problem: str = "") -> None:
    """Record how it came out; only PARTIAL and REVERTING keep what is done."""
    forgets = state not in (State.PARTIAL, State.REVERTING)
    await connection.execute(_END, (state.value, problem, forgets, forgets, forgets, version))


async def set_verified(connection: Connection, version: str, words: str) -> None:
    """Record what the verify script said: `passed`, or why not."""
    await connection.execute(_VERIFIED, (words, version))


async def _is_there(connection: Connection) -> bool:
    row = await (await connection.execute(_EXISTS)).fetchone()
    return bool(row and row[0])

"""A database of its own on a real PostgreSQL, and runs of migrations there that can be cut anywhere."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

import psycopg
import pytest

from console.migrations import ledger
from console.migrations.checks import Leave
from console.migrations.patience import Patience
from console.migrations.requests import Progress, Request
from console.migrations.runner import Run
from console.migrations.scripts import Direction, build_scripts
from console.playground.scene import dsn_for
from providers.contract import MigrationFile
from providers.database import Database

EVERYTHING = Leave(out_of_order=True, contract=True)
NUMBERS = itertools.count(1)
QUICK = Patience(
    for_other_run=5.0, look_every=0.01, lock_timeout=0.1, weak_lock_timeout=0.2, attempts=2, first_wait=0.01
)


@dataclass
class World:
    dsn: str

    run_of: Run | None = None

    async def run(
        self, *files: MigrationFile, direction=Direction.UP, leave=EVERYTHING, die_at=(), patience=QUICK, **request
    ):
        """Run; at the statement `die_at` of a file the server loses the session."""
        downs = build_scripts("pg", Direction.DOWN, [file for file in files if file.down])
        request = Request(
            direction, build_scripts("pg", direction, files), leave, downs, "tester", "backup-7", **request
        )

        def told(progress: Progress) -> None:
            if (progress.filename, progress.statement) == die_at:
                self.kill()

        self.run_of = run = Run(self.database, request, patience, asyncio.sleep, told)
        await run.perform()
        return run.done

    @property
    def database(self) -> Database:
        return Database("pg", "shop", self.dsn, "database")

    def kill(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as other:
            other.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where application_name = 'quarterdeck' and datname = current_database()"
            )

    def ask(self, query: str):
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    async def facts(self):
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            return await ledger.fetch(connection)

    @property
    def history(self) -> list[str]:
        return [row[0] for row in self.ask("select version from supabase_migrations.schema_migrations order by 1")]

    @property
    def locks(self) -> int:
        return self.ask("select count(*) from pg_locks where locktype = 'advisory'")[0][0]


@pytest.fixture
def world(postgres_dsn: str) -> World:
    name = f"runner_{next(NUMBERS)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute(f"create database {name}")
    return World(dsn_for(postgres_dsn, name))

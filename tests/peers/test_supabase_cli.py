"""The official Supabase CLI and our migrations on one database: what one applies, the other lists as applied."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from console.migrations import history, ledger, repair
from console.migrations.scripts import Direction, build_scripts
from console.migrations.standing import compare
from console.playground.scene import dsn_for
from providers.contract import Migrate, MigrationFile, OperationKey, OperationStatus
from providers.database import Database
from providers.http import utc_now
from providers.supabase.adapter import open_connection
from providers.supabase.settings import SupabaseSettings

NUMBERS = itertools.count(1)
REF = "quarterdeckprodshopa"
FILES = (
    MigrationFile(
        "20260101000000", "create_items", "create table items (id int primary key);\ninsert into items values (1);"
    ),
    MigrationFile("20260102000000", "add_price", "alter table items add price int;\n-- later more\n"),
    MigrationFile("20260103000000", "words", "-- nothing yet\n"),
)


@pytest.fixture
def dsn(postgres_dsn: str) -> str:
    name = f"cli_{next(NUMBERS)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute(f"create database {name}")
    return dsn_for(postgres_dsn, name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / "supabase" / "config.toml").write_text('project_id = "shop"\n')
    for file in FILES:
        (folder / f"{file.version}_{file.name}.sql").write_text(file.sql)
        (folder / f"down_{file.version}_{file.name}.sql").write_text("select 1;")
    return tmp_path


def run(cli: str, project: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(project), "DO_NOT_TRACK": "1", "CI": "1"}
    command = [cli, *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(cli: str, project: Path, dsn: str) -> dict[str, str]:
    """The CLI's table: each version it knows of, and under which the database lists it as applied."""
    table = run(cli, project, "migration", "list", "--db-url", dsn)
    return dict(re.findall(r"`(\d{14})`\s*\|\s*(?:`(\d{14})`)?", table))


def kept(dsn: str) -> list[tuple[str, str, list[str]]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute("select * from supabase_migrations.schema_migrations order by version").fetchall()


async def apply(dsn: str, *files: MigrationFile) -> OperationStatus:
    settings = SupabaseSettings(base_url="http://supabase", token="sbp_secret", databases={REF: dsn})
    connection = open_connection("supabase", settings)
    try:
        ended = await connection.capabilities.migrate.start(Migrate(REF, files), OperationKey("wish", utc_now()))
    finally:
        await connection.close()
    return ended.status


async def applied(dsn: str) -> list[str]:
    settings = SupabaseSettings(base_url="http://supabase", token="sbp_secret", databases={REF: dsn})
    connection = open_connection("supabase", settings)
    try:
        return list(await connection.capabilities.migrations.fetch_applied(REF))
    finally:
        await connection.close()


class TestGivenOneDatabase:
    def test_when_nothing_was_applied_then_the_cli_lists_nothing_as_applied(self, supabase_cli, project, dsn):
        assert listed(supabase_cli, project, dsn) == {file.version: "" for file in FILES}

    async def test_when_we_apply_then_the_cli_lists_it_as_applied(self, supabase_cli: str, project: Path, dsn: str):
        assert await apply(dsn, *FILES) is OperationStatus.SUCCEEDED

        assert listed(supabase_cli, project, dsn) == {file.version: file.version for file in FILES}
        ours = kept(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("drop table items; drop schema supabase_migrations cascade")
        run(supabase_cli, project, "db", "push", "--yes", "--db-url", dsn)
        assert kept(dsn) == ours

    async def test_when_the_cli_applies_then_we_list_it_as_applied_and_do_not_apply_it_again(
        self, supabase_cli: str, project: Path, dsn: str
    ):
        run(supabase_cli, project, "db", "push", "--yes", "--db-url", dsn)

        assert await applied(dsn) == [file.version for file in FILES]
        assert await apply(dsn, *FILES) is OperationStatus.SUCCEEDED

    async def test_when_one_changes_the_history_alone_then_the_other_sees_it(self, supabase_cli, project, dsn):
        await apply(dsn, *FILES)

        run(
            supabase_cli,
            project,
            "migration",
            "repair",
            FILES[1].version,
            "--status",
            "reverted",
            "--yes",
            "--db-url",
            dsn,
        )
        assert await applied(dsn) == [FILES[0].version, FILES[2].version]
        run(
            supabase_cli,
            project,
            "migration",
            "repair",
            FILES[1].version,
            "--status",
            "applied",
            "--yes",
            "--db-url",
            dsn,
        )
        async with Database("pg", "shop", dsn, "database").connect() as connection:
            scripts = build_scripts("pg", Direction.UP, FILES)
            stored, facts = await history.fetch_statements(connection), await ledger.fetch(connection)
            rows = compare(scripts, stored, facts)
            await repair.mark_reverted(connection, [FILES[1].version])

        assert {row.state for row in rows} == {"applied"}
        assert listed(supabase_cli, project, dsn)[FILES[1].version] == ""

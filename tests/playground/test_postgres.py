import uuid
from collections.abc import Iterator

import psycopg
import pytest

from console.playground.releases import Release, build_catalogue
from console.playground.scene import dsn_for
from console.playground.seed import count_changes, create_database, seed_database


@pytest.fixture
def shop_dsn(postgres_dsn: str) -> Iterator[str]:
    name = f"shop_{uuid.uuid4().hex[:8]}"
    create_database(postgres_dsn, name)
    dsn = dsn_for(postgres_dsn, name)
    seed_database(dsn, build_catalogue().first)
    yield dsn
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')


def pending(release: Release, connection: psycopg.Connection) -> list[tuple[str, str]]:
    applied = {row[0] for row in connection.execute("select version from supabase_migrations.schema_migrations")}
    return [
        (name, text)
        for name, text in sorted(release.migrations.items())
        if not name.endswith(".down.sql") and name.partition("_")[0] not in applied
    ]


def apply(release: Release, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        for name, text in pending(release, connection):
            connection.execute(text.encode())
            record(connection, name)


def record(connection: psycopg.Connection, name: str) -> None:
    version, _, title = name.removesuffix(".sql").partition("_")
    connection.execute(
        "insert into supabase_migrations.schema_migrations (version, name) values (%s, %s)", (version, title)
    )


def tables_and_columns(dsn: str) -> set[tuple[str, str]]:
    query = "select table_name, column_name from information_schema.columns where table_schema = 'public'"
    with psycopg.connect(dsn) as connection:
        return {(row[0], row[1]) for row in connection.execute(query)}


class TestGivenASeededDatabase:
    async def test_then_the_first_releases_migrations_are_recorded_and_not_counted(self, shop_dsn):
        with psycopg.connect(shop_dsn) as connection:
            versions = connection.execute("select version, name from supabase_migrations.schema_migrations").fetchall()

        assert versions == [("20260901090000", "create_shop")]
        assert (await count_changes(shop_dsn)).applied == 0

    async def test_when_migrations_go_up_and_down_again_then_nothing_stays_and_both_are_counted(self, shop_dsn):
        before = tables_and_columns(shop_dsn)
        newest = build_catalogue().main

        with psycopg.connect(shop_dsn) as connection:
            steps = pending(newest, connection)
            for name, text in steps:
                connection.execute(text.encode())
                record(connection, name)
        after = tables_and_columns(shop_dsn)
        with psycopg.connect(shop_dsn) as connection:
            for name, _ in reversed(steps):
                connection.execute(newest.migrations[name.removesuffix(".sql") + ".down.sql"].encode())
                connection.execute(
                    "delete from supabase_migrations.schema_migrations where version = %s", (name.partition("_")[0],)
                )

        assert {("orders", "note"), ("items", "stock"), ("orders", "channel")} == after - before
        assert tables_and_columns(shop_dsn) == before
        assert await count_changes(shop_dsn) == type(await count_changes(shop_dsn))(applied=3, reverted=3)

    async def test_when_the_bad_migration_runs_in_a_transaction_then_it_fails_and_leaves_nothing(self, shop_dsn):
        bad = build_catalogue().find("v1.6-bad-migration")
        before = tables_and_columns(shop_dsn)
        assert bad is not None

        with pytest.raises(psycopg.errors.CheckViolation):
            apply(bad, shop_dsn)

        assert tables_and_columns(shop_dsn) == before
        assert (await count_changes(shop_dsn)).applied == 0

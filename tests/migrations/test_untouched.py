"""What a migration does to tables that it does not name; and a database that takes no other writes meanwhile."""

from __future__ import annotations

import psycopg
import pytest

from console.domain.errors import Refused
from console.migrations import untouched
from console.migrations.read_only import find_forgotten, read_only, take_back
from console.migrations.reindex import rebuild
from console.migrations.requests import MigrationFailed
from console.migrations.scripts import Direction, build_scripts
from providers.contract import MigrationFile
from tests.migrations.conftest import QUICK, World

SHOP = """
create table orders (id int primary key, note text); insert into orders values (1, 'a'), (2, 'b');
create table lines (id int primary key, order_id int references orders on delete cascade);
insert into lines values (1, 1), (2, 1), (3, 2);
create table journal (what text);
create function keep() returns trigger language plpgsql as
  $$ begin insert into journal values ('changed'); return null; end $$;
create trigger keep after update on orders execute function keep();
"""
WRITE = "insert into journal values ('x')"


async def sums(world: World, sql: str):
    async with world.database.connect() as connection:
        return await untouched.fetch_sums(connection, build_scripts("pg", Direction.UP, [MigrationFile("1", "a", sql)]))


class TestGivenTablesThatAFileDoesNotName:
    async def test_when_triggers_and_cascades_change_their_rows_then_each_is_told(self, world):
        world.ask(SHOP)
        sneaky = MigrationFile("1", "sneaky", "update orders set note = 'c'; delete from orders where id = 1;")

        await world.run(sneaky)

        assert world.run_of.unnamed == [
            "1_sneaky.sql: public.journal (1 row added)",
            "1_sneaky.sql: public.lines (2 rows deleted)",
        ]

    async def test_when_others_write_or_a_table_is_rewritten_then_nothing_is_told(self, world):
        world.ask(SHOP)
        plain = MigrationFile("1", "plain", "alter table orders alter id type bigint; insert into orders values (3);")

        with psycopg.connect(world.dsn, autocommit=True) as other:
            other.execute(WRITE)
            await world.run(plain)

        assert world.run_of.unnamed == []

    async def test_when_they_are_summed_then_any_difference_is_found_and_named_tables_are_left_out(self, world):
        world.ask(SHOP)
        before = await sums(world, "alter table orders add a int")
        world.ask("insert into journal values ('x'); update lines set order_id = 2 where id = 1")

        after = await sums(world, "alter table orders add a int")

        assert set(before) == {"public.journal", "public.lines"}
        assert untouched.compare(before, before) == []
        assert untouched.compare(before, after) == [
            "public.journal had 0 rows and has 1",
            "public.lines has as many rows, and other values",
        ]
        assert untouched.compare(before, {}) == ["public.journal is gone", "public.lines is gone"]


class TestGivenReadOnlyMode:
    async def test_when_it_holds_then_nobody_but_the_run_writes_and_afterwards_everybody(self, world):
        world.ask(SHOP)
        early = psycopg.connect(world.dsn, autocommit=True)

        async with read_only(world.database, "tester"):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                world.ask(WRITE)
            with pytest.raises(psycopg.OperationalError):
                early.execute(WRITE)
            late = psycopg.connect(world.dsn, autocommit=True)
            assert late.execute("select count(*) from journal").fetchone() == (0,)
            await world.run(MigrationFile("1", "a", "create table a (); vacuum a;"), writes_anyway=True)
            with pytest.raises(Refused, match="Somebody runs migrations now"):
                async with read_only(world.database, "another"):
                    pass

        with pytest.raises(psycopg.OperationalError):
            late.execute("select 1")  # it would have stayed read-only
        world.ask(WRITE)
        assert (world.history, world.locks) == (["1"], 0)

    async def test_when_the_migration_fails_then_the_database_takes_writes_again(self, world):
        world.ask(SHOP)

        with pytest.raises(MigrationFailed):
            async with read_only(world.database, "tester"):
                await world.run(MigrationFile("1", "a", "create table a (); select 1/0;"), writes_anyway=True)

        world.ask(WRITE)

    async def test_when_its_run_was_killed_then_it_is_found_and_taken_back(self, world):
        world.ask(SHOP)
        world.ask("alter database " + psycopg.conninfo.conninfo_to_dict(world.dsn)["dbname"] + " set work_mem = '8MB'")
        guard = read_only(world.database, "tester")
        await guard.__aenter__()
        async with world.database.connect() as connection:
            assert await find_forgotten(connection) is None  # it lives
        world.kill()

        async with world.database.connect() as connection:
            forgotten = await find_forgotten(connection)
        assert forgotten is not None
        assert forgotten.who == "tester"
        assert await take_back(world.database) == forgotten
        world.ask(WRITE)
        assert await take_back(world.database) is None
        assert world.ask("show work_mem") == [("8MB",)]


class TestGivenInvalidIndexes:
    async def test_when_they_are_rebuilt_then_they_serve_and_what_cannot_is_told(self, world):
        world.ask("create table a (id int, n int); insert into a values (1, 1), (2, 1); create index good on a (id)")
        world.ask("create index broken on a (id)")
        world.ask("update pg_index set indisvalid = false where indexrelid = 'broken'::regclass")
        with pytest.raises(psycopg.errors.UniqueViolation):
            world.ask("create unique index concurrently twice on a (n)")

        async with world.database.connect() as connection:
            found = await rebuild(connection, world.database, (), QUICK)
            named = await rebuild(connection, world.database, ("good",), QUICK)

        assert {(one.index, bool(one.problem)) for one in found} == {("public.broken", False), ("public.twice", True)}
        assert [one.index for one in named] == ["public.good"]
        assert world.ask("select indexrelid::regclass::text from pg_index where not indisvalid") == [("twice",)]

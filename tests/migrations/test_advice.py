"""Advice about a database, and statements that became slower, on a real PostgreSQL."""

from __future__ import annotations

import psycopg

from console.migrations.advisors import advise
from console.migrations.performance import Figures, compare, from_text, read, to_text
from console.playground.scene import dsn_for

FAULTS = """
do $$ begin if to_regrole('anon') is null then create role anon; end if; end $$;
create table open (id int primary key); grant all on open to anon;
create table shut (id int primary key, open_id int references open);
alter table shut enable row level security;
create policy everybody on shut for all using (true);
create policy readers on shut for select using (true);
create view peek as select * from shut; grant select on peek to anon;
create view fair with (security_invoker = on) as select * from shut; grant select on fair to anon;
create function planted() returns int language sql security definer as 'select 1';
create function safe() returns int language sql security definer set search_path = '' as 'select 1';
create table twice (a int); create index one on twice (a); create index two on twice (a);
create index other on twice (a desc);
alter table twice add constraint positive check (a > 0) not valid;
create index broken on twice ((a + 1)); update pg_index set indisvalid = false where indexrelid = 'broken'::regclass;
"""


async def ask_prices(connection: psycopg.AsyncConnection) -> None:
    for number in range(12):
        await connection.execute(f"select price() + {number}".encode())


class TestGivenADatabaseWithFaults:
    async def test_when_advice_is_asked_then_each_fault_is_named_once_and_nothing_else(self, postgres_dsn: str):
        async with await psycopg.AsyncConnection.connect(postgres_dsn, autocommit=True) as server:
            await server.execute("create database advised")
        async with await psycopg.AsyncConnection.connect(
            dsn_for(postgres_dsn, "advised"), autocommit=True
        ) as connection:
            await connection.execute(FAULTS.encode())

            found = {(one.rule, one.object) for one in await advise(connection)}

        assert found == {
            ("rls-off", "public.open"),
            ("anon-empties", "public.open"),
            ("view-of-owner", "public.peek"),
            ("definer-search-path", "planted()"),
            ("policy-always-true", "public.shut everybody"),
            ("foreign-key-without-index", "public.shut shut_open_id_fkey"),
            ("duplicate-index", "public.twice one = two"),
            ("no-primary-key", "public.twice"),
            ("invalid-index", "broken"),
            ("constraint-not-validated", "public.twice positive"),
        }

    async def test_when_statements_become_slower_then_two_readings_of_the_server_say_which(self, postgres_dsn: str):
        async with await psycopg.AsyncConnection.connect(postgres_dsn, autocommit=True) as server:
            await server.execute("create database counted")
        dsn = dsn_for(postgres_dsn, "counted")
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute("create extension pg_stat_statements")
            await connection.execute("create function price() returns int language sql as 'select 1'")
            await ask_prices(connection)
            before = await read(connection)
            await connection.execute(
                "create or replace function price() returns int language plpgsql as "
                "$$ begin perform pg_sleep(0.003); return 1; end $$"
            )
            await ask_prices(connection)

            after = await read(connection)

        assert before is not None
        assert after is not None
        slower = [one for one in compare({}, from_text(to_text(before)), after) if one.factor > 1.5]
        assert [(one.query, one.calls) for one in slower] == [("select price() + $1", 12)]
        assert slower[0].after_ms > 3 > slower[0].before_ms

    async def test_when_the_server_counts_no_statements_then_there_is_no_reading(self, postgres_dsn: str):
        async with await psycopg.AsyncConnection.connect(postgres_dsn, autocommit=True) as connection:
            assert await read(connection) is None


class TestGivenThreeReadings:
    def test_when_they_are_compared_then_means_between_them_count_and_the_worst_is_first(self):
        earliest = {1: Figures("a", 10, 10.0), 2: Figures("b", 0, 0.0)}
        before = {1: Figures("a", 110, 110.0), 2: Figures("b", 100, 500.0), 3: Figures("c", 50, 5.0)}
        after = {1: Figures("a", 210, 410.0), 2: Figures("b", 200, 600.0), 3: Figures("c", 51, 5.1)}

        changes = compare(earliest, before, after)

        assert [(one.query, one.before_ms, one.after_ms, one.calls) for one in changes] == [
            ("a", 1.0, 3.0, 100),
            ("b", 5.0, 1.0, 100),
        ]

"""Advice about a database, and statements that became slower, on a real PostgreSQL."""

from __future__ import annotations

import psycopg

from console.migrations.advisors import advise
from console.migrations.performance import Figures, compare, read
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

"""Runs on a real PostgreSQL that are stopped at every statement: the history stays true, and the next run ends them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psycopg
import pytest

from console.domain.errors import ConsoleError, Rejected
from console.migrations.checks import Leave
from console.migrations.ledger import State
from console.migrations.patience import Patience
from console.migrations.requests import MigrationFailed
from console.migrations.scripts import Direction
from providers.contract import MigrationFile
from tests.migrations.conftest import QUICK

WAITING = "select 1 from pg_stat_activity where query like '%busy add%' and wait_event_type = 'Lock'"
INVALID = "select count(*) from pg_index where not indisvalid"
MIXED = MigrationFile(
    "2",
    "mixed",
    "set search_path to shop;\ncreate table shop.parts (id int);\ncreate index concurrently parts_id on parts (id);\n"
    "insert into parts values (1);\ndrop index concurrently items_old;\ninsert into shop.parts values (2);",
    "drop table shop.parts;\ncreate index concurrently items_old on shop.items (id);",
)
BEFORE = MigrationFile(
    "1", "before", "create schema shop; create table shop.items (id int); create index items_old on shop.items (id);"
)


class TestGivenAFileWhoseStatementsShareNoTransaction:
    async def test_when_it_is_run_then_all_of_it_is_done_and_recorded(self, world):
        assert await world.run(BEFORE, MIXED) == ["1", "2"]

        assert world.ask("select id from shop.parts order by 1") == [(1,), (2,)]
        fact = (await world.facts())["2"]
        assert (fact.state, fact.who, fact.backup, fact.done) == (State.APPLIED, "tester", "backup-7", 0)
        assert fact.seconds is not None
        assert world.history == ["1", "2"]

    async def test_when_the_session_dies_at_each_statement_then_the_next_run_goes_on_behind_what_is_done(self, world):
        await world.run(BEFORE)

        for statement in range(1, 7):
            with pytest.raises(ConsoleError):
                await world.run(BEFORE, MIXED, die_at=("2_mixed.sql", statement))

            assert world.history == ["1"]
            assert world.locks == 0
            assert (await world.facts())["2"].state is State.RUNNING
        assert await world.run(BEFORE, MIXED) == ["2"]
        assert world.ask("select id from shop.parts order by 1") == [(1,), (2,)]
        assert world.ask("select to_regclass('shop.items_old')") == [(None,)]
        assert world.ask(INVALID) == [(0,)]
        assert world.history == ["1", "2"]

    @pytest.mark.parametrize("after", [False, True])
    async def test_when_nobody_recorded_the_end_of_an_index_build_then_the_next_run_looks(self, world, after):
        await world.run(BEFORE)
        with pytest.raises(ConsoleError):
            await world.run(BEFORE, MIXED, die_at=("2_mixed.sql", 3))
        world.ask("update quarterdeck.migrations set attempted = 3 where version = '2'")
        if after:
            world.ask("create index concurrently parts_id on shop.parts (id)")
        else:
            world.ask("create index parts_id on shop.parts (id)")
            world.ask("update pg_index set indisvalid = false where indexrelid = 'shop.parts_id'::regclass")

        assert await world.run(BEFORE, MIXED) == ["2"]
        assert world.ask("select indisvalid from pg_index where indexrelid = 'shop.parts_id'::regclass") == [(True,)]

    async def test_when_any_statement_fails_then_its_piece_is_not_there_and_the_next_run_goes_on_behind(self, world):
        await world.run(BEFORE)
        statements = MIXED.sql.split(";")[:-1]
        alone = {3, 5}

        for failing, done in ((1, 0), (2, 0), (3, 2), (4, 3), (5, 4), (6, 5)):
            wrong = "\ndrop index concurrently nothing" if failing in alone else "\nselect 1 / 0"
            sql = ";".join([*statements[: failing - 1], wrong, *statements[failing:]])
            with pytest.raises(MigrationFailed, match=f"failed at statement {failing} of 6") as raised:
                await world.run(BEFORE, MigrationFile("2", "mixed", sql))

            kept = f"Statements 1 to {done} of 6 are done" if done else "Nothing of this file was kept"
            assert kept in raised.value.what
            assert ((await world.facts())["2"].done, world.history, world.locks) == (done, ["1"], 0)
            assert world.ask("select to_regclass('shop.parts') is not null") == [(done >= 2,)]
        assert await world.run(BEFORE, MIXED) == ["2"]
        assert world.ask("select id from shop.parts order by 1") == [(1,), (2,)]

    async def test_when_the_session_dies_at_each_statement_of_the_way_back_then_the_next_run_ends_it(self, world):
        back = MigrationFile("2", MIXED.name, MIXED.sql, f"delete from shop.parts; {MIXED.down}")
        await world.run(BEFORE, back)

        for statement in (1, 2, 3):
            with pytest.raises(ConsoleError):
                await world.run(back, direction=Direction.DOWN, die_at=("2_mixed.down.sql", statement))

            assert (world.history, world.locks) == (["1", "2"], 0)
            assert world.ask("select to_regclass('shop.parts') is null") == [(statement == 3,)]
        assert await world.run(back, direction=Direction.DOWN) == ["2"]
        assert world.ask("select to_regclass('shop.parts'), to_regclass('shop.items_old') is null") == [(None, False)]
        assert world.history == ["1"]

    async def test_when_a_statement_fails_then_it_says_what_is_done_and_the_rest_may_be_corrected(self, world):
        wrong = MigrationFile(MIXED.version, MIXED.name, MIXED.sql.replace("items_old;", "nothing;"))
        await world.run(BEFORE)

        with pytest.raises(MigrationFailed, match=r"Statements 1 to 4 of 6 are done; the next run goes on behind them"):
            await world.run(BEFORE, wrong)

        assert (await world.facts())["2"].state is State.PARTIAL
        with pytest.raises(Rejected, match="its first 4 statements ran, and were edited since"):
            await world.run(BEFORE, MigrationFile("2", "mixed", MIXED.sql.replace("id int", "id bigint")))
        assert await world.run(BEFORE, MIXED) == ["2"]

    async def test_when_a_unique_index_cannot_be_built_then_no_invalid_one_stays(self, world):
        await world.run(BEFORE)
        world.ask("insert into shop.items values (1), (1)")
        twice = MigrationFile("2", "twice", "create unique index concurrently one on shop.items (id);")

        with pytest.raises(MigrationFailed, match="Nothing of this file was kept"):
            await world.run(BEFORE, twice)

        assert world.ask("select count(*) from pg_index where not indisvalid") == [(0,)]

    async def test_when_an_open_transaction_keeps_what_it_left_then_the_next_run_clears_it_away(self, world):
        await world.run(BEFORE)
        build = MigrationFile("2", "build", "create index concurrently fresh on shop.items (id);")
        async with await psycopg.AsyncConnection.connect(world.dsn) as other:
            await other.execute("insert into shop.items values (1)")
            with pytest.raises(MigrationFailed, match="What statement 1 left is looked after by the next run"):
                await world.run(BEFORE, build)

        assert (await world.facts())["2"].state is State.PARTIAL
        assert await world.run(BEFORE, build) == ["2"]
        assert world.ask(INVALID) == [(0,)]

    async def test_when_it_is_taken_back_then_its_own_statements_alone_are_run_alone(self, world):
        await world.run(BEFORE, MIXED)

        assert await world.run(MIXED, direction=Direction.DOWN) == ["2"]
        assert world.history == ["1"]
        assert (await world.facts())["2"].state is State.REVERTED


class TestGivenAWholeFile:
    async def test_when_the_session_dies_at_any_statement_then_nothing_of_it_is_there(self, world):
        for statement in range(1, 4):
            with pytest.raises(ConsoleError):
                await world.run(BEFORE, die_at=("1_before.sql", statement))

            assert world.ask("select to_regnamespace('shop')") == [(None,)]
            assert (world.history, world.locks) == ([], 0)
        assert await world.run(BEFORE) == ["1"]


class TestGivenAFileThatChangesItsSession:
    async def test_when_it_becomes_somebody_else_then_its_history_is_written_all_the_same(self, world):
        world.ask("do $$ begin if to_regrole('stranger') is null then create role stranger; end if; end $$")

        files = [MigrationFile("1", "a", "set session authorization stranger"), MigrationFile("2", "b", "vacuum")]
        assert await world.run(*files) == ["1", "2"]

    async def test_when_it_uses_a_value_that_it_adds_then_the_way_out_is_told(self, world):
        world.ask("create type mood as enum ('calm')")
        eager = MigrationFile("1", "eager", "alter type mood add value 'rough'; select 'rough'::mood")

        with pytest.raises(MigrationFailed) as raised:
            await world.run(eager)

        assert raised.value.remedy.startswith("Put ALTER TYPE … ADD VALUE into a file of its own")


class TestGivenAVerifyScript:
    async def test_when_it_holds_then_that_is_recorded(self, world):
        await world.run(
            MigrationFile("1", "a", "create table a (id int);", "", "select count(*) = 0 from a; select 1/1")
        )

        assert (await world.facts())["1"].verified == "passed"

    @pytest.mark.parametrize(
        "verify", ["select exists (select 1 from a)", "select 1/0", "insert into a values (1)", "commit"]
    )
    async def test_when_it_does_not_hold_then_the_whole_run_is_taken_back(self, world, verify):
        first = MigrationFile("1", "a", "create table a (id int);", "drop table a;")
        second = MigrationFile("2", "b", "create table b (id int);", "drop table b;", verify)

        with pytest.raises(MigrationFailed, match="All that this run had applied was taken back"):
            await world.run(first, second)

        assert world.history == []
        assert world.ask("select to_regclass('a'), to_regclass('b')") == [(None, None)]
        facts = await world.facts()
        assert (facts["1"].state, facts["2"].state) == (State.REVERTED, State.REVERTED)
        assert "statement 1" in facts["2"].verified


class TestGivenWhatIsNotAllowed:
    async def test_when_a_file_is_older_than_the_newest_then_it_is_refused_unless_asked(self, world):
        late, new = MigrationFile("1", "late", "create table a ();"), MigrationFile("2", "new", "create table b ();")
        await world.run(new)

        with pytest.raises(Rejected, match=r"Older than the newest applied migration \(2\): 1_late\.sql"):
            await world.run(late, new, leave=Leave())
        assert await world.run(late, new, leave=Leave(out_of_order=True)) == ["1"]

    async def test_when_it_takes_away_while_an_older_release_serves_then_it_is_refused_whatever_is_allowed(self, world):
        await world.run(BEFORE)
        drop = MigrationFile("2", "drop", "\n\nalter table shop.items drop column id;")

        with pytest.raises(Rejected, match=r"2_drop\.sql:3 \(a column is dropped\)"):
            await world.run(BEFORE, drop, leave=Leave())
        with pytest.raises(Rejected, match=r"Still serving: v1"):
            await world.run(BEFORE, drop, leave=Leave(contract=True, serving=("v1",)))
        assert await world.run(BEFORE, drop, leave=Leave(contract=True)) == ["2"]


class TestGivenReaders:
    @pytest.mark.parametrize(
        ("sql", "place"),
        [
            ("alter table shop.items add a int; select pg_sleep(3);", "at statement 2 of 2"),
            ("do $$ begin alter table shop.items add a int; end $$; select pg_sleep(3);", "at statement 2 of 2"),
            ("alter table shop.items alter id type text using shop.slowly(id);", "at statement 1 of 1"),
            ("do $$ begin alter table shop.items add a int; perform pg_sleep(3); end $$", "at statement 1 of 1"),
        ],
    )
    async def test_when_a_file_would_hold_them_for_long_then_it_lets_go_in_time_and_nothing_is_kept(
        self, world, sql, place
    ):
        await world.run(BEFORE)
        world.ask("insert into shop.items select generate_series(1, 100); analyze shop.items")
        world.ask(
            "create function shop.slowly(n int) returns text language plpgsql as "
            "$$ begin perform pg_sleep(0.1); return n; end $$"
        )
        patience = replace(QUICK, lock_timeout=2.0, hold=0.3)
        running = asyncio.create_task(world.run(BEFORE, MigrationFile("2", "long", sql), patience=patience))
        longest, clock = 0.0, asyncio.get_running_loop().time
        async with await psycopg.AsyncConnection.connect(world.dsn, autocommit=True) as reader:
            while not running.done():
                asked = clock()
                await reader.execute("select * from shop.items limit 1")
                longest = max(longest, clock() - asked)
                await asyncio.sleep(0.01)

        with pytest.raises(MigrationFailed, match=r"would keep readers waiting for more than 0\.3 s") as raised:
            await running
        assert place in raised.value.what
        assert "Nothing of this file was kept" in raised.value.what
        assert 0.1 < longest < 1.0
        assert (world.history, world.locks) == (["1"], 0)
        free = replace(patience, hold=None)
        short = MigrationFile("2", "long", sql.replace("pg_sleep(3)", "pg_sleep(0.4)"))
        assert "slowly" in sql or await world.run(BEFORE, short, patience=free) == ["2"]

    async def test_when_a_file_wants_several_tables_then_all_its_waits_together_end_in_time(self, world):
        await world.run(BEFORE)
        world.ask("create table shop.busy (); create table shop.later ()")
        patience = Patience(lock_timeout=0.3, attempts=1)
        greedy = MigrationFile(
            "2", "greedy", "alter table shop.items add a int; select pg_sleep(0.1); alter table shop.busy add a int;"
        )
        async with await psycopg.AsyncConnection.connect(world.dsn) as other:
            await other.execute("select * from shop.busy")
            running = asyncio.create_task(world.run(BEFORE, greedy, patience=patience))
            async with asyncio.timeout(5):
                while not world.ask(WAITING):  # noqa: ASYNC110 - the server tells no event
                    await asyncio.sleep(0.01)
            began = asyncio.get_running_loop().time()
            async with await psycopg.AsyncConnection.connect(world.dsn) as reader:
                await reader.execute("select * from shop.items")
            waited = asyncio.get_running_loop().time() - began
            with pytest.raises(MigrationFailed, match="got no lock"):
                await running

        assert waited < 0.2  # what is left of the 0.3 s, and not 0.3 s more

"""Migrations on a real PostgreSQL: whole files or nothing, once, and as the Supabase CLI records them."""

import asyncio
import itertools
import sys
from contextlib import asynccontextmanager

import psycopg
import pytest

from console.domain.errors import Rejected, Unauthorized, Unreachable
from console.migrations import history
from console.migrations.patience import Patience
from console.playground.scene import dsn_for
from providers.contract import Migrate, MigrateDown, MigrationFile, OperationKey, OperationStatus, Unsupported
from providers.http import utc_now
from providers.supabase.adapter import open_connection
from providers.supabase.settings import SupabaseSettings

REF = "quarterdeckprodshopa"
NUMBERS = itertools.count(1)
QUICK = Patience(for_other_run=0.2, look_every=0.05, lock_timeout=0.05, attempts=2, first_wait=0.01, start=10.0)
WAITING = """
select 1 from pg_stat_activity
where application_name = 'quarterdeck' and wait_event_type = 'Lock' and datname = current_database()
"""
KEY = OperationKey("wish-1", utc_now())
CREATE = MigrationFile(
    "20260101000000",
    "create_items",
    "-- the first\ncreate table items (id int primary key);\ninsert into items values (1), (2);",
    "drop table items;",
)
PRICE = MigrationFile(
    "20260102000000",
    "add_price",
    "alter table items add price int;\ncreate function f() returns int language sql as $$ select 1; $$;",
    "drop function f();\nalter table items drop price;",
)
HALF = MigrationFile("20260103000000", "half", "create table half ();\nselect * from nowhere;", "drop table half;")


@pytest.fixture
async def dsn(postgres_dsn: str) -> str:
    """A database of its own, empty."""
    name = f"migrations_{next(NUMBERS)}"
    async with await psycopg.AsyncConnection.connect(postgres_dsn, autocommit=True) as connection:
        await connection.execute(f"create database {name}")
    return dsn_for(postgres_dsn, name)


@asynccontextmanager
async def opened(dsn: str, patience: Patience = QUICK):
    settings = SupabaseSettings(base_url="http://supabase", token="sbp_secret", databases={REF: dsn})
    connection = open_connection("supabase", settings, patience=patience)
    yield connection.capabilities
    await connection.close()


@pytest.fixture
async def can(dsn):
    async with opened(dsn) as capabilities:
        yield capabilities


async def ask(dsn: str, query: str):
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        cursor = await connection.execute(query)
        return await cursor.fetchall() if cursor.description else []


async def reach(can, reference: str, detail: str):
    """Look until an operation says so."""
    async with asyncio.timeout(20):
        while True:
            seen = await can.migrate.observe(reference)
            if seen.detail == detail:
                return seen
            await asyncio.sleep(0)


def up(*files: MigrationFile) -> Migrate:
    return Migrate(REF, files)


def down(*files: MigrationFile) -> MigrateDown:
    return MigrateDown(REF, files)


class TestGivenAnEmptyDatabase:
    async def test_when_migrations_are_applied_then_tables_and_history_are_there(self, dsn, can):
        ended = await can.migrate.start(up(PRICE, CREATE), KEY)

        assert ended.status is OperationStatus.SUCCEEDED
        assert ended.outputs == {"applied": [CREATE.version, PRICE.version]}
        assert await ask(dsn, "select id, price from items") == [(1, None), (2, None)]
        assert await can.migrations.fetch_applied(REF) == [CREATE.version, PRICE.version]

    async def test_when_the_history_is_read_then_it_is_as_the_cli_writes_it(self, dsn, can):
        await can.migrate.start(up(CREATE), KEY)

        columns = await ask(
            dsn,
            "select column_name, data_type, is_nullable from information_schema.columns "
            "where table_schema = 'supabase_migrations' order by ordinal_position",
        )
        assert columns == [("version", "text", "NO"), ("statements", "ARRAY", "YES"), ("name", "text", "YES")]
        assert await ask(dsn, "select version, name, statements from supabase_migrations.schema_migrations") == [
            (
                "20260101000000",
                "create_items",
                ["-- the first\ncreate table items (id int primary key)", "insert into items values (1), (2)"],
            )
        ]

    async def test_when_nothing_was_applied_then_nothing_is_found(self, can):
        assert await can.migrations.fetch_applied(REF) == []
        assert await can.migrate.find(up(CREATE), KEY) is None

    async def test_when_there_is_nothing_to_apply_then_that_succeeds(self, can):
        ended = await can.migrate.start(up(), KEY)

        assert (ended.status, ended.outputs) == (OperationStatus.SUCCEEDED, {"applied": []})


class TestGivenTheLawsOfAnActuator:
    async def test_when_it_is_started_twice_then_it_happens_once(self, dsn, can):
        first = await can.migrate.start(up(CREATE), KEY)
        async with opened(dsn) as other:
            second = await other.migrate.start(up(CREATE), KEY)

        assert second == first
        assert await ask(dsn, "select count(*) from items") == [(2,)]

    async def test_when_two_start_at_the_same_moment_then_it_happens_once(self, dsn):
        patient = Patience(look_every=0.01)
        async with opened(dsn, patient) as one, opened(dsn, patient) as other:
            ended = await asyncio.gather(
                one.migrate.start(up(CREATE, PRICE), KEY),
                other.migrate.start(up(CREATE, PRICE), KEY),
                one.migrate.start(up(CREATE, PRICE), KEY),
            )

        assert {operation.status for operation in ended} == {OperationStatus.SUCCEEDED}
        assert await ask(dsn, "select count(*) from items") == [(2,)]

    async def test_when_a_new_connection_looks_then_it_finds_the_same(self, dsn, can):
        started = await can.migrate.start(up(CREATE), KEY)

        async with opened(dsn) as other:
            assert await other.migrate.find(up(CREATE), KEY) == started
            assert await other.migrate.observe(started.reference) == started

    async def test_when_a_reference_is_unknown_then_it_is_lost(self, can):
        for reference in ("", "nonsense", "a/b/c", f"{REF}/sideways/1", "nowhere/up/1", f"{REF}/up/1", f"{REF}/down/"):
            assert (await can.migrate.observe(reference)).status is OperationStatus.LOST, reference

    async def test_when_an_earlier_run_died_halfway_then_the_next_one_goes_on(self, dsn, can):
        await can.migrate.start(up(CREATE), KEY)

        assert await can.migrate.find(up(CREATE, PRICE), KEY) is None
        ended = await can.migrate.start(up(CREATE, PRICE), KEY)

        assert ended.outputs == {"applied": [CREATE.version, PRICE.version]}
        assert await ask(dsn, "select count(*) from items") == [(2,)]

    async def test_when_it_takes_long_then_it_is_running_until_it_ends(self, dsn):
        slow = MigrationFile("20260101000000", "slow", "select pg_advisory_xact_lock(42); create table slow ();")
        async with (
            opened(dsn, Patience(start=0.01, lock_timeout=30.0)) as can,
            opened(dsn) as other,
            await psycopg.AsyncConnection.connect(dsn) as gate,
        ):
            await gate.execute("select pg_advisory_lock(42)")
            started = await can.migrate.start(up(slow), KEY)
            here = await reach(can, started.reference, "20260101000000_slow.sql (1 of 1)")
            elsewhere = await other.migrate.observe(started.reference)
            await gate.execute("select pg_advisory_unlock(42)")
            ended = await reach(can, started.reference, "1 migration applied")

        assert started.status is OperationStatus.RUNNING
        assert here.status is OperationStatus.RUNNING
        assert elsewhere.status is OperationStatus.RUNNING
        assert "quarterdeck" in elsewhere.detail
        assert ended.status is OperationStatus.SUCCEEDED


class TestGivenAFileThatFails:
    async def test_when_it_is_applied_then_nothing_of_it_is_left(self, dsn, can):
        ended = await can.migrate.start(up(CREATE, HALF), KEY)

        assert ended.status is OperationStatus.FAILED
        assert "20260103000000_half.sql failed at statement 2 of 2 (select * from nowhere)" in ended.detail
        assert 'relation "nowhere" does not exist (42P01)' in ended.detail
        assert await ask(dsn, "select to_regclass('half')") == [(None,)]
        assert await can.migrations.fetch_applied(REF) == [CREATE.version]

    async def test_when_it_is_observed_then_the_reason_is_kept_where_it_is_known(self, dsn, can):
        started = await can.migrate.start(up(HALF), KEY)

        here = await can.migrate.observe(started.reference)
        async with opened(dsn) as other:
            elsewhere = await other.migrate.observe(started.reference)

        assert (here.status, here.detail) == (OperationStatus.FAILED, started.detail)
        assert (elsewhere.status, HALF.version in elsewhere.detail) == (OperationStatus.LOST, True)

    async def test_when_it_is_corrected_then_the_next_start_succeeds(self, can):
        await can.migrate.start(up(HALF), KEY)
        right = MigrationFile(HALF.version, HALF.name, "create table half ();")

        assert (await can.migrate.start(up(right), KEY)).status is OperationStatus.SUCCEEDED

    async def test_when_a_file_changes_settings_then_the_next_one_has_its_own(self, dsn, can):
        careless = MigrationFile(
            "1", "careless", "set role pg_monitor; set search_path to pg_catalog; set statement_timeout = '100ms';"
        )

        ended = await can.migrate.start(
            up(careless, MigrationFile("2", "b", "select pg_sleep(0.2); create table b ();")), KEY
        )

        assert ended.status is OperationStatus.SUCCEEDED, ended.detail
        assert await ask(dsn, "select to_regclass('public.b')::text") == [("b",)]


class TestGivenFilesThatCannotBeRun:
    @pytest.mark.parametrize(
        ("files", "words"),
        [
            ((MigrationFile("1", "a", "select 1; commit;"),), "1_a.sql uses COMMIT"),
            ((MigrationFile("1", "a", "select 1;\nselect 'x"),), "1_a.sql, line 2"),
            ((MigrationFile("1", "a", ""), MigrationFile("1", "b", "")), "version 1 is there 2 times"),
            (
                (MigrationFile("1", "a", "create table a ();\n\\connect other"),),
                "1_a.sql, line 2: \\connect other is a command of psql",
            ),
            (
                (MigrationFile("1", "a", "copy items (id) from stdin;\n1'\n\\."),),
                "1_a.sql, line 1: COPY … FROM STDIN needs psql",
            ),
            ((MigrationFile("1", "a", "select 1;\0"),), "1_a.sql, line 1 holds a zero byte"),
            ((MigrationFile("1", "a", "", verify="select 'x"),), "1_a.verify.sql, line 1"),
        ],
    )
    async def test_when_they_are_applied_then_nothing_is_begun(self, can, files, words):
        with pytest.raises(Rejected) as raised:
            await can.migrate.start(up(CREATE, *files), KEY)

        assert words in raised.value.what
        assert await can.migrations.fetch_applied(REF) == []

    async def test_when_one_has_no_down_script_then_none_is_taken_back(self, can):
        bare = MigrationFile("20260102000000", "bare", "select 1;")
        await can.migrate.start(up(CREATE, bare), KEY)

        with pytest.raises(Rejected, match=r"20260102000000_bare\.sql has no 20260102000000_bare\.down\.sql"):
            await can.migrate_down.start(down(CREATE, bare), KEY)
        assert await can.migrations.fetch_applied(REF) == [CREATE.version, bare.version]

    async def test_when_an_applied_one_was_edited_then_it_is_named(self, can):
        await can.migrate.start(up(CREATE), KEY)
        edited = MigrationFile(CREATE.version, CREATE.name, CREATE.sql.replace("(2)", "(3)"))

        with pytest.raises(Rejected, match=r"Changed after they were applied: 20260101000000_create_items\.sql"):
            await can.migrate.start(up(edited, PRICE), KEY)
        assert await can.migrations.fetch_applied(REF) == [CREATE.version]

    async def test_when_only_its_comments_were_edited_then_it_passes(self, can):
        await can.migrate.start(up(CREATE), KEY)
        edited = MigrationFile(CREATE.version, CREATE.name, CREATE.sql.replace("-- the first", "-- our first"))

        assert (await can.migrate.start(up(edited, PRICE), KEY)).status is OperationStatus.SUCCEEDED


class TestGivenAHistoryThatOthersWrote:
    async def test_when_it_is_old_then_its_columns_are_added(self, dsn, can):
        await ask(dsn, "create schema supabase_migrations")
        await ask(dsn, "create table supabase_migrations.schema_migrations (version text primary key)")
        await ask(dsn, "insert into supabase_migrations.schema_migrations values ('20260101000000')")
        await ask(dsn, "create table items (id int primary key)")

        assert await can.migrations.fetch_applied(REF) == [CREATE.version]
        ended = await can.migrate.start(up(CREATE, PRICE), KEY)

        assert ended.status is OperationStatus.SUCCEEDED
        assert await ask(dsn, "select name from supabase_migrations.schema_migrations order by version") == [
            (None,),
            ("add_price",),
        ]

    async def test_when_it_keeps_a_file_as_one_statement_then_that_is_the_same_file(self, dsn, can):
        await can.migrate.start(up(CREATE), KEY)
        whole = CREATE.sql.replace("'", "''")
        await ask(dsn, f"update supabase_migrations.schema_migrations set statements = array['{whole}']")

        assert (await can.migrate.start(up(CREATE, PRICE), KEY)).status is OperationStatus.SUCCEEDED


class TestGivenMigrationsToTakeBack:
    async def test_when_they_are_taken_back_then_the_newest_goes_first(self, dsn, can):
        await can.migrate.start(up(CREATE, PRICE), KEY)

        ended = await can.migrate_down.start(down(CREATE, PRICE), KEY)

        assert ended.status is OperationStatus.SUCCEEDED
        assert ended.outputs == {"reverted": [CREATE.version, PRICE.version]}
        assert await can.migrations.fetch_applied(REF) == []
        assert await ask(dsn, "select to_regclass('items')") == [(None,)]

    async def test_when_only_some_are_named_then_others_stay(self, can):
        await can.migrate.start(up(CREATE, PRICE), KEY)

        await can.migrate_down.start(down(PRICE), KEY)

        assert await can.migrations.fetch_applied(REF) == [CREATE.version]

    async def test_when_it_was_never_applied_then_nothing_is_run(self, can):
        found = await can.migrate_down.find(down(CREATE), KEY)
        ended = await can.migrate_down.start(down(CREATE), KEY)

        assert found == ended
        assert ended.status is OperationStatus.SUCCEEDED

    async def test_when_a_down_script_fails_then_the_migration_stays(self, can):
        wrong = MigrationFile(PRICE.version, PRICE.name, PRICE.sql, "alter table items drop price; select 1/0;")
        await can.migrate.start(up(CREATE, wrong), KEY)

        ended = await can.migrate_down.start(down(wrong), KEY)

        assert ended.status is OperationStatus.FAILED
        assert "20260102000000_add_price.down.sql failed at statement 2 of 2" in ended.detail
        assert await can.migrations.fetch_applied(REF) == [CREATE.version, PRICE.version]


class TestGivenSomebodyElseAtTheDatabase:
    async def test_when_another_run_holds_it_then_it_is_named(self, dsn, can):
        async with await psycopg.AsyncConnection.connect(
            dsn, autocommit=True, application_name="other-console"
        ) as other:
            assert await history.try_lock(other)

            ended = await can.migrate.start(up(CREATE), KEY)

        assert ended.status is OperationStatus.FAILED
        assert "Another run of migrations holds the database: other-console" in ended.detail
        assert await can.migrations.fetch_applied(REF) == []

    async def test_when_a_reader_holds_the_table_then_the_file_gives_way_and_names_it(self, dsn, can):
        await can.migrate.start(up(CREATE), KEY)
        async with await psycopg.AsyncConnection.connect(dsn, application_name="nightly-report") as reader:
            await reader.execute("select * from items")

            ended = await can.migrate.start(up(CREATE, PRICE), KEY)

        assert ended.status is OperationStatus.FAILED
        assert "got no lock in 2 attempts at statement 1 of 2" in ended.detail
        assert "nightly-report" in ended.detail
        assert await can.migrations.fetch_applied(REF) == [CREATE.version]

    async def test_when_the_reader_goes_in_time_then_a_later_attempt_succeeds(self, dsn):
        patient = Patience(lock_timeout=0.05, attempts=50, first_wait=0.01, longest_wait=0.05)
        async with opened(dsn, patient) as can:
            await can.migrate.start(up(CREATE), KEY)
            async with await psycopg.AsyncConnection.connect(dsn) as reader:
                await reader.execute("select * from items")
                running = asyncio.create_task(can.migrate.start(up(CREATE, PRICE), KEY))
                while not await ask(dsn, WAITING):
                    pass
                await reader.rollback()
                ended = await running

        assert ended.status is OperationStatus.SUCCEEDED

    async def test_when_the_session_is_ended_then_it_is_unreachable_and_can_be_asked_again(self, dsn):
        slow = MigrationFile("1", "slow", "create table slow (); select pg_sleep(20);")
        async with opened(dsn) as can:
            running = asyncio.create_task(can.migrate.start(up(slow), KEY))
            killed = []
            while not killed:
                killed = await ask(
                    dsn,
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'quarterdeck' "
                    "and query like '%pg_sleep%' and pid <> pg_backend_pid() and datname = current_database()",
                )
            with pytest.raises(Unreachable):
                await running

            quick = MigrationFile("1", "slow", "create table slow ();")
            assert (await can.migrate.start(up(quick), KEY)).status is OperationStatus.SUCCEEDED


class TestGivenAWorkerThatIsKilled:
    SLOW = MigrationFile("2", "slow", "create table slow (); select pg_sleep(60);")
    SCRIPT = """
import asyncio, sys
from providers.contract import Migrate, MigrationFile, OperationKey
from providers.http import utc_now
from providers.supabase.adapter import open_connection
from providers.supabase.settings import SupabaseSettings

async def main(ref, dsn):
    can = open_connection("supabase", SupabaseSettings(token="sbp_secret", databases={ref: dsn})).capabilities
    files = (MigrationFile("1", "one", "create table one ();"), MigrationFile("2", "slow", sys.argv[3]))
    await can.migrate.start(Migrate(ref, files), OperationKey("wish-1", utc_now()))

asyncio.run(main(*sys.argv[1:3]))
"""

    @pytest.mark.e2e
    async def test_when_another_one_starts_then_it_goes_on_where_the_first_was_cut(self, dsn):
        worker = await asyncio.create_subprocess_exec(sys.executable, "-c", self.SCRIPT, REF, dsn, self.SLOW.sql)
        try:
            asleep = WAITING.replace("'Lock'", "'Timeout'")
            async with asyncio.timeout(20):
                while not await ask(dsn, asleep):
                    assert worker.returncode is None
        finally:
            worker.kill()
            await worker.wait()

        files = (MigrationFile("1", "one", "create table one ();"), MigrationFile("2", "slow", "create table slow ();"))
        async with opened(dsn, Patience(for_other_run=20.0)) as can:
            found = await can.migrate.find(up(*files), KEY)
            ended = await can.migrate.start(up(*files), KEY)

        assert found is None
        assert ended.outputs == {"applied": ["1", "2"]}


class TestGivenAnAddress:
    async def test_when_it_is_a_transaction_pooler_then_it_is_refused(self):
        async with opened("postgresql://user:geheimnis123@pooler.example:6543/postgres") as can:
            with pytest.raises(Rejected) as raised:
                await can.migrate.start(up(CREATE), KEY)
        assert "6543" in raised.value.what
        assert "5432" in raised.value.remedy

    async def test_when_the_password_is_wrong_then_it_is_unauthorized_and_not_shown(self, dsn):
        head, _, tail = dsn.partition("@")
        wrong = f"{head.rpartition(':')[0]}:geheimnis123@{tail}"
        async with opened(wrong) as can:
            with pytest.raises(Unauthorized) as raised:
                await can.migrations.fetch_applied(REF)
        assert "geheimnis123" not in f"{raised.value}{raised.value!r}"

    async def test_when_nobody_answers_then_it_is_unreachable(self):
        async with opened("postgresql://user:geheimnis123@127.0.0.1:1/postgres") as can:
            for attempt in (can.migrations.fetch_applied(REF), can.migrate.start(up(CREATE), KEY)):
                with pytest.raises(Unreachable) as raised:
                    await attempt
                assert "geheimnis123" not in str(raised.value)

    async def test_when_it_cannot_be_read_then_it_is_not_shown(self):
        async with opened("postgresql://user:geheimnis123@[nonsense") as can:
            with pytest.raises(Rejected) as raised:
                await can.migrations.fetch_applied(REF)
        assert "geheimnis123" not in str(raised.value)

    async def test_when_the_project_has_none_then_the_setting_is_named(self, can):
        with pytest.raises(Rejected, match="No database address"):
            await can.migrate.start(Migrate("nowhere", ()), KEY)

    async def test_when_no_project_has_one_then_migrations_are_not_offered(self):
        connection = open_connection("supabase", SupabaseSettings(token="sbp_secret"))
        await connection.close()

        assert isinstance(connection.capabilities.migrate, Unsupported)
        assert "database_url" in connection.capabilities.migrate.remedy


class TestGivenADatabaseAtWork:
    async def test_when_its_figures_are_read_then_they_are_plausible(self, can):
        figures = {one.name: one.value for one in await can.metrics.fetch_metrics(REF)}

        assert set(figures) == {"db_connections", "db_max_connections", "db_size_bytes", "db_active_queries"}
        assert 1 <= figures["db_connections"] <= figures["db_max_connections"]
        assert figures["db_size_bytes"] > 1_000_000

"""Databases of one's own as a provider: the laws of the contract, on a real server."""

import itertools

import psycopg
import pytest

from console.domain.errors import Rejected, Unauthorized, Unreachable
from console.migrations.patience import Patience
from console.playground.scene import dsn_for
from providers.contract import Migrate, MigrateDown, MigrationFile, OperationKey, OperationStatus, Unsupported
from providers.http import utc_now
from providers.postgres.adapter import open_connection
from providers.postgres.settings import PostgresSettings

NUMBERS = itertools.count(1)
KEY = OperationKey("wish-1", utc_now())
FILES = (
    MigrationFile("1", "one", "create table one (id int); insert into one values (1)", "drop table one"),
    MigrationFile("2", "two", "alter table one add two int", "alter table one drop two"),
)
NOWHERE = "postgresql://me:geheimnis123@127.0.0.1:1/shop"


def connect(**databases: str):
    return open_connection("own", PostgresSettings(databases=databases), patience=Patience(start=10.0))


@pytest.fixture
def dsn(postgres_dsn: str) -> str:
    name = f"own_{next(NUMBERS)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return dsn_for(postgres_dsn, name)


@pytest.fixture
async def own(dsn):
    connection = connect(shop=dsn)
    yield connection.capabilities
    await connection.close()


class TestGivenADatabaseOfOnesOwn:
    async def test_when_the_same_is_asked_for_twice_then_it_happens_once_and_everybody_finds_it(self, dsn, own):
        first = await own.migrate.start(Migrate("shop", FILES), KEY)
        other = connect(shop=dsn)
        second = await other.capabilities.migrate.start(Migrate("shop", FILES), KEY)
        found = await other.capabilities.migrate.find(Migrate("shop", FILES), KEY)
        await other.close()

        assert first == second == found
        assert first.outputs == {"applied": ["1", "2"]}
        assert await own.migrations.fetch_applied("shop") == ["1", "2"]
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select count(*) from one").fetchone() == (1,)

    async def test_when_it_is_taken_back_then_nothing_is_left_and_a_strange_reference_is_lost(self, own):
        await own.migrate.start(Migrate("shop", FILES), KEY)

        ended = await own.migrate_down.start(MigrateDown("shop", FILES), KEY)

        assert ended.status is OperationStatus.SUCCEEDED
        assert await own.migrations.fetch_applied("shop") == []
        for reference in ("", "nonsense", "elsewhere/up/1", "shop/up/1"):
            assert (await own.migrate.observe(reference)).status is OperationStatus.LOST

    async def test_when_a_file_takes_something_away_then_it_runs_only_where_the_plan_says_so(self, own):
        drop = MigrationFile("3", "drop", "alter table one drop column id")
        await own.migrate.start(Migrate("shop", FILES), KEY)

        with pytest.raises(Rejected, match="An older release would fail by: 3_drop"):
            await own.migrate.start(Migrate("shop", (*FILES, drop)), KEY)
        ended = await own.migrate.start(Migrate("shop", (*FILES, drop), contracts=True), KEY)

        assert ended.outputs == {"applied": ["1", "2", "3"]}

    async def test_when_it_is_looked_at_then_role_version_and_figures_are_told(self, own):
        account, target = await own.account.fetch_account(), await own.inventory.fetch_target("shop")
        figures = await own.metrics.fetch_metrics("shop")

        assert account.identity == "postgres at shop"
        assert target.detail.startswith("PostgreSQL ")
        assert {one.name for one in figures} >= {"db_connections", "db_size_bytes"}


class TestGivenDatabasesThatCannotBeReached:
    async def test_when_one_answers_then_the_other_is_what_is_missing(self, dsn):
        connection = connect(shop=dsn, stock=NOWHERE)

        account = await connection.capabilities.account.fetch_account()

        assert (account.identity, account.missing_scopes) == ("postgres at shop", ("database stock",))

    async def test_when_a_log_in_is_refused_then_that_is_said_without_the_password(self, dsn):
        head, _, tail = dsn.partition("@")
        can = connect(shop=f"{head.rpartition(':')[0]}:geheimnis123@{tail}").capabilities

        for question in (can.account.fetch_account(), can.inventory.fetch_targets(), can.metrics.fetch_metrics("shop")):
            with pytest.raises(Unauthorized) as raised:
                await question
            assert "geheimnis123" not in f"{raised.value}{raised.value!r}"

    async def test_when_nobody_answers_or_nothing_is_configured_then_it_says_which(self):
        can, bare = connect(stock=NOWHERE).capabilities, connect().capabilities

        with pytest.raises(Unreachable):
            await can.migrate.start(Migrate("stock", FILES), KEY)
        with pytest.raises(Rejected, match="No database address is configured for the database 'shop'"):
            await can.migrations.fetch_applied("shop")
        assert isinstance(bare.migrate, Unsupported)
        assert "database_url" in bare.migrate.remedy

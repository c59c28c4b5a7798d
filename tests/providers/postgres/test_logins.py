"""Two login roles of a real PostgreSQL take turns."""

from __future__ import annotations

import itertools
from typing import Any

import psycopg
import pytest

from console.domain.errors import Rejected, UsageError
from console.domain.rotation import Turn
from providers.postgres.logins import PostgresLogins

PASSWORD, NEXT = "first-password-0001", "second-password-0002"
NUMBERS = itertools.count(1)


class Server:
    """A database with a schema and the role `app` of a service, and a `boss` who is no superuser."""

    def __init__(self, superuser: str) -> None:
        number = next(NUMBERS)
        self.superuser = superuser
        self.app, self.other, self.boss = f"app{number}", f"app{number}_b", f"boss{number}"
        self.database = "postgres"
        self.logins = PostgresLogins()

    async def run(self, *statements: str, user: str = "", password: str = "") -> list[Any]:
        address = self.superuser if not user else self.address(user, password)
        rows: list[Any] = []
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
            for statement in statements:
                cursor = await connection.execute(statement)  # type: ignore[arg-type]  # written here
                rows = await cursor.fetchall() if cursor.description else []
        return rows

    async def furnish(self) -> None:
        await self.run(
            f"create role {self.boss} login createrole password 'boss'",
            f"create role {self.app} login password '{PASSWORD}' connection limit 7",
            f"grant {self.app} to {self.boss} with admin option",
            f"create schema {self.app} authorization {self.app}",
            f"alter role {self.app} set search_path = \"$user\", public, 'odd, name'",
            f"alter role {self.app} in database {self.database} set statement_timeout = '7s'",
            f"set role {self.app}",
            f"create table {self.app}.items (id int)",
        )

    def address(self, role: str, password: str) -> str:
        place = self.superuser.rpartition("@")[2].rpartition("/")[0]
        return f"postgresql://{role}:{password}@{place}/{self.database}?application_name=shop"

    @property
    def admin(self) -> str:
        return self.address(self.boss, "boss")

    @property
    def turn(self) -> Turn:
        return Turn(self.app, self.other, self.app)

    async def survey(self, turn: Turn | None = None) -> tuple[str, ...]:
        return (await self.logins.survey(self.admin, turn or Turn(self.app, self.other), self.app)).problems


@pytest.fixture
async def server(postgres_dsn: str) -> Server:
    one = Server(postgres_dsn)
    await one.furnish()
    return one


class TestGivenARoleWithItsPassword:
    async def test_when_the_other_is_prepared_then_both_log_in_and_may_the_same(self, server: Server) -> None:
        assert await server.survey() == ()

        await server.logins.prepare(server.admin, server.turn, NEXT)
        await server.logins.prepare(server.admin, server.turn, NEXT)

        address = server.address(server.other, NEXT)
        await server.logins.try_out(server.admin, address, server.turn)
        await server.run("insert into items values (1)", "create table more (id int)", user=server.other, password=NEXT)
        ((owner,),) = await server.run(
            f"select tableowner from pg_tables where tablename = 'more' and schemaname = '{server.app}'"
        )
        assert owner == server.app
        shown = "select current_setting('search_path'), current_setting('statement_timeout'), current_user"
        assert await server.run(shown, user=server.other, password=NEXT) == [
            ('"$user", public, "odd, name"', "7s", server.app)
        ]
        assert await server.run("discard all", "select current_user", user=server.other, password=NEXT) == [
            (server.app,)
        ]
        ((limit, verifier),) = await server.run(
            f"select rolconnlimit, rolpassword from pg_authid where rolname = '{server.other}'"
        )
        assert limit == 7
        assert verifier.startswith("SCRAM-SHA-256$")

    async def test_when_the_old_is_closed_then_only_the_new_logs_in_and_the_turn_comes_back(
        self, server: Server
    ) -> None:
        await server.logins.prepare(server.admin, server.turn, NEXT)

        await server.logins.close(server.admin, server.app)
        await server.logins.close(server.admin, server.app)

        assert not await server.logins.can_log_in(server.admin, server.app)
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            await server.run("select 1", user=server.app, password=PASSWORD)
        await server.run("insert into items values (1)", user=server.other, password=NEXT)
        back = await server.logins.survey(server.admin, Turn(server.other, server.app), server.app)
        assert back.problems == ()
        assert back.turn == Turn(server.other, server.app, server.app, exists=True)
        await server.logins.prepare(server.admin, back.turn, "third-0003")
        await server.logins.close(server.admin, server.other)
        assert await server.run("select session_user, current_user", user=server.app, password="third-0003") == [
            (server.app, server.app)
        ]

    async def test_when_reopened_then_the_old_password_is_good_again(self, server: Server) -> None:
        await server.logins.close(server.admin, server.app)

        await server.logins.reopen(server.admin, server.app, PASSWORD)

        await server.run("insert into items values (1)", user=server.app, password=PASSWORD)

    async def test_when_withdrawn_then_what_was_made_is_gone_and_what_was_there_is_closed(self, server: Server) -> None:
        await server.logins.prepare(server.admin, server.turn, NEXT)

        assert "is removed" in await server.logins.withdraw(server.admin, server.turn)
        assert "not there" in await server.logins.withdraw(server.admin, server.turn)

        assert await server.survey() == ()
        existing = Turn(server.app, server.other, server.app, exists=True)
        await server.logins.prepare(server.admin, existing, NEXT)
        assert "may not log in" in await server.logins.withdraw(server.admin, existing)
        assert not await server.logins.can_log_in(server.admin, server.other)

    async def test_when_somebody_is_logged_in_then_it_is_told_who_and_closing_ends_them(
        self, server: Server, postgres_dsn: str
    ) -> None:
        root = postgres_dsn
        async with await psycopg.AsyncConnection.connect(server.address(server.app, PASSWORD)) as connection:
            (seen,) = await server.logins.fetch_sessions(root, server.app)
            assert str(seen) == f"shop at 127.0.0.1 in {server.database}"

            await server.logins.close(root, server.app)

            with pytest.raises(psycopg.OperationalError):
                await connection.execute("select 1")
        assert await server.logins.fetch_sessions(root, server.app) == []

    async def test_when_the_server_logs_every_statement_then_no_password_is_in_it(
        self, server: Server, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        await server.run(f"alter role {server.boss} set log_statement = 'all'")

        await server.logins.prepare(server.admin, server.turn, NEXT)
        await server.logins.reopen(server.admin, server.app, PASSWORD)

        logged = "".join(path.read_text() for path in tmp_path_factory.getbasetemp().glob("postgres*/postgres.log"))
        assert f'alter role "{server.other}" login password' in logged
        assert NEXT not in logged
        assert PASSWORD not in logged.replace(f"password '{PASSWORD}'", "")


class TestGivenWhatSpeaksAgainstIt:
    async def test_when_the_other_may_log_in_already_then_it_is_said(self, server: Server) -> None:
        await server.run(
            f"create role {server.other} login", f"grant {server.other} to {server.boss} with admin option"
        )

        assert any("may log in already" in problem for problem in await server.survey())

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("revoke admin option for {app} from {boss}", "GRANT {app} TO {boss} WITH ADMIN OPTION"),
            ("alter role {boss} nocreaterole", "ALTER ROLE {boss} CREATEROLE"),
            ("alter role {app} superuser", "{app} is a superuser"),
            ("alter role {app} nologin", "{app} may not log in"),
        ],
    )
    async def test_when_something_lacks_then_it_is_said_with_the_way(
        self, server: Server, statement: str, words: str
    ) -> None:
        names = {"app": server.app, "boss": server.boss}
        await server.run(statement.format(**names))

        assert words.format(**names) in " ".join(await server.survey())

    async def test_when_another_owns_then_what_the_role_has_for_itself_is_said_until_it_is_moved(
        self, server: Server
    ) -> None:
        owner = f"{server.app}_owner"
        await server.run(
            f"create role {owner}",
            f"grant {owner} to {server.boss} with admin option",
            f"grant pg_read_all_stats to {server.app}",
            f"grant select on pg_proc to {server.app}",
        )
        turn = Turn(server.app, server.other, owner)

        found = " ".join(await server.survey(turn))

        assert f"GRANT {owner} TO {server.app}" in found
        assert f"REASSIGN OWNED BY {server.app} TO {owner}" in found
        assert "privileges or policies of its own" in found
        assert f"GRANT pg_read_all_stats TO {owner}" in found
        await server.run(
            f"grant {owner} to {server.app}",
            f"reassign owned by {server.app} to {owner}",
            f"revoke select on pg_proc from {server.app}",
            f"grant pg_read_all_stats to {owner}",
        )
        assert await server.survey(turn) == ()
        await server.logins.prepare(server.admin, turn, NEXT)
        assert await server.run("select current_user", user=server.other, password=NEXT) == [(owner,)]

    async def test_when_the_new_role_acts_as_somebody_else_then_trying_it_out_fails(self, server: Server) -> None:
        await server.logins.prepare(server.admin, server.turn, NEXT)
        await server.run(f"alter role {server.other} reset role")

        with pytest.raises(Rejected, match=f"not as {server.app}"):
            await server.logins.try_out(server.admin, server.address(server.other, NEXT), server.turn)
        with pytest.raises(Rejected, match="cannot log in") as refused:
            await server.logins.try_out(server.admin, server.address(server.other, "wrong-0001"), server.turn)
        assert "wrong-0001" not in str(refused.value)


class TestGivenAnAddress:
    @pytest.mark.parametrize(
        ("address", "role", "rewritten"),
        [
            ("postgres://app:pw@db:5432/shop", "app", "postgres://app_b:n%2Fw@db:5432/shop"),
            (
                "postgresql+asyncpg://app:p%40w@a,b:6432/shop?sslmode=require&x=1",
                "app",
                "postgresql+asyncpg://app_b:n%2Fw@a,b:6432/shop?sslmode=require&x=1",
            ),
            (
                "postgresql://app.ref:pw@aws-0-eu.pooler.supabase.com:6543/postgres",
                "app",
                "postgresql://app_b.ref:n%2Fw@aws-0-eu.pooler.supabase.com:6543/postgres",
            ),
            ("postgresql://a.b:pw@db/shop", "a.b", "postgresql://app_b:n%2Fw@db/shop"),
            ("host=db dbname=shop user=app password=pw", "app", "host=db dbname=shop user=app_b password=n/w"),
        ],
    )
    def test_when_rewritten_then_only_user_and_password_change(self, address: str, role: str, rewritten: str) -> None:
        logins = PostgresLogins()

        changed = logins.rewrite(address, "app_b", "n/w")

        assert logins.read(address).role == role
        assert sorted(changed.split()) == sorted(rewritten.split())
        assert logins.read(changed).role == "app_b"
        assert logins.password_of(changed) == "n/w"

    @pytest.mark.parametrize("address", ["", "secret-0001", "mysql://app:secret-0001@db/shop", "host=secret-0001"])
    def test_when_it_is_none_then_it_is_refused_without_being_quoted(self, address: str) -> None:
        with pytest.raises(UsageError) as refused:
            PostgresLogins().read(address)

        assert "secret-0001" not in str(refused.value)

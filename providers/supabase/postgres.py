"""The database's own settings: what Postgres and the pooler are told, read-only mode, and questions in SQL.

Postgres settings are replaced as a whole by the platform, so what is there is sent along with what changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers.ensuring import Setting, Standing, absent, done
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path, row_of, rows_of
from providers.supabase.values import UNSET, parse_value
from providers.traced import Traced
from providers.wire import moment, need_items, need_table, pick, text, whole

POOLER = (
    "identifier",
    "database_type",
    "pool_mode",
    "default_pool_size",
    "max_client_conn",
    "db_host",
    "db_port",
    "db_name",
)
NUMBERS = frozenset(
    {
        "max_connections",
        "max_locks_per_transaction",
        "max_parallel_maintenance_workers",
        "max_parallel_workers",
        "max_parallel_workers_per_gather",
        "max_replication_slots",
        "max_wal_senders",
        "max_worker_processes",
    }
)
FLAGS = frozenset({"track_commit_timestamp", "hot_standby_feedback"})


@dataclass(frozen=True)
class Sql:
    project: ProjectRef
    query: Annotated[str, "one statement that reads; names with their schema, as public.orders"]
    parameters: Annotated[tuple[str, ...], "values of $1, $2, …, as texts"] = ()


@dataclass(frozen=True)
class AllowWrites:
    project: ProjectRef


@dataclass(frozen=True)
class SetPooler:
    project: ProjectRef
    pool_mode: Annotated[str, "transaction or session; empty leaves it"] = ""
    default_pool_size: Annotated[int | None, "connections a user and database, 0 to 3000"] = None


@dataclass(frozen=True)
class SetPostgres:
    project: ProjectRef
    settings: Annotated[Mapping[str, str], "names and values, e.g. work_mem=8MB; `null` unsets one; others stay"]
    restart: Annotated[bool, "restart the database, where a setting needs that"] = False


class Postgres:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def query(self, request: Sql) -> Sequence[object]:
        """Rows as objects, as the user that may only read."""
        body: dict[str, object] = {"query": request.query}
        if request.parameters:
            body["parameters"] = list(request.parameters)
        path = project_path(request.project, "database/query/read-only")
        reply = await self._http.send("POST", path, json=body, repeatable=True)
        return self._http.decode(reply, need_items)

    async def fetch_read_only(self, request: OfProject) -> Row:
        path = project_path(request.project, "readonly")
        return await self._http.fetch(path, row_of("enabled", "override_enabled", "override_active_until"))

    async def fetch_pooler(self, request: OfProject) -> Sequence[Row]:
        return await self._http.fetch(_pooler(request.project), rows_of(*POOLER))

    async def fetch_settings(self, request: OfProject) -> Row:
        """What was set for this project; what is missing has the platform's default."""
        return await self._http.fetch(_settings(request.project), need_table)

    def allowing_writes(self) -> Traced[AllowWrites]:
        async def look(request: AllowWrites, since: datetime) -> Standing:
            told = await self._http.fetch(project_path(request.project, "readonly"), need_table)
            until = moment(told, "override_active_until")
            if until is None or until < since:
                return absent("writes are not allowed yet")
            return done(f"writes allowed until {text(told, 'override_active_until')}")

        async def write(request: AllowWrites) -> None:
            await self._http.send("POST", project_path(request.project, "readonly/temporary-disable"))

        return Traced(self._http, AllowWrites, look, write)

    def setting_pooler(self) -> Setting[SetPooler]:
        async def holds(request: SetPooler) -> bool:
            poolers = await self._http.fetch(_pooler(request.project), need_items)
            primary = next((one for one in poolers if text(one, "database_type") == "PRIMARY"), None)
            fits = request.pool_mode in ("", text(primary, "pool_mode"))
            return fits and request.default_pool_size in (None, whole(primary, "default_pool_size"))

        async def write(request: SetPooler) -> None:
            await self._http.send("PATCH", _pooler(request.project), json=_pooler_body(request))

        def say(request: SetPooler) -> str:
            return ", ".join(f"{name} {value}" for name, value in _pooler_body(request).items())

        return Setting(SetPooler, holds=holds, write=write, say=say)

    def setting_postgres(self) -> Setting[SetPostgres]:
        async def holds(request: SetPostgres) -> bool:
            now = await self.fetch_settings(OfProject(request.project))
            return all(pick(now, name) == value for name, value in _typed(request.settings).items())

        async def write(request: SetPostgres) -> None:
            now = await self.fetch_settings(OfProject(request.project))
            told = {**now, **_typed(request.settings)}
            body = {name: value for name, value in told.items() if value is not None}
            body["restart_database"] = request.restart
            await self._http.send("PUT", _settings(request.project), json=body)

        def say(request: SetPostgres) -> str:
            return ", ".join(f"{name} = {value}" for name, value in request.settings.items())

        return Setting(SetPostgres, holds=holds, write=write, say=say)


def _pooler(ref: str) -> str:
    return project_path(ref, "config/database/pooler")


def _settings(ref: str) -> str:
    return project_path(ref, "config/database/postgres")


def _pooler_body(request: SetPooler) -> dict[str, object]:
    told = {"pool_mode": request.pool_mode or None, "default_pool_size": request.default_pool_size}
    return {name: value for name, value in told.items() if value is not None}


def _typed(settings: Mapping[str, str]) -> dict[str, object]:
    kinds = {name: int if name in NUMBERS else bool if name in FLAGS else str for name in settings}
    return {name: None if text == UNSET else parse_value(text, kinds[name]) for name, text in settings.items()}

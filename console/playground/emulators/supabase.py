"""Supabase's Management API over a real PostgreSQL, and below the project's own address Storage and metrics.

The real platform has one host a project (`https://{ref}.supabase.co`); here that is the path prefix `/{ref}`. Without
a prefix `/storage/v1` and `/customer/v1` belong to the first project. The migrations family is for partner OAuth
apps only, as documented, so it answers 403 here as it does to a personal token.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from console.playground.emulators import supabase_readings as readings
from console.playground.emulators.clock import Clock, iso
from console.playground.emulators.emulator import Emulator, Tally
from console.playground.emulators.limits import Budget, Windows
from console.playground.emulators.storage import Storage
from console.playground.emulators.supabase_database import LOGIN_ROLE_TTL_S, Database
from console.playground.emulators.wire import Handler, Refusal, as_json, empty, many, read_json, read_object
from console.playground.scene import DATABASES, PlatformDatabase, dsn_for

Json = dict[str, Any]
ORGANIZATION = "harbour-shop"
REGION = "eu-central-1"
PER_USER = Budget(120, 60)
HEALTH = ("auth", "db", "db_postgres_user", "pooler", "realtime", "rest", "storage", "pg_bouncer")
PARTNERS_ONLY = "This endpoint is only available to selected partner OAuth apps"
METRICS_PATH = "/customer/v1/privileged/metrics"


@dataclass
class Project:
    """One project: its database, its store of files, its secrets and restore points."""

    cast: PlatformDatabase
    database: Database
    storage: Storage
    secrets: dict[str, tuple[str, float]] = field(default_factory=dict)
    restore_points: dict[str, float] = field(default_factory=dict)


class Supabase(Emulator):
    """The emulated Supabase.

    Its changes are those of the API. Migrations are counted by the database itself (`seed.count_changes`), because
    they may come by SQL as well, past this control plane.

    Args:
        token: The personal access token of the Management API.
        key: The service role's secret key, for Storage and the metrics page.
    """

    def __init__(
        self, postgres_dsn: str, founded: float, token: str, key: str, clock: Clock, limit_scale: float = 1.0
    ) -> None:
        self._clock = clock
        self._founded = founded
        self._token = token
        self._key = key
        self._windows = Windows(clock, limit_scale)
        self._changes = Tally()
        self.projects = {
            cast.ref: Project(cast, Database(dsn_for(postgres_dsn, cast.database)), Storage(key, clock, self._changes))
            for cast in DATABASES
        }
        super().__init__("supabase", self._build(), self._changes)

    def _build(self) -> Starlette:
        project, data = "/v1/projects/{ref}", "/v1/projects/{ref}/database"
        first = next(iter(self.projects.values()))
        return Starlette(
            routes=[
                self._route("GET", "/v1/organizations", self._organizations),
                self._route("GET", "/v1/projects", self._list_projects),
                self._route("GET", project, self._get_project),
                self._route("GET", f"{project}/health", self._health),
                self._route("POST", f"{data}/query", self._query),
                self._route("POST", f"{data}/query/read-only", self._query_read_only),
                *(
                    self._route(method, f"{data}/migrations{rest}", self._partners_only)
                    for method, rest in (
                        ("GET", ""),
                        ("POST", ""),
                        ("PUT", ""),
                        ("DELETE", ""),
                        ("GET", "/{version}"),
                        ("PATCH", "/{version}"),
                    )
                ),
                self._route("GET", f"{data}/backups", self._backups),
                self._route("POST", f"{data}/backups/restore-point", self._make_restore_point),
                self._route("GET", f"{data}/backups/restore-point", self._get_restore_point),
                self._route("POST", f"{data}/backups/undo", self._undo),
                self._route("GET", f"{project}/readonly", self._readonly),
                self._route("GET", f"{project}/secrets", self._list_secrets),
                self._route("POST", f"{project}/secrets", self._set_secrets),
                self._route("DELETE", f"{project}/secrets", self._delete_secrets),
                self._route("GET", f"{project}/api-keys", self._api_keys),
                self._route("GET", f"{project}/branches", self._nothing),
                self._route("GET", f"{project}/functions", self._nothing),
                self._route("GET", f"{project}/advisors/security", self._security),
                self._route("GET", f"{project}/advisors/performance", self._performance),
                self._route("GET", f"{project}/analytics/endpoints/logs.all", self._logs),
                self._route("GET", f"{project}/config/database/pooler", self._pooler),
                self._route("GET", f"{project}/config/database/postgres", self._settings),
                self._route("POST", f"{project}/cli/login-role", self._login_role),
                Route(METRICS_PATH, self._metrics, methods=["GET"]),
                Route(f"/{{ref}}{METRICS_PATH}", self._metrics, methods=["GET"]),
                Mount("/storage/v1", app=first.storage.app),
                *(Mount(f"/{ref}/storage/v1", app=one.storage.app) for ref, one in self.projects.items()),
                self._route("GET", "/{rest:path}", self._unknown),
            ]
        )

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def answer(request: Request) -> Response:
            spent = self._windows.spend("management", PER_USER)
            try:
                if request.headers.get("authorization") != f"Bearer {self._token}":
                    raise Refusal(401, "Unauthorized")
                if not spent.allowed:
                    raise Refusal(429, "ThrottlerException: Too Many Requests")
                response = await handler(request)
            except Refusal as refusal:
                response = as_json({"message": refusal.message}, refusal.status)
            response.headers["x-ratelimit-limit"] = str(spent.limit)
            response.headers["x-ratelimit-remaining"] = str(spent.remaining)
            response.headers["x-ratelimit-reset"] = str(spent.seconds_left(self._clock.now()))
            response.headers["x-request-id"] = secrets.token_hex(8)
            return response

        return Route(path, answer, methods=[method])

    def _project(self, request: Request) -> Project:
        found = self.projects.get(request.path_params.get("ref", next(iter(self.projects))))
        if found is None:
            raise Refusal(403, "Forbidden resource")
        return found

    async def _unknown(self, request: Request) -> Response:
        raise Refusal(404, f"Cannot {request.method} {request.url.path}")

    async def _organizations(self, _: Request) -> Response:
        return as_json([{"id": ORGANIZATION, "slug": ORGANIZATION, "name": "Harbour Shop"}])

    async def _told(self, project: Project) -> Json:
        rows = await project.database.ask("select current_setting('server_version') as version")
        version = rows[0]["version"].split()[0] if rows else "unknown"
        return {
            "id": project.cast.ref,
            "ref": project.cast.ref,
            "organization_id": ORGANIZATION,
            "organization_slug": ORGANIZATION,
            "name": project.cast.name,
            "region": REGION,
            "created_at": iso(self._founded),
            "status": "ACTIVE_HEALTHY" if rows else "ACTIVE_UNHEALTHY",
            "database": {
                "host": f"db.{project.cast.ref}.supabase.co",
                "version": version,
                "postgres_engine": version.partition(".")[0],
                "release_channel": "ga",
            },
        }

    async def _list_projects(self, _: Request) -> Response:
        return as_json([await self._told(project) for project in self.projects.values()])

    async def _get_project(self, request: Request) -> Response:
        return as_json(await self._told(self._project(request)))

    async def _health(self, request: Request) -> Response:
        project, wanted = self._project(request), many(request, "services")
        if not wanted or not set(wanted) <= set(HEALTH):
            raise Refusal(400, f"services: each value must be one of {', '.join(HEALTH)}")
        answers = bool(await project.database.ask("select 1 as one"))
        told = []
        for name in wanted:
            healthy = answers or name in ("auth", "realtime", "storage")
            one: Json = {"name": name, "healthy": healthy, "status": "ACTIVE_HEALTHY" if healthy else "UNHEALTHY"}
            told.append(one if healthy else {**one, "error": "connection refused"})
        return as_json(told)

    async def _query(self, request: Request) -> Response:
        project, wish = self._project(request), await self._sql(request)
        rows = await project.database.run(wish["query"], wish.get("parameters"), bool(wish.get("read_only")))
        return as_json(rows, 201)

    async def _query_read_only(self, request: Request) -> Response:
        project, wish = self._project(request), await self._sql(request)
        return as_json(await project.database.run(wish["query"], wish.get("parameters"), read_only=True), 201)

    async def _sql(self, request: Request) -> Json:
        wish = await read_object(request)
        if not isinstance(wish.get("query"), str) or not wish["query"].strip():
            raise Refusal(400, "query: Required")
        return wish

    async def _partners_only(self, request: Request) -> Response:
        self._project(request)
        raise Refusal(403, PARTNERS_ONLY)

    async def _backups(self, request: Request) -> Response:
        self._project(request)
        day = int(self._clock.now() // 86_400) * 86_400
        kept = [
            {
                "id": int(at // 86_400),
                "is_physical_backup": True,
                "status": "COMPLETED",
                "inserted_at": iso(at),
            }
            for at in (day, day - 86_400, day - 172_800)
        ]
        reach = {
            "earliest_physical_backup_date_unix": day - 172_800,
            "latest_physical_backup_date_unix": day,
        }
        told = {"region": REGION, "walg_enabled": True, "pitr_enabled": False, "backups": kept}
        return as_json({**told, "physical_backup_data": reach})

    async def _make_restore_point(self, request: Request) -> Response:
        project, wish = self._project(request), await read_object(request)
        name = wish.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= 20:
            raise Refusal(400, "name: must be a text of at most 20 characters")
        if name not in project.restore_points:
            project.restore_points[name] = self._clock.now()
            self._changes.add("restore_point")
        return as_json(self._restore_point(project, name), 201)

    async def _get_restore_point(self, request: Request) -> Response:
        project = self._project(request)
        name = request.query_params.get("name") or next(reversed(project.restore_points), "")
        if name not in project.restore_points:
            raise Refusal(403, "Restore point not found")
        return as_json(self._restore_point(project, name))

    def _restore_point(self, project: Project, name: str) -> Json:
        return {"name": name, "status": "AVAILABLE", "completed_on": iso(project.restore_points[name])}

    async def _undo(self, request: Request) -> Response:
        self._project(request)
        raise Refusal(403, "Undo is not available for this project: it needs Point in Time Recovery")

    async def _readonly(self, request: Request) -> Response:
        project = self._project(request)
        rows = await project.database.ask("select current_setting('default_transaction_read_only') as is_on")
        on = await project.database.ask(
            "select 1 from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase "
            "where d.datname = current_database() and 'default_transaction_read_only=on' = any(s.setconfig)"
        )
        enabled = bool(rows) and bool(on)
        return as_json({"enabled": enabled, "override_enabled": False, "override_active_until": iso(self._founded)})

    async def _list_secrets(self, request: Request) -> Response:
        project = self._project(request)
        told = [
            {"name": name, "value": readings.digest(value), "updated_at": iso(at)}
            for name, (value, at) in sorted(project.secrets.items())
        ]
        return as_json(told)

    async def _set_secrets(self, request: Request) -> Response:
        project, wish = self._project(request), await read_json(request)
        if not isinstance(wish, list) or not all(isinstance(one, dict) and one.get("name") for one in wish):
            raise Refusal(400, "a list of secrets with a name and a value each is required")
        if any(str(one["name"]).startswith("SUPABASE_") for one in wish):
            raise Refusal(400, "name: Secret name must not start with the SUPABASE_ prefix")
        for one in wish:
            value = str(one.get("value", ""))
            if project.secrets.get(one["name"], (None,))[0] != value:
                project.secrets[one["name"]] = (value, self._clock.now())
                self._changes.add("secret")
        return empty(201)

    async def _delete_secrets(self, request: Request) -> Response:
        project, names = self._project(request), await read_json(request)
        if not isinstance(names, list):
            raise Refusal(400, "a list of names is required")
        for name in names:
            if project.secrets.pop(str(name), None) is not None:
                self._changes.add("secret")
        return empty(200)

    async def _api_keys(self, request: Request) -> Response:
        self._project(request)
        reveal = request.query_params.get("reveal") == "true"
        told: Json = {
            "id": "0b7e2a4c-5d1f-4e8a-9c3b-6f2d8e1a7c40",
            "type": "secret",
            "name": "default",
            "prefix": self._key[:6],
            "description": None,
            "hash": readings.digest(self._key),
            "secret_jwt_template": {"role": "service_role"},
            "inserted_at": iso(self._founded),
            "updated_at": iso(self._founded),
            "api_key": self._key if reveal else f"{self._key[:6]}······",
        }
        return as_json([told])

    async def _nothing(self, request: Request) -> Response:
        self._project(request)
        return as_json([])

    async def _security(self, request: Request) -> Response:
        return as_json({"lints": await readings.advice(self._project(request).database, security=True)})

    async def _performance(self, request: Request) -> Response:
        return as_json({"lints": await readings.advice(self._project(request).database, security=False)})

    async def _logs(self, request: Request) -> Response:
        self._project(request)
        return as_json({"result": []})

    async def _pooler(self, request: Request) -> Response:
        ref = self._project(request).cast.ref
        host, port, pool = f"aws-0-{REGION}.pooler.supabase.com", 6543, "postgres"
        address = f"postgres://postgres.{ref}:[YOUR-PASSWORD]@{host}:{port}/{pool}"
        return as_json(
            [
                {
                    "identifier": ref,
                    "database_type": "PRIMARY",
                    "is_using_scram_auth": True,
                    "db_user": f"postgres.{ref}",
                    "db_host": host,
                    "db_port": port,
                    "db_name": pool,
                    "connection_string": address,
                    "connectionString": address,
                    "default_pool_size": 15,
                    "max_client_conn": 200,
                    "pool_mode": "transaction",
                }
            ]
        )

    async def _settings(self, request: Request) -> Response:
        return as_json(await readings.settings(self._project(request).database))

    async def _login_role(self, request: Request) -> Response:
        project, wish = self._project(request), await read_object(request)
        if not isinstance(wish.get("read_only"), bool):
            raise Refusal(400, "read_only: Required")
        role, password = f"cli_login_{secrets.token_hex(4)}", secrets.token_urlsafe(24)
        await project.database.make_login_role(role, password, wish["read_only"])
        return as_json({"role": role, "password": password, "ttl_seconds": LOGIN_ROLE_TTL_S}, 201)

    async def _metrics(self, request: Request) -> Response:
        scheme, _, coded = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(coded).decode() if scheme.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        project = self.projects.get(request.path_params.get("ref", next(iter(self.projects))))
        if given != f"service_role:{self._key}" or project is None:
            return Response(
                json.dumps({"message": "Unauthorized"}),
                401,
                {"www-authenticate": 'Basic realm="metrics"', "content-type": "application/json"},
            )
        page = await readings.metrics_page(project.database, project.cast.ref)
        return PlainTextResponse(page, headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"})

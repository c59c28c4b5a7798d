"""Supabase's Management API over a real PostgreSQL, and below the project's own address Storage and metrics.

The real platform has one host a project (`https://{ref}.supabase.co`); here that is the path prefix `/{ref}`. Without
a prefix `/storage/v1` and `/customer/v1` belong to the first project. The migrations family is for partner OAuth
apps only, as documented, so it answers 403 here as it does to a personal token.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.playground.emulators import supabase_readings as readings
from console.playground.emulators.clock import Clock, iso, parse_iso
from console.playground.emulators.emulator import Emulator, Tally
from console.playground.emulators.limits import Budget, Windows
from console.playground.emulators.storage import Storage
from console.playground.emulators.supabase_auth import AuthSettings
from console.playground.emulators.supabase_backups import Backups
from console.playground.emulators.supabase_branches import Branches
from console.playground.emulators.supabase_database import LOGIN_ROLE_TTL_S, Database
from console.playground.emulators.supabase_doors import Door, Doors
from console.playground.emulators.supabase_functions import Functions
from console.playground.emulators.supabase_hostname import Hostnames
from console.playground.emulators.supabase_keys import Keys
from console.playground.emulators.supabase_projects import ENGINES, Projects
from console.playground.emulators.supabase_settings import Settings
from console.playground.emulators.supabase_state import HEALTHY, REGION, ApiKey, Course, Json, Project
from console.playground.emulators.wire import STRUCK, Refusal, as_json, empty, many, read_object, turn_back_struck
from console.playground.scene import DATABASES, PlatformDatabase, dsn_for

ORGANIZATION = "harbour-shop"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
PER_USER = Budget(120, 60)
LONGEST_LOGS = 86_400
HEALTH = ("auth", "db", "db_postgres_user", "pooler", "realtime", "rest", "storage", "pg_bouncer")
PARTNERS_ONLY = "This endpoint is only available to selected partner OAuth apps"
METRICS_PATH = "/customer/v1/privileged/metrics"
STORAGE_PATH = "/storage/v1"
DEFAULT_KEY_ID = "0b7e2a4c-5d1f-4e8a-9c3b-6f2d8e1a7c40"


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
        self.clock = clock
        self.tally = Tally()
        self._founded = founded
        self._token = token
        self._windows = Windows(clock, limit_scale)
        self.projects = {cast.ref: self._make(cast, dsn_for(postgres_dsn, cast.database), key) for cast in DATABASES}
        self.branches, self.hostnames = Branches(self), Hostnames(self)
        self._doors = Doors(self._build())
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=METHODS)])
        super().__init__("supabase", app, self.tally, self._windows)

    def _make(self, cast: PlatformDatabase, dsn: str, key: str) -> Project:
        storage = Storage(key, self.clock, self.tally)
        project = Project(
            cast, Database(dsn), storage, self._founded, Course(self._founded, HEALTHY), engine=ENGINES[0]
        )
        project.api_keys[DEFAULT_KEY_ID] = ApiKey(DEFAULT_KEY_ID, "secret", "default", key, self._founded)
        return project

    def all_projects(self) -> Iterator[Project]:
        return iter(self.projects.values())

    def _build(self) -> list[Door]:
        project, data = "/v1/projects/{ref}", "/v1/projects/{ref}/database"
        families = (
            self.branches,
            self.hostnames,
            Projects(self),
            Backups(self),
            Settings(self),
            AuthSettings(self),
            Keys(self),
            Functions(self),
        )
        return [
            Door("GET", "/v1/organizations", self._organizations),
            Door("GET", "/v1/projects", self._list_projects),
            Door("GET", project, self._get_project),
            Door("GET", f"{project}/health", self._health),
            Door("POST", f"{data}/query", self._query),
            Door("POST", f"{data}/query/read-only", self._query_read_only),
            *(
                Door(method, f"{data}/migrations{rest}", self._partners_only)
                for method, rest in (
                    ("GET", ""),
                    ("POST", ""),
                    ("PUT", ""),
                    ("DELETE", ""),
                    ("GET", "/{version}"),
                    ("PATCH", "/{version}"),
                )
            ),
            Door("GET", f"{project}/advisors/security", self._security),
            Door("GET", f"{project}/advisors/performance", self._performance),
            Door("GET", f"{project}/analytics/endpoints/logs.all", self._logs),
            Door("GET", f"{project}/analytics/endpoints/usage.api-counts", self._usage),
            Door("POST", f"{project}/cli/login-role", self._login_role),
            *(one for family in families for one in family.doors()),
            Door("GET", METRICS_PATH, self._metrics, needs_key=False),
            Door("GET", f"/{{ref}}{METRICS_PATH}", self._metrics, needs_key=False),
            *(Door(method, "/{rest:path}", self._unknown) for method in METHODS),
        ]

    async def _answer(self, request: Request) -> Response:
        path, is_struck = request.scope["path"], STRUCK in request.scope
        for prefix, project in (("", next(self.all_projects())), *((f"/{p.ref}", p) for p in self.all_projects())):
            if path.startswith(f"{prefix}{STORAGE_PATH}/"):
                rest = path.removeprefix(f"{prefix}{STORAGE_PATH}")
                return empty(503) if is_struck else await project.storage.answer(request, rest)
        door = self._doors.find(request, path)
        if door is None:
            return as_json({"message": "Method Not Allowed"}, 405)
        if not door.needs_key:
            return empty(503) if is_struck else await door.answer(request)
        return await self._admit(request, door)

    async def _admit(self, request: Request, door: Door) -> Response:
        """Let a door answer, within the limit and for the token only."""
        spent = self._windows.spend("management", PER_USER)
        try:
            if request.headers.get("authorization") != f"Bearer {self._token}":
                raise Refusal(401, "Unauthorized")
            if not spent.allowed:
                raise Refusal(429, "ThrottlerException: Too Many Requests")
            turn_back_struck(request)
            response = await door.answer(request)
        except Refusal as refusal:
            response = as_json({"message": refusal.message}, refusal.status)
        response.headers["x-ratelimit-limit"] = str(spent.limit)
        response.headers["x-ratelimit-remaining"] = str(spent.remaining)
        response.headers["x-ratelimit-reset"] = str(spent.seconds_left(self.clock.now()))
        response.headers["x-request-id"] = secrets.token_hex(8)
        return response

    def project(self, request: Request) -> Project:
        """The project that a path names, the first one where it names none.

        Raises:
            Refusal: 403, there is no such project.
        """
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
        status = project.course.at(self.clock.now())
        return {
            "id": project.ref,
            "ref": project.ref,
            "organization_id": ORGANIZATION,
            "organization_slug": ORGANIZATION,
            "name": project.cast.name,
            "region": REGION,
            "created_at": iso(self._founded),
            "status": "ACTIVE_UNHEALTHY" if status == HEALTHY and not rows else status,
            "database": {
                "host": f"db.{project.ref}.supabase.co",
                "version": version,
                "postgres_engine": version.partition(".")[0],
                "release_channel": "ga",
            },
        }

    async def _list_projects(self, _: Request) -> Response:
        return as_json([await self._told(project) for project in self.projects.values()])

    async def _get_project(self, request: Request) -> Response:
        return as_json(await self._told(self.project(request)))

    async def _health(self, request: Request) -> Response:
        project, wanted = self.project(request), many(request, "services")
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
        return await self._run(request, read_only=False)

    async def _query_read_only(self, request: Request) -> Response:
        return await self._run(request, read_only=True)

    async def _run(self, request: Request, read_only: bool) -> Response:
        project, wish, now = self.project(request), await read_object(request), self.clock.now()
        query = wish.get("query")
        if not isinstance(query, str) or not query.strip():
            raise Refusal(400, "query: Required")
        if project.course.at(now) == "INACTIVE":
            raise Refusal(400, "Project is paused")
        if project.restarted_at:
            # The projects share one server, which is not restarted with one of them.
            query = query.replace("pg_postmaster_start_time()", f"'{iso(project.restarted_at)}'::timestamptz")
        read_only = read_only or bool(wish.get("read_only"))
        return as_json(await project.database.run(query, wish.get("parameters"), read_only), 201)

    async def _partners_only(self, request: Request) -> Response:
        self.project(request)
        raise Refusal(403, PARTNERS_ONLY)

    async def _security(self, request: Request) -> Response:
        return as_json({"lints": await readings.advice(self.project(request).database, security=True)})

    async def _performance(self, request: Request) -> Response:
        return as_json({"lints": await readings.advice(self.project(request).database, security=False)})

    async def _logs(self, request: Request) -> Response:
        """No lines are kept; what cannot be asked is refused in a good answer, as the platform does."""
        self.project(request)
        query = request.query_params
        if query.get("sql") and " from " not in f" {query['sql'].lower()} ":
            return as_json({"result": [], "error": "Syntax error: Expected FROM"})
        try:
            start, end = (parse_iso(query[f"iso_timestamp_{name}"]) for name in ("start", "end"))
        except (KeyError, ValueError):
            return as_json({"result": []})
        if end - start > LONGEST_LOGS:
            return as_json({"result": [], "error": "The range must not be longer than 24 hours"})
        return as_json({"result": []})

    async def _usage(self, request: Request) -> Response:
        self.project(request)
        counts = ("total_auth_requests", "total_realtime_requests", "total_rest_requests", "total_storage_requests")
        return as_json({"result": [{"timestamp": iso(self.clock.now()), **dict.fromkeys(counts, 0)}]})

    async def _login_role(self, request: Request) -> Response:
        project, wish = self.project(request), await read_object(request)
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
        user, _, key = given.partition(":")
        if project is None or user != "service_role" or key not in project.storage.keys:
            return Response(
                json.dumps({"message": "Unauthorized"}),
                401,
                {"www-authenticate": 'Basic realm="metrics"', "content-type": "application/json"},
            )
        page = await readings.metrics_page(project.database, project.ref)
        return PlainTextResponse(page, headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"})

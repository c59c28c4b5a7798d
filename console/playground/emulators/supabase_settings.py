"""Settings of a project's database and network: Postgres, pooler, read-only mode, addresses, encryption, secrets."""

from ipaddress import ip_network
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators import supabase_readings as readings
from console.playground.emulators.clock import iso
from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.supabase_state import REGION, Course, Json, Platform, Project, words
from console.playground.emulators.wire import Refusal, as_json, empty, read_json, read_object

WRITES_FOR = 900.0
SECRETS_MOST = 24_576
_NUMBERS = words(
    "max_connections max_locks_per_transaction max_parallel_maintenance_workers max_parallel_workers "
    "max_parallel_workers_per_gather max_replication_slots max_wal_senders max_worker_processes"
)
_FLAGS = ("track_commit_timestamp", "hot_standby_feedback", "restart_database")
_TEXTS = words(
    "effective_cache_size logical_decoding_work_mem maintenance_work_mem track_activity_query_size "
    "max_slot_wal_keep_size max_standby_archive_delay max_standby_streaming_delay max_wal_size "
    "session_replication_role shared_buffers statement_timeout wal_keep_size wal_sender_timeout work_mem "
    "checkpoint_timeout"
)


class Settings:
    """Answers below `/config/database`, `/readonly`, `/network-…`, `/ssl-enforcement` and `/secrets`."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def doors(self) -> list[Door]:
        project = "/v1/projects/{ref}"
        return [
            Door("GET", f"{project}/config/database/pooler", self._get_pooler),
            Door("PATCH", f"{project}/config/database/pooler", self._set_pooler),
            Door("GET", f"{project}/config/database/postgres", self._get_postgres),
            Door("PUT", f"{project}/config/database/postgres", self._set_postgres),
            Door("GET", f"{project}/readonly", self._readonly),
            Door("POST", f"{project}/readonly/temporary-disable", self._allow_writes),
            Door("GET", f"{project}/network-restrictions", self._get_allowed),
            Door("POST", f"{project}/network-restrictions/apply", self._set_allowed),
            Door("POST", f"{project}/network-bans/retrieve", self._get_bans),
            Door("DELETE", f"{project}/network-bans", self._lift_bans),
            Door("GET", f"{project}/ssl-enforcement", self._get_ssl),
            Door("PUT", f"{project}/ssl-enforcement", self._set_ssl),
            Door("GET", f"{project}/secrets", self._list_secrets),
            Door("POST", f"{project}/secrets", self._set_secrets),
            Door("DELETE", f"{project}/secrets", self._delete_secrets),
        ]

    async def _get_pooler(self, request: Request) -> Response:
        project = self._platform.project(request)
        host, port, pool = f"aws-0-{REGION}.pooler.supabase.com", 6543, "postgres"
        address = f"postgres://postgres.{project.ref}:[YOUR-PASSWORD]@{host}:{port}/{pool}"
        told = {
            "identifier": project.ref,
            "database_type": "PRIMARY",
            "is_using_scram_auth": True,
            "db_user": f"postgres.{project.ref}",
            "db_host": host,
            "db_port": port,
            "db_name": pool,
            "connection_string": address,
            "connectionString": address,
            "max_client_conn": 200,
        }
        return as_json([{**told, **project.pooler}])

    async def _set_pooler(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        size, mode = wish.get("default_pool_size"), wish.get("pool_mode")
        if size is not None and not (isinstance(size, int) and 0 <= size <= 3000):
            raise Refusal(400, "default_pool_size: must be between 0 and 3000")
        if mode not in (None, "transaction", "session"):
            raise Refusal(400, "pool_mode: must be transaction or session")
        self._change(project.pooler, {name: value for name, value in wish.items() if value is not None}, "pooler")
        return as_json(project.pooler)

    async def _get_postgres(self, request: Request) -> Response:
        """What was set for this project; what is missing has the platform's default."""
        return as_json(self._platform.project(request).postgres)

    async def _set_postgres(self, request: Request) -> Response:
        """What is not named loses its value, as PUT says."""
        project, wish = self._platform.project(request), await read_object(request)
        for name, value in wish.items():
            kind = int if name in _NUMBERS else bool if name in _FLAGS else str if name in _TEXTS else None
            if kind is None or not isinstance(value, kind):
                raise Refusal(400, f"{name}: {'Unrecognized key' if kind is None else f'Expected {kind.__name__}'}")
        restart = wish.pop("restart_database", True)
        if wish != project.postgres:
            project.postgres = wish
            self._platform.tally.add("postgres_settings")
            if restart:
                project.restart(self._platform.clock.now(), "RESTARTING", 8)
        return as_json(project.postgres)

    async def _readonly(self, request: Request) -> Response:
        project, now = self._platform.project(request), self._platform.clock.now()
        on = await project.database.ask(
            "select 1 from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase "
            "where d.datname = current_database() and 'default_transaction_read_only=on' = any(s.setconfig)"
        )
        lifted = project.writes_until > now
        told = {"enabled": bool(on), "override_enabled": lifted, "override_active_until": iso(project.writes_until)}
        return as_json(told)

    async def _allow_writes(self, request: Request) -> Response:
        project = self._platform.project(request)
        project.writes_until = self._platform.clock.now() + WRITES_FOR
        self._platform.tally.add("readonly")
        return empty(201)

    async def _get_allowed(self, request: Request) -> Response:
        return as_json(self._allowed(self._platform.project(request)))

    def _allowed(self, project: Project) -> Json:
        course = project.allowed_course
        told: Json = {"entitlement": "allowed", "config": project.allowed}
        if course is None:
            return {**told, "status": "applied"}
        status = course.at(self._platform.clock.now())
        told |= {"status": status, "updated_at": iso(course.began)}
        return told if status == "stored" else {**told, "applied_at": iso(course.ends)}

    async def _set_allowed(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        for name, version in (("dbAllowedCidrs", 4), ("dbAllowedCidrsV6", 6)):
            for text in wish.get(name, []):
                if _version(text) != version:
                    raise Refusal(400, f"{name}: {text!r} is no IPv{version} range")
        kept = {name: list(wish.get(name, [])) for name in ("dbAllowedCidrs", "dbAllowedCidrsV6")}
        if kept != project.allowed:
            project.allowed = kept
            project.allowed_course = Course(self._platform.clock.now(), ("stored", 3), "applied")
            self._platform.tally.add("network_restrictions")
        return as_json(self._allowed(project), 201)

    async def _get_bans(self, request: Request) -> Response:
        return as_json({"banned_ipv4_addresses": self._platform.project(request).banned}, 201)

    async def _lift_bans(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        addresses = wish.get("ipv4_addresses")
        if not isinstance(addresses, list):
            raise Refusal(400, "ipv4_addresses: Required")
        for address in set(addresses) & set(project.banned):
            project.banned.remove(address)
            self._platform.tally.add("ban")
        return empty(200)

    async def _get_ssl(self, request: Request) -> Response:
        return as_json(_ssl(self._platform.project(request)))

    async def _set_ssl(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        wanted = (wish.get("requestedConfig") or {}).get("database")
        if not isinstance(wanted, bool):
            raise Refusal(400, "requestedConfig.database: Required")
        if wanted != project.requires_ssl:
            project.requires_ssl = wanted
            self._platform.tally.add("ssl_enforcement")
        return as_json(_ssl(project))

    async def _list_secrets(self, request: Request) -> Response:
        project = self._platform.project(request)
        told = [
            {"name": name, "value": readings.digest(value), "updated_at": iso(at)}
            for name, (value, at) in sorted(project.secrets.items())
        ]
        return as_json(told)

    async def _set_secrets(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_json(request)
        if not isinstance(wish, list) or not all(isinstance(one, dict) and one.get("name") for one in wish):
            raise Refusal(400, "a list of secrets with a name and a value each is required")
        if any(str(one["name"]).startswith("SUPABASE_") for one in wish):
            raise Refusal(400, "name: Secret name must not start with the SUPABASE_ prefix")
        if any(len(str(one.get("value", ""))) > SECRETS_MOST for one in wish):
            raise Refusal(400, f"value: must be at most {SECRETS_MOST} characters")
        for one in wish:
            value = str(one.get("value", ""))
            if project.secrets.get(one["name"], (None,))[0] != value:
                project.secrets[one["name"]] = (value, self._platform.clock.now())
                self._platform.tally.add("secret")
        return empty(201)

    async def _delete_secrets(self, request: Request) -> Response:
        project, names = self._platform.project(request), await read_json(request)
        if not isinstance(names, list):
            raise Refusal(400, "a list of names is required")
        for name in names:
            if project.secrets.pop(str(name), None) is not None:
                self._platform.tally.add("secret")
        return empty(200)

    def _change(self, kept: Json, wish: Json, kind: str) -> None:
        if any(kept.get(name) != value for name, value in wish.items()):
            kept.update(wish)
            self._platform.tally.add(kind)


def _ssl(project: Project) -> Json:
    return {"currentConfig": {"database": project.requires_ssl}, "appliedSuccessfully": True}


def _version(text: Any) -> int:
    try:
        return ip_network(str(text), strict=False).version
    except ValueError:
        return 0

"""Postgres and Key Value, which have no process here: listed, suspended, resumed, backed up."""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import iso, parse_iso
from console.playground.emulators.ids import render_id
from console.playground.emulators.render_app import Frontdoor
from console.playground.emulators.render_estate import OWNER, Estate, page
from console.playground.emulators.render_state import ENVIRONMENT_IDS, Json
from console.playground.emulators.wire import Refusal, as_json, empty, many, read_object

POSTGRES, KEY_VALUE = "dpg-d4main0k7v1c9m2e5fg0-a", "red-d4cash0k7v1c9m2e5fg0"
TURN_S = 1.0
EXPORT_S = 3.0
DAY_S = 86_400.0


@dataclass
class Store:
    """One Postgres or Key Value instance. `status` is Render's word; an export has no address until it is ready."""

    id: str
    name: str
    created_at: float
    status: str = "available"
    suspended: bool = False
    exports: list[tuple[str, float]] = field(default_factory=list)


class Datastores:
    """The handlers."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        founded = min(service.created_at for service in estate.services.values())
        self.postgres = {POSTGRES: Store(POSTGRES, "reports", founded)}
        self.key_value = {KEY_VALUE: Store(KEY_VALUE, "cache", founded)}

    def routes(self, door: Frontdoor) -> list[Route]:
        postgres, key_value = "/postgres/{store}", "/key-value/{store}"
        return [
            door.route("GET", "/postgres", self._list_postgres),
            door.route("GET", postgres, self._get_postgres),
            door.route("POST", f"{postgres}/suspend", self._suspend),
            door.route("POST", f"{postgres}/resume", self._resume),
            door.route("GET", f"{postgres}/recovery", self._recovery),
            door.route("POST", f"{postgres}/recovery", self._recover),
            door.route("GET", f"{postgres}/export", self._list_exports),
            door.route("POST", f"{postgres}/export", self._export),
            door.route("GET", "/key-value", self._list_key_value),
            door.route("GET", key_value, self._get_key_value),
            door.route("POST", f"{key_value}/suspend", self._suspend),
            door.route("POST", f"{key_value}/resume", self._resume),
            door.route("GET", "/maintenance", self._maintenance),
        ]

    async def _list_postgres(self, request: Request) -> Response:
        names = many(request, "name")
        found = [store for store in self.postgres.values() if not names or store.name in names]
        return page(request, found, "postgres", lambda store: store.id, _told_postgres)

    async def _get_postgres(self, request: Request) -> Response:
        return as_json(_told_postgres(self._store(request)))

    async def _list_key_value(self, request: Request) -> Response:
        names = many(request, "name")
        found = [store for store in self.key_value.values() if not names or store.name in names]
        return page(request, found, "keyValue", lambda store: store.id, _told_key_value)

    async def _get_key_value(self, request: Request) -> Response:
        """The list tells the dashboard's address, the single answer does not."""
        told = _told_key_value(self._store(request))
        return as_json({name: value for name, value in told.items() if name != "dashboardUrl"})

    async def _suspend(self, request: Request) -> Response:
        store = self._store(request)
        if not store.suspended:
            store.suspended = True
            self._estate.tally.add("suspend_store")
            self._estate.tasks.begin(self._turn(store, "suspended"))
        return empty(202)

    async def _resume(self, request: Request) -> Response:
        store = self._store(request)
        if store.suspended:
            store.suspended = False
            self._estate.tally.add("resume_store")
            self._estate.tasks.begin(self._turn(store, "available"))
        return empty(202)

    async def _turn(self, store: Store, status: str) -> None:
        await self._estate.clock.sleep(TURN_S)
        store.status = status

    async def _recovery(self, request: Request) -> Response:
        store = self._store(request)
        starts = max(store.created_at, self._estate.clock.now() - 3 * DAY_S)
        return as_json({"recoveryStatus": "AVAILABLE", "startsAt": iso(starts)})

    async def _recover(self, request: Request) -> Response:
        """Restoring makes a new instance beside the old one."""
        store, wish = self._store(request), await read_object(request)
        try:
            at = parse_iso(str(wish.get("restoreTime")))
        except ValueError as error:
            raise Refusal(400, "restoreTime must be a time") from error
        if not store.created_at <= at <= self._estate.clock.now():
            raise Refusal(400, "restoreTime is outside the recovery window")
        name = str(wish.get("restoreName") or f"{store.name}-restored")
        fresh = Store(f"{render_id('dpg')}-a", name, self._estate.clock.now(), "recovery_in_progress")
        self.postgres[fresh.id] = fresh
        self._estate.tally.add("restore")
        self._estate.tasks.begin(self._turn(fresh, "available"))
        return as_json(_told_postgres(fresh))

    async def _list_exports(self, request: Request) -> Response:
        now, told = self._estate.clock.now(), []
        for name, at in self._store(request).exports:
            ready: Json = {"url": f"https://exports.render.com/{name}.dir.tar.gz"} if now - at >= EXPORT_S else {}
            told.append({"id": name, "createdAt": iso(at), **ready})
        return as_json(told)

    async def _export(self, request: Request) -> Response:
        self._store(request).exports.insert(0, (render_id("exp"), self._estate.clock.now()))
        self._estate.tally.add("export")
        return empty(202)

    async def _maintenance(self, request: Request) -> Response:
        at = self._estate.clock.now() + 2 * DAY_S
        told: Json = {
            "id": "mrn-d4main0k7v1c9m2e5fg0",
            "type": "postgres_version_upgrade",
            "scheduledAt": iso(at),
            "pendingMaintenanceBy": iso(at + 7 * DAY_S),
            "state": "scheduled",
            "resourceId": next(iter(self.postgres)),
        }
        wanted = many(request, "resourceId")
        return as_json([told] if not wanted or told["resourceId"] in wanted else [])

    def _store(self, request: Request) -> Store:
        wanted = request.path_params["store"]
        found = (self.postgres if "/postgres/" in request.url.path else self.key_value).get(wanted)
        if found is None:
            raise Refusal(404, f"not found: {wanted}")
        return found


def _told_postgres(store: Store) -> Json:
    return _told(store) | {
        "databaseName": store.name,
        "databaseUser": f"{store.name}_user",
        "diskAutoscalingEnabled": False,
        "diskSizeGB": 15,
        "highAvailabilityEnabled": False,
        "plan": "basic_1gb",
        "readReplicas": [],
        "role": "primary",
        "suspended": "suspended" if store.suspended else "not_suspended",
        "suspenders": ["user"] if store.suspended else [],
        "version": "16",
    }


def _told_key_value(store: Store) -> Json:
    return _told(store) | {"options": {"maxmemoryPolicy": "allkeys_lru"}, "plan": "starter", "version": "8.1.4"}


def _told(store: Store) -> Json:
    return {
        "id": store.id,
        "name": store.name,
        "createdAt": iso(store.created_at),
        "updatedAt": iso(store.created_at),
        "dashboardUrl": f"https://dashboard.render.com/d/{store.id}",
        "environmentId": ENVIRONMENT_IDS["production"],
        "ipAllowList": None,
        "owner": OWNER | {"twoFactorAuthEnabled": True},
        "region": "frankfurt",
        "status": store.status,
    }

"""Postgres and Key Value: how they stand, suspended and resumed, backed up and restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers import wire
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import segment
from providers.render.client import RenderClient, write_time
from providers.render.deploys import earliest, lost
from providers.setting import Setting
from providers.wire import moment

POSTGRES, KEY_VALUE = "/postgres", "/key-value"
SUSPENDED, AVAILABLE = "suspended", "available"
PostgresId = Annotated[str, "id of the Postgres instance, as dpg-…"]
KeyValueId = Annotated[str, "id of the Key Value instance, as red-…"]


@dataclass(frozen=True)
class OnePostgres:
    postgres: PostgresId


@dataclass(frozen=True)
class OneKeyValue:
    key_value: KeyValueId


@dataclass(frozen=True)
class SuspendPostgres:
    postgres: PostgresId


@dataclass(frozen=True)
class ResumePostgres:
    postgres: PostgresId


@dataclass(frozen=True)
class SuspendKeyValue:
    key_value: KeyValueId


@dataclass(frozen=True)
class ResumeKeyValue:
    key_value: KeyValueId


@dataclass(frozen=True)
class ExportPostgres:
    postgres: PostgresId


@dataclass(frozen=True)
class RestorePostgres:
    postgres: PostgresId
    at: Annotated[datetime, "the time to return to, within the recovery window"]
    name: Annotated[str, "name of the new instance that holds what was then; must be unused"]


@dataclass(frozen=True)
class Datastore:
    """`status` keeps Render's word. `role` and `replicas` are those of Postgres; a suspended one may not say so yet."""

    id: str
    name: str
    status: str
    plan: str
    region: str
    version: str
    environment: str
    suspended: bool
    role: str
    replicas: tuple[str, ...]
    disk_gb: int | None
    high_availability: bool | None
    created_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class RecoveryWindow:
    """`status` is AVAILABLE, BACKUP_NOT_READY or NOT_AVAILABLE; any time since `starts_at` can be restored."""

    status: str
    starts_at: datetime | None


@dataclass(frozen=True)
class Export:
    """A logical backup. Its address is a secret, so only whether it can be had is told."""

    id: str
    created_at: datetime | None
    ready: bool


def parse_datastore(body: object) -> Datastore:
    status = wire.text(body, "status")
    return Datastore(
        id=wire.need_text(body, "id"),
        name=wire.text(body, "name"),
        status=status,
        plan=wire.text(body, "plan"),
        region=wire.text(body, "region"),
        version=wire.text(body, "version"),
        environment=wire.text(body, "environmentId"),
        suspended=wire.text(body, "suspended") == SUSPENDED or status == SUSPENDED,
        role=wire.text(body, "role"),
        replicas=tuple(wire.text(row, "id") for row in wire.items(body, "readReplicas")),
        disk_gb=wire.whole(body, "diskSizeGB"),
        high_availability=wire.flag(body, "highAvailabilityEnabled"),
        created_at=wire.moment(body, "createdAt"),
        expires_at=wire.moment(body, "expiresAt"),
    )


def parse_window(body: object) -> RecoveryWindow:
    return RecoveryWindow(wire.need_text(body, "recoveryStatus"), wire.moment(body, "startsAt"))


def parse_export(body: object) -> Export:
    return Export(wire.need_text(body, "id"), wire.moment(body, "createdAt"), bool(wire.text(body, "url")))


class Datastores:
    def __init__(self, client: RenderClient, owner: str) -> None:
        self.client = client
        self._owner = owner

    async def fetch_postgres(self, request: object) -> Sequence[Datastore]:
        return await self._list(POSTGRES, "postgres")

    async def fetch_key_values(self, request: object) -> Sequence[Datastore]:
        return await self._list(KEY_VALUE, "keyValue")

    async def fetch_one_postgres(self, request: OnePostgres) -> Datastore:
        return await self.client.http.fetch(f"{POSTGRES}/{segment(request.postgres)}", parse_datastore)

    async def fetch_one_key_value(self, request: OneKeyValue) -> Datastore:
        return await self.client.http.fetch(f"{KEY_VALUE}/{segment(request.key_value)}", parse_datastore)

    async def fetch_window(self, request: OnePostgres) -> RecoveryWindow:
        return await self.client.http.fetch(f"{POSTGRES}/{segment(request.postgres)}/recovery", parse_window)

    async def fetch_exports(self, request: OnePostgres) -> Sequence[Export]:
        """Not wrapped and not paged."""
        return await self.client.http.fetch(_exports(request.postgres), parse_exports)

    async def find(self, family: str, store: str) -> Datastore | None:
        """None for one that Render does not know, also for a name that cannot be one's id."""
        return await self.client.http.fetch_or_none(f"{family}/{segment(store)}", parse_datastore) if store else None

    async def find_named(self, name: str) -> Datastore | None:
        found = await self.client.fetch_list(POSTGRES, "postgres", parse_datastore, self._asked() | {"name": name})
        return next((store for store in found if store.name == name), None)

    async def turn(self, family: str, store: str, verb: str) -> None:
        await self.client.http.send("POST", f"{family}/{segment(store)}/{verb}", repeatable=True)

    async def _list(self, family: str, thing: str) -> Sequence[Datastore]:
        return await self.client.fetch_list(family, thing, parse_datastore, self._asked())

    def _asked(self) -> dict[str, object]:
        return {"ownerId": self._owner or None}


def parse_exports(body: object) -> Sequence[Export]:
    return [parse_export(row) for row in wire.need_items(body)]


def _is_off(store: Datastore | None) -> bool | None:
    return None if store is None else store.status == SUSPENDED


def _is_on(store: Datastore | None) -> bool | None:
    return None if store is None else store.status == AVAILABLE and not store.suspended


def make_suspend_postgres(stores: Datastores) -> Setting[SuspendPostgres]:
    async def holds(request: SuspendPostgres) -> bool | None:
        return _is_off(await stores.find(POSTGRES, request.postgres))

    async def write(request: SuspendPostgres) -> None:
        await stores.turn(POSTGRES, request.postgres, "suspend")

    return Setting(SuspendPostgres, holds=holds, write=write, say=lambda _: "suspended")


def make_resume_postgres(stores: Datastores) -> Setting[ResumePostgres]:
    async def holds(request: ResumePostgres) -> bool | None:
        return _is_on(await stores.find(POSTGRES, request.postgres))

    async def write(request: ResumePostgres) -> None:
        await stores.turn(POSTGRES, request.postgres, "resume")

    return Setting(ResumePostgres, holds=holds, write=write, say=lambda _: "available")


def make_suspend_key_value(stores: Datastores) -> Setting[SuspendKeyValue]:
    async def holds(request: SuspendKeyValue) -> bool | None:
        return _is_off(await stores.find(KEY_VALUE, request.key_value))

    async def write(request: SuspendKeyValue) -> None:
        await stores.turn(KEY_VALUE, request.key_value, "suspend")

    return Setting(SuspendKeyValue, holds=holds, write=write, say=lambda _: "suspended")


def make_resume_key_value(stores: Datastores) -> Setting[ResumeKeyValue]:
    async def holds(request: ResumeKeyValue) -> bool | None:
        return _is_on(await stores.find(KEY_VALUE, request.key_value))

    async def write(request: ResumeKeyValue) -> None:
        await stores.turn(KEY_VALUE, request.key_value, "resume")

    return Setting(ResumeKeyValue, holds=holds, write=write, say=lambda _: "available")


def make_restore(stores: Datastores) -> Setting[RestorePostgres]:
    """Render restores into a new instance beside the old one; its name is what finds it again."""

    async def holds(request: RestorePostgres) -> bool | None:
        if not await stores.find(POSTGRES, request.postgres):
            return None
        return _is_on(await stores.find_named(request.name)) or False

    async def write(request: RestorePostgres) -> None:
        if await stores.find_named(request.name):
            return
        body = {"restoreTime": write_time(request.at), "restoreName": request.name}
        await stores.client.http.send("POST", f"{POSTGRES}/{segment(request.postgres)}/recovery", json=body)

    return Setting(RestorePostgres, holds=holds, write=write, say=lambda request: f"restored as {request.name}")


class Exports:
    """`Actuator[ExportPostgres]`. Every POST makes one more, so one made since the wish counts as the wish's.

    The answer is empty. References are `dpg-…/export/<time>`, with our time of the wish.
    """

    def __init__(self, stores: Datastores) -> None:
        self._stores = stores
        self._client = stores.client

    async def start(self, request: ExportPostgres, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        await self._client.http.send("POST", _exports(request.postgres))
        return await self.observe(_export_reference(request, key))

    async def observe(self, reference: str) -> Operation:
        postgres, _, rest = reference.partition("/")
        kind, _, written = rest.partition("/")
        intended_at = moment({"at": written}, "at") if kind == "export" else None
        made = await self._made(postgres, intended_at) if postgres and intended_at else None
        if made is None:
            return lost(reference)
        if not made:
            return Operation(reference, OperationStatus.RUNNING, "not listed yet")
        export = made[-1]
        status = OperationStatus.SUCCEEDED if export.ready else OperationStatus.RUNNING
        return Operation(reference, status, "ready" if export.ready else "exporting", {"export": export.id})

    async def find(self, request: ExportPostgres, key: OperationKey) -> Operation | None:
        await self._stores.fetch_one_postgres(OnePostgres(request.postgres))
        made = await self._made(request.postgres, key.intended_at)
        return await self.observe(_export_reference(request, key)) if made else None

    async def _made(self, postgres: str, since: datetime) -> Sequence[Export] | None:
        """Exports since then, newest first; None for a database that Render does not know."""
        found = await self._client.http.fetch_or_none(_exports(postgres), parse_exports)
        if found is None:
            return None
        first = earliest(self._client, since)
        fresh = [export for export in found if export.created_at is not None and export.created_at >= first]
        return sorted(fresh, key=_created, reverse=True)


def _created(export: Export) -> str:
    return export.created_at.isoformat() if export.created_at else ""


def _exports(postgres: str) -> str:
    return f"{POSTGRES}/{segment(postgres)}/export"


def _export_reference(request: ExportPostgres, key: OperationKey) -> str:
    return f"{request.postgres}/export/{write_time(key.intended_at)}"

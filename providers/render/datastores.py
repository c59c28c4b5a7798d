"""Postgres and Key Value: how they stand, suspended and resumed, backed up and restored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from providers import wire
from providers.ensuring import Setting
from providers.http import segment
from providers.render.client import RenderClient

Request = TypeVar("Request")
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


def is_on(store: Datastore | None) -> bool | None:
    return None if store is None else store.status == AVAILABLE and not store.suspended


def make_suspend_postgres(stores: Datastores) -> Setting[SuspendPostgres]:
    return _suspending(stores, SuspendPostgres, POSTGRES, lambda request: request.postgres)


def make_resume_postgres(stores: Datastores) -> Setting[ResumePostgres]:
    return _resuming(stores, ResumePostgres, POSTGRES, lambda request: request.postgres)


def make_suspend_key_value(stores: Datastores) -> Setting[SuspendKeyValue]:
    return _suspending(stores, SuspendKeyValue, KEY_VALUE, lambda request: request.key_value)


def make_resume_key_value(stores: Datastores) -> Setting[ResumeKeyValue]:
    return _resuming(stores, ResumeKeyValue, KEY_VALUE, lambda request: request.key_value)


def _suspending(
    stores: Datastores, kind: type[Request], family: str, id_of: Callable[[Request], str]
) -> Setting[Request]:
    async def holds(request: Request) -> bool | None:
        store = await stores.find(family, id_of(request))
        return None if store is None else store.status == SUSPENDED

    async def write(request: Request) -> None:
        await stores.turn(family, id_of(request), "suspend")

    return Setting(kind, holds=holds, write=write, say=lambda _: SUSPENDED)


def _resuming(
    stores: Datastores, kind: type[Request], family: str, id_of: Callable[[Request], str]
) -> Setting[Request]:
    async def holds(request: Request) -> bool | None:
        return is_on(await stores.find(family, id_of(request)))

    async def write(request: Request) -> None:
        await stores.turn(family, id_of(request), "resume")

    return Setting(kind, holds=holds, write=write, say=lambda _: AVAILABLE)

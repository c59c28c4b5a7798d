"""Backups of Postgres: how far back it can be restored, a moment restored beside it, and logical exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from console.domain.errors import Rejected
from providers import wire
from providers.contract import Operation, OperationKey, OperationStatus
from providers.ensuring import Setting
from providers.http import segment
from providers.render.client import write_time
from providers.render.datastores import POSTGRES, Datastore, Datastores, OnePostgres, PostgresId, is_on
from providers.render.deploys import earliest, lost
from providers.wire import moment


@dataclass(frozen=True)
class ExportPostgres:
    postgres: PostgresId


@dataclass(frozen=True)
class RestorePostgres:
    postgres: PostgresId
    at: Annotated[datetime, "the time to return to, within the recovery window"]
    name: Annotated[str, "name of the new instance that holds what was then; must be unused"]


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


def parse_window(body: object) -> RecoveryWindow:
    return RecoveryWindow(wire.need_text(body, "recoveryStatus"), wire.moment(body, "startsAt"))


def parse_export(body: object) -> Export:
    return Export(wire.need_text(body, "id"), wire.moment(body, "createdAt"), bool(wire.text(body, "url")))


def parse_exports(body: object) -> Sequence[Export]:
    return [parse_export(row) for row in wire.need_items(body)]


class Backups:
    def __init__(self, stores: Datastores) -> None:
        self.stores = stores
        self.http = stores.client.http

    async def fetch_window(self, request: OnePostgres) -> RecoveryWindow:
        return await self.http.fetch(f"{POSTGRES}/{segment(request.postgres)}/recovery", parse_window)

    async def fetch_exports(self, request: OnePostgres) -> Sequence[Export]:
        """Not wrapped and not paged."""
        return await self.http.fetch(_exports(request.postgres), parse_exports)


def make_restore(backups: Backups) -> Setting[RestorePostgres]:
    """Render restores into a new instance beside the old one; its name is what finds it again."""

    async def holds(request: RestorePostgres) -> bool | None:
        if not await backups.stores.find(POSTGRES, request.postgres):
            return None
        restored = await backups.stores.find_named(request.name)
        return is_on(restored) is True and not _is_older(restored, request.at)

    async def write(request: RestorePostgres) -> None:
        known = await backups.stores.find_named(request.name)
        if known and not _is_older(known, request.at):
            return
        if known:
            what = f"There is a database {request.name} already, older than the time to restore."
            raise Rejected(backups.http.provider, what, "restore", "Choose a name that is not in use.")
        body = {"restoreTime": write_time(request.at), "restoreName": request.name}
        await backups.http.send("POST", f"{POSTGRES}/{segment(request.postgres)}/recovery", json=body)

    return Setting(RestorePostgres, holds=holds, write=write, say=lambda request: f"restored as {request.name}")


def _is_older(store: Datastore | None, at: datetime) -> bool:
    """Whether it cannot be what was restored to that time."""
    return bool(store and store.created_at and store.created_at < at)


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
        return sorted(fresh, key=lambda export: export.created_at or since, reverse=True)


def _exports(postgres: str) -> str:
    return f"{POSTGRES}/{segment(postgres)}/export"


def _export_reference(request: ExportPostgres, key: OperationKey) -> str:
    return f"{request.postgres}/export/{write_time(key.intended_at)}"

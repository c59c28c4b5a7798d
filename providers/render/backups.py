"""Backups of Postgres: how far back it can be restored, a moment restored beside it, and logical exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from console.domain.errors import Rejected
from providers import wire
from providers.ensuring import UNKNOWN, Setting, Standing, absent, done, moving
from providers.http import segment
from providers.render.client import RenderClient, write_time
from providers.render.datastores import POSTGRES, Datastore, Datastores, OnePostgres, PostgresId, is_on
from providers.traced import Traced


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


def make_export(client: RenderClient) -> Traced[ExportPostgres]:
    """Every POST makes one more and is answered with nothing, so one made since the wish counts as the wish's."""

    async def look(request: ExportPostgres, since: datetime) -> Standing:
        found = await client.http.fetch_or_none(_exports(request.postgres), parse_exports)
        if found is None:
            return UNKNOWN
        made = [(one.created_at, one) for one in found if one.created_at is not None and one.created_at >= since]
        if not made:
            return absent("not listed yet")
        _, export = min(made, key=lambda dated: dated[0])
        return done("ready", export=export.id) if export.ready else moving("exporting", export=export.id)

    async def write(request: ExportPostgres) -> None:
        await client.http.send("POST", _exports(request.postgres))

    return Traced(client.http, ExportPostgres, look, write)


def _exports(postgres: str) -> str:
    return f"{POSTGRES}/{segment(postgres)}/export"

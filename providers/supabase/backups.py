"""Backups: what is kept, restore points, and taking a database back.

Taking back is asked for and then shows only in the project's status. That it happened for a wish is read from the
database itself: it was started after the wish. A restart for another reason in between is taken for it, which is the
safe mistake: a second restore would lose what was written since the first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from providers.ensuring import Ensuring, Setting, Standing, absent, done, moving, went_wrong
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path, row_of
from providers.traced import Traced
from providers.wire import ShapeError, items, moment, need_items, need_table, pick, table, text

STARTED = "select pg_postmaster_start_time() as started_at"
UNSEEN_FOR = timedelta(minutes=10)
POINT = ("name", "status", "completed_on")


@dataclass(frozen=True)
class RestorePoint:
    project: ProjectRef
    name: Annotated[str, "of the restore point, at most 20 characters; empty for the latest"] = ""


@dataclass(frozen=True)
class CreateRestorePoint:
    project: ProjectRef
    name: Annotated[str, "of the restore point, at most 20 characters"]


@dataclass(frozen=True)
class UndoToRestorePoint:
    project: ProjectRef
    name: Annotated[str, "of the restore point; everything written since is lost"]


@dataclass(frozen=True)
class RestoreBackup:
    project: ProjectRef
    backup: Annotated[int, "id of the backup as `backups` lists it; everything written since is lost"]


@dataclass(frozen=True)
class RestoreToTime:
    project: ProjectRef
    at: Annotated[datetime, "when to go back to, whole seconds; everything written since is lost"]


@dataclass(frozen=True)
class ScheduleBackups:
    project: ProjectRef
    at: Annotated[str, "the daily time of the backup, as the platform writes it"]


Back = TypeVar("Back", UndoToRestorePoint, RestoreBackup, RestoreToTime)


class Backups:
    def __init__(self, client: SupabaseClient) -> None:
        self._client = client
        self._http = client.http

    async def fetch_backups(self, request: OfProject) -> Row:
        def parse(node: object) -> Row:
            backups = [
                {name: pick(one, name) for name in ("id", "status", "inserted_at", "is_physical_backup")}
                for one in need_items(node, "backups")
            ]
            reach = table(node, "physical_backup_data")
            kept = {
                f"{end}_physical_backup": _written(moment(reach, f"{end}_physical_backup_date_unix"))
                for end in ("earliest", "latest")
            }
            flags = {name: pick(node, name) for name in ("region", "walg_enabled", "pitr_enabled")}
            return {**flags, **kept, "backups": backups}

        return await self._http.fetch(_path(request.project), parse)

    async def fetch_schedule(self, request: OfProject) -> Row:
        return await self._http.fetch(_path(request.project, "schedule"), row_of("schedule_for", "updated_at"))

    async def fetch_point(self, request: RestorePoint) -> Row:
        params = {"name": request.name} if request.name else None
        return await self._http.fetch(_path(request.project, "restore-point"), row_of(*POINT), params)

    def creating_point(self) -> Ensuring[CreateRestorePoint]:
        async def look(request: CreateRestorePoint) -> Standing:
            path = _path(request.project, "restore-point")
            told = await self._http.fetch_or_none(path, need_table, {"name": request.name})
            status = text(told, "status")
            if told is None:
                return absent()
            if status == "AVAILABLE":
                return done(f"restore point {request.name}", completed_on=text(told, "completed_on"))
            return went_wrong(f"the restore point is {status}") if status in ("FAILED", "REMOVED") else moving(status)

        async def write(request: CreateRestorePoint) -> None:
            await self._http.send("POST", _path(request.project, "restore-point"), json={"name": request.name})

        return Ensuring(CreateRestorePoint, look, write)

    def undoing(self) -> Traced[UndoToRestorePoint]:
        async def write(request: UndoToRestorePoint) -> None:
            await self._http.send("POST", _path(request.project, "undo"), json={"name": request.name})

        return self._taking_back(UndoToRestorePoint, write)

    def restoring(self) -> Traced[RestoreBackup]:
        async def write(request: RestoreBackup) -> None:
            await self._http.send("POST", _path(request.project, "restore"), json={"id": request.backup})

        return self._taking_back(RestoreBackup, write)

    def restoring_to_time(self) -> Traced[RestoreToTime]:
        async def write(request: RestoreToTime) -> None:
            body = {"recovery_time_target_unix": int(request.at.timestamp())}
            await self._http.send("POST", _path(request.project, "restore-pitr"), json=body)

        return self._taking_back(RestoreToTime, write)

    def scheduling(self) -> Setting[ScheduleBackups]:
        async def holds(request: ScheduleBackups) -> bool:
            told = await self._http.fetch(_path(request.project, "schedule"), need_table)
            return text(told, "schedule_for") == request.at

        async def write(request: ScheduleBackups) -> None:
            await self._http.send("PATCH", _path(request.project, "schedule"), json={"schedule_for": request.at})

        def say(request: ScheduleBackups) -> str:
            return f"backups at {request.at}"

        return Setting(ScheduleBackups, holds=holds, write=write, say=say)

    def _taking_back(self, kind: type[Back], write: Callable[[Back], Awaitable[None]]) -> Traced[Back]:
        async def look(request: Back, since: datetime) -> Standing:
            status = (await self._client.fetch_project(request.project)).status
            if status == "RESTORE_FAILED":
                return went_wrong("the restore failed; Supabase's support has to look at the project")
            if not status.startswith("ACTIVE_"):
                return moving(f"the project is {status}")
            started = await self._fetch_start(request.project)
            if started >= since:
                return done(f"restored; the database was started at {_written(started)}")
            return absent("asked for; the database was not restarted yet")

        return Traced(self._http, kind, look, write, unseen_for=UNSEEN_FOR)

    async def _fetch_start(self, ref: str) -> datetime:
        """When the database was started last, by its own clock."""

        def parse(node: object) -> datetime:
            row = next(iter(items(node)), None)
            at = moment(row, "started_at")
            if at is None:
                raise ShapeError("it does not say when the database was started")
            return at

        path = project_path(ref, "database/query/read-only")
        reply = await self._http.send("POST", path, json={"query": STARTED}, repeatable=True)
        return self._http.decode(reply, parse)


def _path(ref: str, *rest: str) -> str:
    return project_path(ref, "database/backups", *rest)


def _written(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None

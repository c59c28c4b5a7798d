"""Projects as a whole: what there is, whether it is well, pausing and bringing back.

A paused project keeps its data, and nothing of it answers. Supabase pauses projects of free organizations only; one
that pays is refused, in the platform's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from providers.contract import Nothing
from providers.ensuring import Ensuring, Standing, absent, done, moving, went_wrong
from providers.supabase.client import WATCHED, SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path, row_of, rows_of
from providers.supabase.wire import SUSPENDED

SHOWN = ("ref", "name", "organization_slug", "region", "status", "created_at", "database")
WELL = "ACTIVE_HEALTHY"


@dataclass(frozen=True)
class Health:
    project: ProjectRef
    services: Annotated[tuple[str, ...], "auth, db, db_postgres_user, pooler, realtime, rest, storage, pg_bouncer"] = (
        WATCHED
    )


@dataclass(frozen=True)
class Pause:
    project: ProjectRef


@dataclass(frozen=True)
class Resume:
    project: ProjectRef


class Projects:
    def __init__(self, client: SupabaseClient) -> None:
        self._client = client
        self._http = client.http

    async def fetch_all(self, _: Nothing) -> Sequence[Row]:
        return await self._http.fetch("/v1/projects", rows_of(*SHOWN))

    async def fetch_one(self, request: OfProject) -> Row:
        return await self._http.fetch(project_path(request.project), row_of(*SHOWN))

    async def fetch_health(self, request: Health) -> Sequence[Row]:
        path = project_path(request.project, "health")
        return await self._http.fetch(
            path, rows_of("name", "healthy", "status", "error"), {"services": request.services}
        )

    async def fetch_versions(self, request: OfProject) -> Sequence[Row]:
        """What PostgreSQL a paused project can be brought back with."""
        parse = rows_of("version", "release_channel", "postgres_engine", within="available_versions")
        return await self._http.fetch(project_path(request.project, "restore"), parse)

    def pausing(self) -> Ensuring[Pause]:
        async def write(request: Pause) -> None:
            await self._http.send("POST", project_path(request.project, "pause"))

        return Ensuring(Pause, self._look_paused, write)

    def resuming(self) -> Ensuring[Resume]:
        async def write(request: Resume) -> None:
            await self._http.send("POST", project_path(request.project, "restore"))

        return Ensuring(Resume, self._look_running, write)

    async def _look_paused(self, request: Pause) -> Standing:
        status = (await self._client.fetch_project(request.project)).status
        if status in SUSPENDED - {"PAUSING"}:
            return done("paused")
        if status == "PAUSING":
            return moving("pausing")
        return went_wrong("pausing failed") if status == "PAUSE_FAILED" else absent(f"not yet paused: {status}")

    async def _look_running(self, request: Resume) -> Standing:
        status = (await self._client.fetch_project(request.project)).status
        if status == WELL:
            return done("running")
        if status in SUSPENDED:
            return absent(f"not yet running: {status}")
        return (
            went_wrong(f"it did not come up: {status}")
            if status.endswith("_FAILED")
            else moving(f"coming up: {status}")
        )

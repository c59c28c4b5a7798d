"""Upgrade a project to another PostgreSQL. The project is away while its data are upgraded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from providers.ensuring import Standing, absent, done, failed, moving
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path, row_of
from providers.traced import Traced
from providers.wire import moment, need_table, pick, table, text

SHOWN = (
    "eligible",
    "current_app_version",
    "latest_app_version",
    "target_upgrade_versions",
    "duration_estimate_hours",
    "validation_errors",
    "warnings",
)
LAST_STEP = "10_"
UNSEEN_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class Upgrade:
    project: ProjectRef
    target_version: Annotated[str, "PostgreSQL's major version as `upgrade-eligibility` lists it, e.g. 17"]
    release_channel: Annotated[str, "alpha, beta, ga, …; empty for the platform's choice"] = ""


class Upgrades:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_eligibility(self, request: OfProject) -> Row:
        return await self._http.fetch(project_path(request.project, "upgrade/eligibility"), row_of(*SHOWN))

    async def fetch_status(self, request: OfProject) -> Row:
        """The last upgrade; all fields are null where there was none."""
        told = await self._status(request.project)
        return {
            name: pick(told, name)
            for name in ("initiated_at", "latest_status_at", "target_version", "progress", "error")
        }

    def upgrading(self) -> Traced[Upgrade]:
        async def write(request: Upgrade) -> None:
            body = {"target_version": request.target_version}
            if request.release_channel:
                body["release_channel"] = request.release_channel
            await self._http.send("POST", project_path(request.project, "upgrade"), json=body)

        return Traced(self._http, Upgrade, self._look, write, unseen_for=UNSEEN_FOR)

    async def _status(self, ref: str) -> Row:
        path = project_path(ref, "upgrade/status")
        return table(await self._http.fetch(path, need_table), "databaseUpgradeStatus")

    async def _look(self, request: Upgrade, since: datetime) -> Standing:
        told = await self._status(request.project)
        began = moment(told, "initiated_at")
        if began is None or began < since:
            return absent()
        error, progress = text(told, "error"), text(told, "progress")
        if error:
            return failed(f"the upgrade failed: {error}")
        if progress.startswith(LAST_STEP):
            return done(f"upgraded to {text(told, 'target_version')}")
        return moving(progress or "requested")

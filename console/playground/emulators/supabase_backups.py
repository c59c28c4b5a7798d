"""Backups, restore points, and going back to one: what needs Point in Time Recovery is refused without it.

A restore does not take the playground's real database back: the project goes through RESTORING and comes up anew.
"""

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import iso
from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.supabase_state import REGION, Course, Json, Platform, Project
from console.playground.emulators.wire import Refusal, as_json, empty, read_object

DAY = 86_400
RESTORES_FOR = 20.0
NEEDS_PITR = "is not available for this project: it needs Point in Time Recovery"


class Backups:
    """Answers below `/database/backups`."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def doors(self) -> list[Door]:
        path = "/v1/projects/{ref}/database/backups"
        return [
            Door("GET", path, self._list),
            Door("POST", f"{path}/restore-point", self._make_point),
            Door("GET", f"{path}/restore-point", self._get_point),
            Door("POST", f"{path}/undo", self._undo),
            Door("POST", f"{path}/restore", self._restore),
            Door("POST", f"{path}/restore-pitr", self._restore_to_time),
            Door("GET", f"{path}/schedule", self._get_schedule),
            Door("PATCH", f"{path}/schedule", self._set_schedule),
        ]

    def _days(self) -> list[float]:
        day = int(self._platform.clock.now() // DAY) * DAY
        return [day, day - DAY, day - 2 * DAY]

    async def _list(self, request: Request) -> Response:
        project, days = self._platform.project(request), self._days()
        backups = [
            {"id": int(at // DAY), "is_physical_backup": True, "status": "COMPLETED", "inserted_at": iso(at)}
            for at in days
        ]
        reach = {
            "earliest_physical_backup_date_unix": int(days[-1]),
            "latest_physical_backup_date_unix": int(days[0]),
        }
        told = {"region": REGION, "walg_enabled": True, "pitr_enabled": project.has_pitr, "backups": backups}
        return as_json({**told, "physical_backup_data": reach})

    async def _make_point(self, request: Request) -> Response:
        project, name = self._platform.project(request), await _name(request)
        if name not in project.restore_points:
            now = self._platform.clock.now()
            project.restore_points[name] = Course(now, ("PENDING", 3), "AVAILABLE")
            self._platform.tally.add("restore_point")
        return as_json(self._point(project, name), 201)

    async def _get_point(self, request: Request) -> Response:
        project = self._platform.project(request)
        name = request.query_params.get("name") or next(reversed(project.restore_points), "")
        if name not in project.restore_points:
            raise Refusal(404, "Restore point not found")
        return as_json(self._point(project, name))

    def _point(self, project: Project, name: str) -> Json:
        course, now = project.restore_points[name], self._platform.clock.now()
        status = course.at(now)
        return {"name": name, "status": status, "completed_on": iso(course.ends) if status == "AVAILABLE" else None}

    async def _undo(self, request: Request) -> Response:
        project, name = self._platform.project(request), await _name(request)
        if not project.has_pitr:
            raise Refusal(403, f"Undo {NEEDS_PITR}")
        if name not in project.restore_points:
            raise Refusal(404, "Restore point not found")
        return self._begin(project)

    async def _restore(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        if wish.get("id") not in [at // DAY for at in self._days()]:
            raise Refusal(404, "Backup not found")
        return self._begin(project)

    async def _restore_to_time(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        target = wish.get("recovery_time_target_unix")
        if not project.has_pitr:
            raise Refusal(403, f"Restoring to a time {NEEDS_PITR}")
        if not isinstance(target, int) or not self._days()[-1] <= target <= self._platform.clock.now():
            raise Refusal(400, "recovery_time_target_unix: outside of what is kept")
        return self._begin(project)

    def _begin(self, project: Project) -> Response:
        project.restart(self._platform.clock.now(), "RESTORING", RESTORES_FOR)
        self._platform.tally.add("restore")
        return empty(201)

    async def _get_schedule(self, request: Request) -> Response:
        return as_json(_schedule(self._platform.project(request)))

    async def _set_schedule(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        if not isinstance(wish.get("schedule_for"), str):
            raise Refusal(400, "schedule_for: Required")
        project.schedule = (wish["schedule_for"], self._platform.clock.now())
        self._platform.tally.add("backup_schedule")
        return as_json(_schedule(project))


def _schedule(project: Project) -> Json:
    at, since = project.schedule
    return {"schedule_for": at, "updated_at": iso(since)}


async def _name(request: Request) -> str:
    name = (await read_object(request)).get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 20:
        raise Refusal(400, "name: must be a text of at most 20 characters")
    return name

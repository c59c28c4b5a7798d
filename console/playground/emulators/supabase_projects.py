"""A project as a whole: paused and brought back, upgraded to another PostgreSQL, read by replicas."""

import secrets
import uuid

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import iso
from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.supabase_state import HEALTHY, REGION, Course, Json, Platform, Project, Replica
from console.playground.emulators.wire import Refusal, as_json, empty, read_object, whole

NEWEST = "17"
ENGINES = ("15", "17")
UPGRADE_STEPS = (
    "0_requested",
    "1_started",
    "2_launched_upgraded_instance",
    "3_detached_volume_from_upgraded_instance",
    "4_attached_volume_to_original_instance",
    "5_initiated_data_upgrade",
    "6_completed_data_upgrade",
    "7_detached_volume_from_original_instance",
    "8_attached_volume_to_upgraded_instance",
    "9_completed_upgrade",
    "10_completed_post_physical_backup",
)


class Projects:
    """Answers `/pause`, `/restore`, `/upgrade…`, `/read-replicas…` and the organization's list of projects."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def doors(self) -> list[Door]:
        project = "/v1/projects/{ref}"
        return [
            Door("POST", f"{project}/pause", self._pause),
            Door("GET", f"{project}/restore", self._versions),
            Door("POST", f"{project}/restore", self._resume),
            Door("GET", f"{project}/upgrade/eligibility", self._eligibility),
            Door("POST", f"{project}/upgrade", self._upgrade),
            Door("GET", f"{project}/upgrade/status", self._upgrade_status),
            Door("POST", f"{project}/read-replicas/setup", self._add_replica),
            Door("POST", f"{project}/read-replicas/remove", self._remove_replica),
            Door("GET", "/v1/organizations/{slug}/projects", self._of_organization),
        ]

    def _now(self) -> float:
        return self._platform.clock.now()

    async def _pause(self, request: Request) -> Response:
        project = self._platform.project(request)
        if project.course.at(self._now()) != HEALTHY:
            raise Refusal(400, "Project is not active")
        project.course = Course(self._now(), ("PAUSING", 6), "INACTIVE")
        self._platform.tally.add("pause")
        return empty(200)

    async def _versions(self, request: Request) -> Response:
        self._platform.project(request)
        version = {"version": "supabase-postgres-17.4.1.002", "release_channel": "ga", "postgres_engine": NEWEST}
        return as_json({"available_versions": [version]})

    async def _resume(self, request: Request) -> Response:
        project = self._platform.project(request)
        if project.course.at(self._now()) != "INACTIVE":
            raise Refusal(400, "Project is not paused")
        project.course = Course(self._now(), ("RESTORING", 4), ("COMING_UP", 4), HEALTHY)
        self._platform.tally.add("resume")
        return empty(200)

    async def _eligibility(self, request: Request) -> Response:
        project = self._platform.project(request)
        targets = [
            {"postgres_version": one, "release_channel": "ga", "app_version": f"supabase-postgres-{one}.4.1.002"}
            for one in ENGINES
            if one > project.engine
        ]
        lists: Json = dict.fromkeys(
            (
                "legacy_auth_custom_roles",
                "objects_to_be_dropped",
                "unsupported_extensions",
                "user_defined_objects_in_internal_schemas",
                "validation_errors",
                "warnings",
            ),
            (),
        )
        return as_json(
            {
                "eligible": bool(targets),
                "current_app_version": f"supabase-postgres-{project.engine}.1.0.147",
                "current_app_version_release_channel": "ga",
                "latest_app_version": f"supabase-postgres-{NEWEST}.4.1.002",
                "target_upgrade_versions": targets,
                "duration_estimate_hours": 0.2,
                **{name: list(value) for name, value in lists.items()},
            }
        )

    async def _upgrade(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        target = wish.get("target_version")
        if not isinstance(target, str) or target not in ENGINES or target <= project.engine:
            raise Refusal(400, f"target_version: no way from {project.engine} to {target}")
        if project.upgrade is not None and project.upgrade.at(self._now()) != UPGRADE_STEPS[-1]:
            raise Refusal(400, "An upgrade is in progress")
        project.upgrade = Course(self._now(), *((step, 2.0) for step in UPGRADE_STEPS))
        project.upgrade_id, project.upgrade_target, project.engine = str(uuid.uuid4()), target, target
        project.restart(self._now(), "UPGRADING", 2.0 * (len(UPGRADE_STEPS) - 2))
        self._platform.tally.add("upgrade")
        return as_json({"tracking_id": project.upgrade_id}, 201)

    async def _upgrade_status(self, request: Request) -> Response:
        project, wanted = self._platform.project(request), request.query_params.get("tracking_id")
        course = project.upgrade
        if course is None or wanted not in (None, "", project.upgrade_id):
            return as_json({"databaseUpgradeStatus": None})
        progress = course.at(self._now())
        status = {
            "initiated_at": iso(course.began),
            "latest_status_at": iso(min(self._now(), course.ends)),
            "target_version": int(project.upgrade_target),
            "progress": progress,
            "status": 2 if progress == UPGRADE_STEPS[-1] else 0,
        }
        return as_json({"databaseUpgradeStatus": status})

    async def _add_replica(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        region = wish.get("read_replica_region")
        if not isinstance(region, str) or region.count("-") != 2:
            raise Refusal(400, "read_replica_region: Invalid")
        identifier = f"{project.ref}-rr-{region}-{secrets.token_hex(3)}"
        course = Course(self._now(), ("INIT_READ_REPLICA", 10), HEALTHY)
        project.replicas.append(Replica(identifier, region, course))
        self._platform.tally.add("replica")
        return empty(201)

    async def _remove_replica(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        found = [one for one in project.replicas if one.identifier == wish.get("database_identifier")]
        if not found:
            raise Refusal(404, "Read replica not found")
        project.replicas.remove(found[0])
        self._platform.tally.add("replica")
        return empty(201)

    async def _of_organization(self, request: Request) -> Response:
        start, limit = whole(request, "offset", 0, 0, 100_000), whole(request, "limit", 100, 1, 100)
        known = list(self._platform.all_projects())
        listed = [self._listed(project) for project in known[start : start + limit]]
        return as_json(
            {"projects": listed, "pagination": {"count": len(known), "limit": limit, "offset": start}},
        )

    def _listed(self, project: Project) -> Json:
        now, where = self._now(), {"cloud_provider": "AWS"}
        status = project.course.at(now)
        primary = {"region": REGION, "status": HEALTHY, **where, "identifier": project.ref, "type": "PRIMARY"}
        replicas = [
            {
                "region": one.region,
                "status": one.course.at(now),
                **where,
                "identifier": one.identifier,
                "type": "READ_REPLICA",
            }
            for one in project.replicas
        ]
        return {
            "ref": project.ref,
            "name": project.cast.name,
            **where,
            "region": REGION,
            "is_branch": False,
            "status": status,
            "inserted_at": iso(project.made_at),
            "databases": [primary, *replicas],
        }

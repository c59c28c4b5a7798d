"""A project's custom hostname: asked for, verified once DNS says so, activated, removed."""

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.supabase_state import Course, Json, Platform, Project
from console.playground.emulators.wire import Refusal, as_json, empty, read_object


class Hostnames:
    """Answers below `/custom-hostname`. DNS of a hostname in `unresolved` says nothing yet."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.unresolved: set[str] = set()

    def doors(self) -> list[Door]:
        path = "/v1/projects/{ref}/custom-hostname"
        return [
            Door("GET", path, self._get),
            Door("DELETE", path, self._delete),
            Door("POST", f"{path}/initialize", self._initialize),
            Door("POST", f"{path}/reverify", self._reverify),
            Door("POST", f"{path}/activate", self._activate),
        ]

    def _status(self, project: Project) -> str:
        course = project.hostname_course
        return course.at(self._platform.clock.now()) if course else "1_not_started"

    def _told(self, project: Project) -> Json:
        status, name = self._status(project), project.hostname
        waiting = status in ("1_not_started", "2_initiated")
        proof = {"txt_name": f"_acme-challenge.{name}", "txt_value": "proof"}
        ssl: Json = {"status": "pending_validation" if waiting else "active", "validation_records": [proof]}
        if name in self.unresolved:
            ssl["validation_errors"] = [{"message": f"no TXT record at _acme-challenge.{name}"}]
        result = {
            "id": "3b1c9a52-6f0d-4d55-8f5e-0c8e6a7b9d11",
            "hostname": name,
            "ssl": ssl,
            "ownership_verification": {"type": "txt", "name": f"_cf-custom-hostname.{name}", "value": "proof"},
            "custom_origin_server": f"{project.ref}.supabase.co",
            "status": "pending" if waiting else "active",
        }
        data = {"success": True, "errors": [], "messages": [], "result": result}
        return {"status": status, "custom_hostname": name, "data": data}

    def _configured(self, request: Request) -> Project:
        project = self._platform.project(request)
        if not project.hostname:
            raise Refusal(404, "No custom hostname is configured")
        return project

    async def _get(self, request: Request) -> Response:
        return as_json(self._told(self._configured(request)))

    async def _initialize(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        name = wish.get("custom_hostname")
        if not isinstance(name, str) or "." not in name:
            raise Refusal(400, "custom_hostname: Invalid")
        project.hostname = name
        project.hostname_course = Course(self._platform.clock.now(), ("1_not_started", 1), "2_initiated")
        self._platform.tally.add("hostname")
        return as_json(self._told(project), 201)

    async def _reverify(self, request: Request) -> Response:
        project = self._configured(request)
        if project.hostname not in self.unresolved and self._status(project) == "2_initiated":
            now = self._platform.clock.now()
            project.hostname_course = Course(now, ("3_challenge_verified", 3), "4_origin_setup_completed")
            self._platform.tally.add("hostname")
        return as_json(self._told(project), 201)

    async def _activate(self, request: Request) -> Response:
        project = self._configured(request)
        if self._status(project) not in ("4_origin_setup_completed", "5_services_reconfigured"):
            raise Refusal(400, "The custom hostname is not verified")
        now, course = self._platform.clock.now(), project.hostname_course
        if course is not None and course.at(course.ends) != "5_services_reconfigured":
            project.hostname_course = Course(now, ("4_origin_setup_completed", 3), "5_services_reconfigured")
            self._platform.tally.add("hostname")
        return as_json(self._told(project), 201)

    async def _delete(self, request: Request) -> Response:
        project = self._configured(request)
        project.hostname, project.hostname_course = "", None
        self._platform.tally.add("hostname")
        return empty(200)

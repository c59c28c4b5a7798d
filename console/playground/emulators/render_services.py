"""Services as a whole: listed, changed, suspended, scaled, restarted, put into maintenance, their cache purged."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import iso
from console.playground.emulators.render_app import Frontdoor, per_service
from console.playground.emulators.render_estate import Estate, page
from console.playground.emulators.render_state import Json, Service
from console.playground.emulators.wire import Refusal, as_json, empty, many, read_object


class Services:
    """The handlers."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self, door: Frontdoor) -> list[Route]:
        service = "/services/{service}"
        return [
            door.route("GET", "/services", self._list),
            door.route("GET", service, self._get),
            door.route("PATCH", service, self._patch, per_service),
            door.route("POST", f"{service}/suspend", self._suspend, per_service),
            door.route("POST", f"{service}/resume", self._resume, per_service),
            door.route("POST", f"{service}/scale", self._scale, per_service),
            door.route("PUT", f"{service}/autoscaling", self._put_autoscaling),
            door.route("DELETE", f"{service}/autoscaling", self._delete_autoscaling),
            door.route("POST", f"{service}/restart", self._restart),
            door.route("POST", f"{service}/cache/purge", self._purge),
            door.route("GET", f"{service}/instances", self._instances),
        ]

    async def _list(self, request: Request) -> Response:
        names, types, owners = many(request, "name"), many(request, "type"), many(request, "ownerId")
        suspended, environments = many(request, "suspended"), many(request, "environmentId")
        found = []
        for service in self._estate.services.values():
            told = self._estate.told(service)
            wanted = (
                (names, told["name"]),
                (types, told["type"]),
                (owners, told["ownerId"]),
                (suspended, told["suspended"]),
                (environments, told["environmentId"]),
            )
            if all(not allowed or value in allowed for allowed, value in wanted):
                found.append(told)
        return page(request, found, "service", lambda told: str(told["id"]), lambda told: told)

    async def _get(self, request: Request) -> Response:
        return as_json(self._estate.told(self._estate.service(request)))

    async def _patch(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_object(request)
        details = wish.get("serviceDetails") or {}
        before = self._estate.told(service)
        service.auto_deploy = {"yes": True, "no": False}.get(wish.get("autoDeploy", ""), service.auto_deploy)
        if wish.get("autoDeployTrigger") in ("commit", "off", "checksPass"):
            service.auto_deploy = wish["autoDeployTrigger"] != "off"
            service.auto_deploy_trigger = wish["autoDeployTrigger"] if service.auto_deploy else "commit"
        service.branch = wish.get("branch", service.branch)
        service.root_dir = wish.get("rootDir", service.root_dir)
        service.health_check_path = details.get("healthCheckPath", service.health_check_path)
        service.plan = details.get("plan", service.plan)
        service.pre_deploy_command = details.get("preDeployCommand", service.pre_deploy_command)
        service.shutdown_delay_s = details.get("maxShutdownDelaySeconds", service.shutdown_delay_s)
        mode = details.get("maintenanceMode")
        if mode is not None:
            await self._set_maintenance(service, mode)
        if self._estate.told(service) != before:
            self._estate.touch(service, "update")
        return as_json(self._estate.told(service))

    async def _set_maintenance(self, service: Service, mode: Json) -> None:
        if not service.is_web or set(mode) != {"enabled", "uri"}:
            raise Refusal(400, "maintenanceMode is for web services and needs enabled and uri")
        switched = service.maintenance != mode["enabled"]
        service.maintenance, service.maintenance_uri = bool(mode["enabled"]), str(mode["uri"])
        if switched:
            now = self._estate.clock.now()
            service.happened(now, "maintenance_mode_enabled", {"enabled": service.maintenance})
            await self._estate.deployer.lead(service)

    async def _suspend(self, request: Request) -> Response:
        service = self._estate.service(request)
        if not service.suspended:
            service.suspended = True
            self._estate.touch(service, "suspend")
            service.happened(self._estate.clock.now(), "service_suspended", {"actor": "user"})
            await self._estate.deployer.suspend(service)
        return empty(202)

    async def _resume(self, request: Request) -> Response:
        service = self._estate.service(request)
        if service.suspended:
            service.suspended = False
            self._estate.touch(service, "resume")
            service.happened(self._estate.clock.now(), "service_resumed", {"actor": "user"})
            self._estate.deployer.resume(service)
        return empty(202)

    async def _scale(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_object(request)
        count = wish.get("numInstances")
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 100:
            raise Refusal(400, "numInstances must be between 1 and 100")
        if service.autoscaling is None:
            self._set_count(service, count, "scale")
        return empty(202)

    def _set_count(self, service: Service, count: int, change: str) -> None:
        before, service.count = service.count, count
        if count != before:
            self._estate.touch(service, change)
            self._estate.tasks.begin(self._estate.deployer.scale(service, before))

    async def _put_autoscaling(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_object(request)
        low, high, criteria = wish.get("min"), wish.get("max"), wish.get("criteria")
        if not isinstance(low, int) or not isinstance(high, int) or not 1 <= low <= high <= 100:
            raise Refusal(400, "min and max must be between 1 and 100, and min not above max")
        if not isinstance(criteria, dict) or not any(criteria.get(x, {}).get("enabled") for x in ("cpu", "memory")):
            raise Refusal(400, "criteria must enable cpu or memory")
        told = {"enabled": bool(wish.get("enabled")), "min": low, "max": high, "criteria": criteria}
        if told != service.autoscaling:
            changed = {"fromConfig": service.autoscaling} if service.autoscaling else {}
            service.happened(self._estate.clock.now(), "autoscaling_config_changed", {**changed, "toConfig": told})
            service.autoscaling = told
            self._estate.touch(service, "autoscaling")
            self._set_count(service, min(max(service.count, low), high), "scale")
        return as_json(told)

    async def _delete_autoscaling(self, request: Request) -> Response:
        service = self._estate.service(request)
        if service.autoscaling is None:
            raise Refusal(404, "autoscaling is not configured")
        service.autoscaling = None
        self._estate.touch(service, "autoscaling")
        return empty(204)

    async def _restart(self, request: Request) -> Response:
        service = self._estate.service(request)
        if service.suspended or service.type == "cron_job":
            raise Refusal(400, "cannot restart a suspended service or a cron job")
        self._estate.tally.add("restart")
        service.happened(self._estate.clock.now(), "server_restarted", {"triggeredByUser": "ops@harbour.example"})
        self._estate.tasks.begin(self._estate.deployer.restart(service))
        return empty(200)

    async def _purge(self, request: Request) -> Response:
        service = self._estate.service(request)
        if not service.has_edge:
            raise Refusal(400, "caching is for web services and static sites")
        if service.cached:
            service.cached = False
            self._estate.tally.add("purge")
        return empty(202)

    async def _instances(self, request: Request) -> Response:
        running = self._estate.service(request).running
        return as_json([{"id": one.id, "createdAt": iso(one.created_at)} for one in running])

"""Render's control plane: owners, services, deploys, env vars, events and domains. Base path `/v1`.

Suspending, scaling and deploying act on real processes through `Hosting`. Render takes no idempotency key: every
POST of a deploy makes one, and one more is queued behind a deploy in progress with an empty 202.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import Clock, iso, parse_iso
from console.playground.emulators.emulator import Emulator, Tally, Tasks
from console.playground.emulators.ids import render_id
from console.playground.emulators.limits import Windows
from console.playground.emulators.render_app import Frontdoor, per_service
from console.playground.emulators.render_deploys import Deployer
from console.playground.emulators.render_readings import Readings
from console.playground.emulators.render_state import Job, Json, Service
from console.playground.emulators.wire import (
    Refusal,
    after_cursor,
    as_json,
    cursor_for,
    empty,
    many,
    read_json,
    read_object,
    whole,
)
from console.playground.hosting import Hosting
from console.playground.releases import Catalogue
from console.playground.scene import RENDER_OWNER, REPOSITORY, SERVICES

T = TypeVar("T")
OWNER: Json = {"id": RENDER_OWNER, "name": "Harbour Shop", "email": "ops@harbour.example", "type": "team"}


class Render(Emulator):
    """The emulated Render."""

    def __init__(
        self, hosting: Hosting, releases: Catalogue, token: str, clock: Clock, limit_scale: float = 1.0
    ) -> None:
        self._clock = clock
        self._tally = Tally()
        self._tasks = Tasks()
        self._deployer = Deployer(hosting, releases, clock, self._tasks, self._tally)
        founded = releases.first.created_at.timestamp()
        self.services = {
            cast.id: Service(cast, hosting.url_of(cast.name), founded, founded, suspended=cast.starts_suspended)
            for cast in SERVICES
            if cast.platform == "render"
        }
        self._readings = Readings(hosting, clock, self.services)
        super().__init__("render", self._build(Frontdoor(token, clock, Windows(clock, limit_scale))), self._tally)

    async def start(self) -> None:
        await asyncio.gather(*(self._deployer.first_live(service) for service in self.services.values()))

    async def stop(self) -> None:
        await self._tasks.cancel()
        await self._deployer.stop(list(self.services.values()))

    def _build(self, door: Frontdoor) -> Starlette:
        service, deploys = "/services/{service}", "/services/{service}/deploys"
        return Starlette(
            routes=[
                door.route("GET", "/users", self._user),
                door.route("GET", "/owners", self._owners),
                door.route("GET", "/owners/{owner}", self._owner),
                door.route("GET", "/services", self._list_services),
                door.route("GET", service, self._get_service),
                door.route("PATCH", service, self._patch_service, per_service),
                door.route("POST", f"{service}/suspend", self._suspend, per_service),
                door.route("POST", f"{service}/resume", self._resume, per_service),
                door.route("POST", f"{service}/scale", self._scale, per_service),
                door.route("POST", f"{service}/restart", self._restart),
                door.route("GET", f"{service}/instances", self._instances),
                door.route("POST", deploys, self._create_deploy, per_service),
                door.route("GET", deploys, self._list_deploys),
                door.route("GET", f"{deploys}/{{deploy}}", self._get_deploy),
                door.route("POST", f"{deploys}/{{deploy}}/cancel", self._cancel_deploy),
                door.route("POST", f"{service}/rollback", self._roll_back),
                door.route("GET", f"{service}/env-vars", self._list_env),
                door.route("PUT", f"{service}/env-vars", self._replace_env),
                door.route("GET", f"{service}/env-vars/{{key}}", self._get_env),
                door.route("PUT", f"{service}/env-vars/{{key}}", self._put_env),
                door.route("DELETE", f"{service}/env-vars/{{key}}", self._delete_env),
                door.route("GET", f"{service}/events", self._events),
                door.route("GET", f"{service}/custom-domains", self._domains),
                door.route("GET", f"{service}/jobs", self._list_jobs),
                door.route("POST", f"{service}/jobs", self._create_job),
                door.route("GET", f"{service}/jobs/{{job}}", self._get_job),
                door.route("GET", "/logs", self._readings.logs),
                door.route("GET", "/logs/values", self._readings.label_values),
                *(door.route("GET", f"/metrics/{name}", handler) for name, handler in self._readings.metrics().items()),
                door.catch_all(),
            ]
        )

    def _service(self, request: Request) -> Service:
        found = self.services.get(request.path_params["service"])
        if found is None:
            raise Refusal(404, f"not found: {request.path_params['service']}")
        return found

    async def _user(self, _: Request) -> Response:
        return as_json({"email": OWNER["email"], "name": "Quinn Deckhand"})

    async def _owners(self, request: Request) -> Response:
        names = request.query_params.getlist("name")
        fits = not names or OWNER["name"] in names
        return self._page(request, [OWNER] if fits else [], "owner", lambda owner: owner["id"], lambda owner: owner)

    async def _owner(self, request: Request) -> Response:
        if request.path_params["owner"] != RENDER_OWNER:
            raise Refusal(404, f"not found: {request.path_params['owner']}")
        return as_json(OWNER)

    async def _list_services(self, request: Request) -> Response:
        names, types, owners = many(request, "name"), many(request, "type"), many(request, "ownerId")
        suspended, environments = many(request, "suspended"), many(request, "environmentId")
        found = []
        for service in self.services.values():
            told = service.to_json(RENDER_OWNER, REPOSITORY)
            wanted = (
                (names, told["name"]),
                (types, told["type"]),
                (owners, told["ownerId"]),
                (suspended, told["suspended"]),
                (environments, told["environmentId"]),
            )
            if all(not allowed or value in allowed for allowed, value in wanted):
                found.append(told)
        return self._page(request, found, "service", lambda told: told["id"], lambda told: told)

    async def _get_service(self, request: Request) -> Response:
        return as_json(self._service(request).to_json(RENDER_OWNER, REPOSITORY))

    async def _patch_service(self, request: Request) -> Response:
        service, wish = self._service(request), await read_object(request)
        details = wish.get("serviceDetails") or {}
        before = service.to_json(RENDER_OWNER, REPOSITORY)
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
        if service.to_json(RENDER_OWNER, REPOSITORY) != before:
            service.updated_at = self._clock.now()
            self._tally.add("update")
        return as_json(service.to_json(RENDER_OWNER, REPOSITORY))

    async def _set_maintenance(self, service: Service, mode: Json) -> None:
        if not service.is_web or set(mode) != {"enabled", "uri"}:
            raise Refusal(400, "maintenanceMode is for web services and needs enabled and uri")
        switched = service.maintenance != mode["enabled"]
        service.maintenance, service.maintenance_uri = bool(mode["enabled"]), str(mode["uri"])
        if switched:
            service.happened(self._clock.now(), "maintenance_mode_enabled", {"enabled": service.maintenance})
            await self._deployer.lead(service)

    async def _suspend(self, request: Request) -> Response:
        service = self._service(request)
        if not service.suspended:
            service.suspended = True
            service.updated_at = self._clock.now()
            self._tally.add("suspend")
            service.happened(self._clock.now(), "service_suspended", {"actor": "user"})
            await self._deployer.suspend(service)
        return empty(202)

    async def _resume(self, request: Request) -> Response:
        service = self._service(request)
        if service.suspended:
            service.suspended = False
            service.updated_at = self._clock.now()
            self._tally.add("resume")
            service.happened(self._clock.now(), "service_resumed", {"actor": "user"})
            self._deployer.resume(service)
        return empty(202)

    async def _scale(self, request: Request) -> Response:
        service, wish = self._service(request), await read_object(request)
        count = wish.get("numInstances")
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 100:
            raise Refusal(400, "numInstances must be between 1 and 100")
        before, service.count = service.count, count
        if count != before:
            service.updated_at = self._clock.now()
            self._tally.add("scale")
            self._tasks.begin(self._deployer.scale(service, before))
        return empty(202)

    async def _restart(self, request: Request) -> Response:
        service = self._service(request)
        if service.suspended:
            raise Refusal(400, "cannot restart a suspended service")
        self._tally.add("restart")
        self._tasks.begin(self._deployer.restart(service))
        return empty(200)

    async def _instances(self, request: Request) -> Response:
        running = self._service(request).running
        return as_json([{"id": one.id, "createdAt": iso(one.created_at)} for one in running])

    async def _create_deploy(self, request: Request) -> Response:
        service, wish = self._service(request), await read_object(request, required=False)
        if service.suspended:
            raise Refusal(400, "cannot deploy a suspended service")
        if wish.get("imageUrl"):
            raise Refusal(400, "imageUrl can only be used with image-backed services")
        if wish.get("clearCache") not in (None, "clear", "do_not_clear"):
            raise Refusal(400, "invalid clearCache")
        deploy = self._deployer.request(service, wish.get("commitId") or None, wish.get("clearCache") == "clear")
        return empty(202) if deploy is None else as_json(deploy.to_json(), 201)

    async def _list_deploys(self, request: Request) -> Response:
        service, statuses = self._service(request), many(request, "status")
        found = [deploy for deploy in service.deploys if not statuses or deploy.status in statuses]
        for name in ("created", "updated", "finished"):
            before, after = _moment(request, f"{name}Before"), _moment(request, f"{name}After")
            times = [(deploy, getattr(deploy, f"{name}_at")) for deploy in found]
            found = [
                deploy
                for deploy, at in times
                if (before is None or (at is not None and at < before))
                and (after is None or (at is not None and at > after))
            ]
        return self._page(request, found, "deploy", lambda deploy: deploy.id, lambda deploy: deploy.to_json())

    async def _get_deploy(self, request: Request) -> Response:
        deploy = self._service(request).find(request.path_params["deploy"])
        if deploy is None:
            raise Refusal(404, f"not found: {request.path_params['deploy']}")
        return as_json(deploy.to_json())

    async def _cancel_deploy(self, request: Request) -> Response:
        service = self._service(request)
        deploy = service.find(request.path_params["deploy"])
        if deploy is None:
            raise Refusal(404, f"not found: {request.path_params['deploy']}")
        if not self._deployer.cancel(service, deploy):
            raise Refusal(400, f"deploy {deploy.id} cannot be canceled: it is {deploy.status}")
        self._tally.add("cancel")
        return as_json(deploy.to_json())

    async def _roll_back(self, request: Request) -> Response:
        service, wish = self._service(request), await read_object(request)
        if service.suspended:
            raise Refusal(400, "cannot roll back a suspended service")
        if not isinstance(wish.get("deployId"), str):
            raise Refusal(400, "deployId is required")
        return as_json(self._deployer.roll_back(service, wish["deployId"]).to_json(), 201)

    async def _list_env(self, request: Request) -> Response:
        return self._env_page(request, self._service(request))

    def _env_page(self, request: Request, service: Service) -> Response:
        pairs = list(service.env_vars.items())
        return self._page(request, pairs, "envVar", lambda pair: pair[0], lambda p: {"key": p[0], "value": p[1]})

    async def _replace_env(self, request: Request) -> Response:
        service, wish = self._service(request), await read_json(request)
        if not isinstance(wish, list) or not all(isinstance(one, dict) and one.get("key") for one in wish):
            raise Refusal(400, "a list of env vars with a key each is required")
        self._set_env(service, {one["key"]: _env_value(one) for one in wish})
        return self._env_page(request, service)

    async def _get_env(self, request: Request) -> Response:
        service, key = self._service(request), request.path_params["key"]
        if key not in service.env_vars:
            raise Refusal(404, f"not found: {key}")
        return as_json({"key": key, "value": service.env_vars[key]})

    async def _put_env(self, request: Request) -> Response:
        service, key, wish = self._service(request), request.path_params["key"], await read_object(request)
        self._set_env(service, {**service.env_vars, key: _env_value(wish)})
        return as_json({"key": key, "value": service.env_vars[key]})

    async def _delete_env(self, request: Request) -> Response:
        service, key = self._service(request), request.path_params["key"]
        if key not in service.env_vars:
            raise Refusal(404, f"not found: {key}")
        self._set_env(service, {name: value for name, value in service.env_vars.items() if name != key})
        return empty(204)

    def _set_env(self, service: Service, wanted: dict[str, str]) -> None:
        if wanted != service.env_vars:
            service.env_vars = wanted
            self._tally.add("env_vars")

    async def _events(self, request: Request) -> Response:
        service, types = self._service(request), many(request, "type")
        start, end = _moment(request, "startTime"), _moment(request, "endTime")
        found = [
            event
            for event in service.events
            if (not types or event.type in types)
            and (start is None or event.at >= start)
            and (end is None or event.at <= end)
        ]
        told: list[Json] = [
            {"id": e.id, "timestamp": iso(e.at), "serviceId": service.id, "type": e.type, "details": e.details}
            for e in found
        ]
        return self._page(request, told, "event", lambda event: str(event["id"]), lambda event: event)

    async def _domains(self, request: Request) -> Response:
        self._service(request)
        return as_json([])

    async def _list_jobs(self, request: Request) -> Response:
        service = self._service(request)
        return self._page(request, service.jobs, "job", lambda job: job.id, lambda job: _job_json(service, job))

    async def _create_job(self, request: Request) -> Response:
        service, wish = self._service(request), await read_object(request)
        if not wish.get("startCommand"):
            raise Refusal(400, "startCommand is required")
        plan = str(wish.get("planId") or "plan-srv-006")
        job = Job(render_id("job"), str(wish["startCommand"]), plan, "succeeded", self._clock.now())
        service.jobs.insert(0, job)
        self._tally.add("job")
        return as_json(_job_json(service, job), 201)

    async def _get_job(self, request: Request) -> Response:
        service, wanted = self._service(request), request.path_params["job"]
        for job in service.jobs:
            if job.id == wanted:
                return as_json(_job_json(service, job))
        raise Refusal(404, f"not found: {wanted}")

    def _page(
        self, request: Request, items: Sequence[T], name: str, key: Callable[[T], str], told: Callable[[T], Json]
    ) -> Response:
        limit = whole(request, "limit", 20, 1, 100)
        page = after_cursor(items, request.query_params.get("cursor", ""), key)[:limit]
        return as_json([{name: told(item), "cursor": cursor_for(key(item))} for item in page])


def _job_json(service: Service, job: Job) -> Json:
    at = iso(job.created_at)
    return {
        "id": job.id,
        "serviceId": service.id,
        "startCommand": job.command,
        "planId": job.plan,
        "status": job.status,
        "createdAt": at,
        "startedAt": at,
        "finishedAt": at,
    }


def _env_value(wish: Json) -> str:
    if isinstance(wish.get("value"), str):
        return str(wish["value"])
    if wish.get("generateValue") is True:
        return secrets.token_urlsafe(32)
    raise Refusal(400, "value or generateValue is required")


def _moment(request: Request, name: str) -> float | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        return parse_iso(text)
    except ValueError as error:
        raise Refusal(400, f"invalid {name}") from error

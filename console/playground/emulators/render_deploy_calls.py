"""Deploys as they are asked for: by commit, image or build; canceled, rolled back; and the events they leave.

Building once and deploying the build to several services is younger than Render's document of August 2026: paths and
shapes are those of Render's own Python SDK 1.5.0.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import iso
from console.playground.emulators.ids import render_id
from console.playground.emulators.render_app import Frontdoor, per_service
from console.playground.emulators.render_estate import Estate, moment, page
from console.playground.emulators.render_state import Json, Service
from console.playground.emulators.wire import Refusal, as_json, empty, many, read_object
from console.playground.scene import RENDER_OWNER

SOURCE = "bds-d4shop0k7v1c9m2e5fg0"
BUILD_S = 0.45


@dataclass
class Build:
    """A build that several services may deploy."""

    id: str
    commit: str
    created_at: float
    status: str = "inProgress"


class Deploys:
    """The handlers."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self.builds: list[Build] = []

    def routes(self, door: Frontdoor) -> list[Route]:
        service, deploys, builds = (
            "/services/{service}",
            "/services/{service}/deploys",
            "/build-sources/{source}/builds",
        )
        return [
            door.route("POST", deploys, self._create, per_service),
            door.route("GET", deploys, self._list),
            door.route("GET", f"{deploys}/{{deploy}}", self._get),
            door.route("POST", f"{deploys}/{{deploy}}/cancel", self._cancel),
            door.route("POST", f"{service}/rollback", self._roll_back),
            door.route("GET", f"{service}/events", self._events),
            door.route("GET", "/build-sources", self._list_sources),
            door.route("GET", builds, self._list_builds),
            door.route("POST", builds, self._create_build),
            door.route("GET", f"{builds}/{{build}}", self._get_build),
        ]

    async def _create(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_object(request, required=False)
        if service.suspended:
            raise Refusal(400, "cannot deploy a suspended service")
        if wish.get("clearCache") not in (None, "clear", "do_not_clear"):
            raise Refusal(400, "invalid clearCache")
        if sum(1 for name in ("commitId", "imageUrl", "buildId") if wish.get(name)) > 1:
            raise Refusal(400, "commitId, imageUrl and buildId cannot be combined")
        image, commit = str(wish.get("imageUrl") or ""), wish.get("commitId") or None
        if image or service.image:
            image = _image(service, image)
        build = str(wish.get("buildId") or "")
        if build:
            commit = self._usable(build).commit
        deploy = self._estate.deployer.request(service, commit, wish.get("clearCache") == "clear", image, build)
        return empty(202) if deploy is None else as_json(deploy.to_json(), 201)

    def _usable(self, build: str) -> Build:
        found = next((one for one in self.builds if one.id == build), None)
        if found is None:
            raise Refusal(404, f"not found: {build}")
        if found.status != "succeeded":
            raise Refusal(400, f"build {build} cannot be deployed: it is {found.status}")
        return found

    async def _list(self, request: Request) -> Response:
        service, statuses = self._estate.service(request), many(request, "status")
        found = [deploy for deploy in service.deploys if not statuses or deploy.status in statuses]
        for name in ("created", "updated", "finished"):
            before, after = moment(request, f"{name}Before"), moment(request, f"{name}After")
            times = [(deploy, getattr(deploy, f"{name}_at")) for deploy in found]
            found = [
                deploy
                for deploy, at in times
                if (before is None or (at is not None and at < before))
                and (after is None or (at is not None and at > after))
            ]
        return page(request, found, "deploy", lambda deploy: deploy.id, lambda deploy: deploy.to_json())

    async def _get(self, request: Request) -> Response:
        deploy = self._estate.service(request).find(request.path_params["deploy"])
        if deploy is None:
            raise Refusal(404, f"not found: {request.path_params['deploy']}")
        return as_json(deploy.to_json())

    async def _cancel(self, request: Request) -> Response:
        service = self._estate.service(request)
        deploy = service.find(request.path_params["deploy"])
        if deploy is None:
            raise Refusal(404, f"not found: {request.path_params['deploy']}")
        if not self._estate.deployer.cancel(service, deploy):
            raise Refusal(400, f"deploy {deploy.id} cannot be canceled: it is {deploy.status}")
        self._estate.tally.add("cancel")
        return as_json(deploy.to_json())

    async def _roll_back(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_object(request)
        if service.suspended:
            raise Refusal(400, "cannot roll back a suspended service")
        if not isinstance(wish.get("deployId"), str):
            raise Refusal(400, "deployId is required")
        return as_json(self._estate.deployer.roll_back(service, wish["deployId"]).to_json(), 201)

    async def _events(self, request: Request) -> Response:
        service, types = self._estate.service(request), many(request, "type")
        await self._estate.deployer.note_crashes(service)
        start, end = moment(request, "startTime"), moment(request, "endTime")
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
        return page(request, told, "event", lambda event: str(event["id"]), lambda event: event)

    async def _list_sources(self, request: Request) -> Response:
        told: Json = {
            "id": SOURCE,
            "name": "shop",
            "ownerId": RENDER_OWNER,
            "createdAt": iso(self._estate.clock.now()),
            "updatedAt": iso(self._estate.clock.now()),
            "serviceLinks": [],
        }
        return page(request, [told], "buildSource", lambda source: str(source["id"]), lambda source: source)

    async def _list_builds(self, request: Request) -> Response:
        _check_source(request)
        return page(request, self.builds, "build", lambda build: build.id, _told)

    async def _create_build(self, request: Request) -> Response:
        _check_source(request)
        commit = self._estate.deployer.releases.main.commit
        build = Build(render_id("bld"), commit, self._estate.clock.now())
        self.builds.insert(0, build)
        self._estate.tally.add("build")
        self._estate.tasks.begin(self._run(build))
        return as_json(_told(build), 201)

    async def _run(self, build: Build) -> None:
        await self._estate.clock.sleep(BUILD_S)
        build.status = "succeeded" if self._estate.deployer.releases.find(build.commit) else "failed"

    async def _get_build(self, request: Request) -> Response:
        _check_source(request)
        for build in self.builds:
            if build.id == request.path_params["build"]:
                return as_json(_told(build))
        raise Refusal(404, f"not found: {request.path_params['build']}")


def _check_source(request: Request) -> None:
    if request.path_params["source"] != SOURCE:
        raise Refusal(404, f"not found: {request.path_params['source']}")


def _image(service: Service, wanted: str) -> str:
    """The image to deploy: only tag or digest may differ from what the service is made of."""
    if not service.image:
        raise Refusal(400, "imageUrl can only be used with image-backed services")
    if wanted and _repository(wanted) != _repository(service.image):
        raise Refusal(400, f"the image must be one of {_repository(service.image)}")
    return wanted or service.image


def _repository(image: str) -> str:
    bare, _, last = image.partition("@")[0].rpartition("/")
    return f"{bare}/{last.partition(':')[0]}"


def _told(build: Build) -> Json:
    at = iso(build.created_at)
    run = {"id": f"run-{build.id}", "status": build.status, "commitId": build.commit, "buildStartedAt": at}
    return {"id": build.id, "buildSourceId": SOURCE, "createdAt": at, "updatedAt": at, "buildRun": run}

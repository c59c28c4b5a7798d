"""Vercel's aliases: hostnames, and the deployments that they lead to."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock, iso, millis
from console.playground.emulators.emulator import Tally
from console.playground.emulators.ids import slug
from console.playground.emulators.vercel_app import Frontdoor, paged
from console.playground.emulators.vercel_builds import Builder, FailedToBootError
from console.playground.emulators.vercel_parts import Json
from console.playground.emulators.vercel_state import Deployment, Project
from console.playground.emulators.wire import Refusal, as_json, read_object


class Aliases:
    """Answers what is asked about aliases. Those of a project's production domain move production itself."""

    def __init__(
        self,
        projects: Sequence[Project],
        find: Callable[[Request], tuple[Project, Deployment]],
        builder: Builder,
        clock: Clock,
        tally: Tally,
    ) -> None:
        self._projects = projects
        self._find = find
        self._builder = builder
        self._clock = clock
        self._tally = tally

    def routes(self, door: Frontdoor) -> list[Route]:
        return [
            door.route("POST", "/v2/deployments/{deployment}/aliases", self._assign),
            door.route("GET", "/v2/deployments/{deployment}/aliases", self._of),
            door.route("GET", "/v4/aliases", self._list),
            door.route("GET", "/v4/aliases/{alias}", self._get),
            door.route("DELETE", "/v2/aliases/{alias}", self._delete),
        ]

    async def _assign(self, request: Request) -> Response:
        (project, deployment), wish = self._find(request), await read_object(request)
        alias = wish.get("alias")
        if not isinstance(alias, str) or not alias:
            raise Refusal(400, "Invalid request: missing required property `alias`.", "bad_request")
        if deployment.state != "READY":
            raise Refusal(400, "The deployment is not READY", "deployment_not_ready")
        identity, before, _ = project.aliases.get(alias, (slug(24), "", 0.0))
        if before == deployment.id:
            raise Refusal(409, "The provided alias is already assigned to the given deployment", "alias_in_use")
        self._tally.add("alias")
        if alias == project.domain:
            try:
                await self._builder.lead(project, deployment)
            except FailedToBootError as error:
                raise Refusal(400, str(error), "deployment_not_ready") from error
        now = self._clock.now()
        project.aliases[alias] = (identity, deployment.id, now)
        told: Json = {"uid": identity, "alias": alias, "created": iso(now)}
        if before:
            told["oldDeploymentId"] = before
        return as_json(told)

    async def _of(self, request: Request) -> Response:
        project, deployment = self._find(request)
        told = [
            {"uid": identity, "alias": alias, "created": iso(at), "redirect": None}
            for alias, (identity, target, at) in project.aliases.items()
            if target == deployment.id
        ]
        return as_json({"aliases": told})

    async def _list(self, request: Request) -> Response:
        wanted, domain = request.query_params.get("projectId"), request.query_params.get("domain")
        found: list[tuple[int, Json]] = []
        for project in self._projects:
            if wanted not in (None, project.id, project.name):
                continue
            for alias, (_, _, at) in project.aliases.items():
                if domain in (None, alias) or alias.endswith(f".{domain}"):
                    found.append((millis(at), self._told(project, alias)))
        return paged(request, "aliases", sorted(found, key=lambda pair: pair[0], reverse=True))

    async def _get(self, request: Request) -> Response:
        return as_json([self._told(*self._locate(request))])

    async def _delete(self, request: Request) -> Response:
        project, alias = self._locate(request)
        del project.aliases[alias]
        self._tally.add("alias_removed")
        if alias == project.domain:
            await self._builder.lead_nowhere(project)
        return as_json({"status": "SUCCESS"})

    def _locate(self, request: Request) -> tuple[Project, str]:
        wanted = request.path_params["alias"]
        for project in self._projects:
            for alias, (identity, _, _) in project.aliases.items():
                if wanted in (alias, identity):
                    return project, alias
        raise Refusal(404, "The alias was not found", "not_found")

    def _told(self, project: Project, alias: str) -> Json:
        identity, target, at = project.aliases[alias]
        told: Json = {
            "uid": identity,
            "alias": alias,
            "created": iso(at),
            "createdAt": millis(at),
            "updatedAt": millis(at),
            "deploymentId": target,
            "projectId": project.id,
            "redirect": None,
        }
        deployment = project.find(target)
        if deployment is not None:
            told["deployment"] = {"id": target, "url": deployment.host, "meta": ""}
        return told

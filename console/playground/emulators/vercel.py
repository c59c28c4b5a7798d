"""Vercel's control plane: projects, deployments, promotion, instant rollback and aliases.

Building and serving are two things: with `autoAssignCustomDomains` off a production deployment becomes READY and
STAGED at its own address, and production moves only by promote, rollback or alias.
"""

from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import Clock, millis
from console.playground.emulators.emulator import Emulator, Tally, Tasks
from console.playground.emulators.limits import Windows
from console.playground.emulators.vercel_aliases import Aliases
from console.playground.emulators.vercel_app import Frontdoor, paged
from console.playground.emulators.vercel_builds import Builder, Wish
from console.playground.emulators.vercel_certs import Certificates
from console.playground.emulators.vercel_checks import Checks
from console.playground.emulators.vercel_dns import Dns
from console.playground.emulators.vercel_domains import Domains
from console.playground.emulators.vercel_edge import EdgeConfigs
from console.playground.emulators.vercel_env import EnvVars
from console.playground.emulators.vercel_logs import Logs
from console.playground.emulators.vercel_parts import Json
from console.playground.emulators.vercel_rolling import Rolling
from console.playground.emulators.vercel_state import USER_ID, USERNAME, Deployment, Project
from console.playground.emulators.vercel_usage import Figures
from console.playground.emulators.wire import Refusal, as_json, empty, read_object
from console.playground.hosting import Hosting
from console.playground.releases import Catalogue
from console.playground.scene import SERVICES, VERCEL_TEAM

TEAM: Json = {
    "id": VERCEL_TEAM,
    "slug": "harbour-shop",
    "name": "Harbour Shop",
    "creatorId": USER_ID,
    "description": None,
    "avatar": None,
    "stagingPrefix": "harbour",
}


class Vercel(Emulator):
    """The emulated Vercel."""

    def __init__(
        self, hosting: Hosting, releases: Catalogue, token: str, clock: Clock, limit_scale: float = 1.0
    ) -> None:
        self._clock = clock
        self._releases = releases
        self._tally = Tally()
        self._tasks = Tasks()
        self._builder = Builder(hosting, releases, clock, self._tasks, self._tally)
        founded = releases.first.created_at.timestamp()
        self.projects = [
            Project(cast, hosting.url_of(cast.name).partition("://")[2], founded, founded)
            for cast in SERVICES
            if cast.platform == "vercel"
        ]
        self._aliases = Aliases(self.projects, self.find, self._builder, clock, self._tally)
        self.rolling = Rolling(self.project, self._builder.rollouts, clock, self._tally)
        self.dns = Dns(founded, clock, self._tally)
        self.domains = Domains(self.projects, self.project, self.dns, clock, self._tally)
        self._certificates = Certificates(self.dns, clock, self._tally)
        self._checks = Checks(self.project, self.find, clock, self._tally)
        self._edge = EdgeConfigs(clock, self._tally)
        self.figures = Figures(self.projects, hosting, clock)
        self._env = EnvVars(self.project, clock, self._tally)
        self._logs = Logs(hosting, clock, self.find)
        windows = Windows(clock, limit_scale)
        super().__init__("vercel", self._build(Frontdoor(token, clock, windows)), self._tally, windows)

    async def start(self) -> None:
        for project in self.projects:
            await self._builder.first_live(project)

    async def stop(self) -> None:
        await self._tasks.cancel()
        await self._builder.stop(self.projects)

    def _build(self, door: Frontdoor) -> Starlette:
        one = "/v13/deployments/{deployment}"
        return Starlette(
            routes=[
                door.route("GET", "/v2/user", self._user),
                door.route("GET", "/v2/teams", self._teams),
                door.route("GET", "/v2/teams/{team}", self._team),
                door.route("GET", "/v10/projects", self._list_projects),
                door.route("GET", "/v9/projects/{project}", self._get_project),
                door.route("PATCH", "/v9/projects/{project}", self._patch_project),
                door.route("POST", "/v1/projects/{project}/pause", self._pause),
                door.route("POST", "/v1/projects/{project}/unpause", self._pause),
                door.route("POST", "/v13/deployments", self._create, deploys=True),
                door.route("GET", "/v6/deployments", self._list),
                door.route("GET", "/v7/deployments", self._list),
                door.route("GET", one, self._get),
                door.route("DELETE", one, self._delete),
                door.route("PATCH", "/v12/deployments/{deployment}/cancel", self._cancel),
                door.route("POST", "/v10/projects/{project}/promote/{deployment}", self._promote),
                door.route("GET", "/v1/projects/{project}/promote/aliases", self._request_aliases),
                door.route("GET", "/v9/projects/{project}/rollback/aliases", self._request_aliases),
                door.route("POST", "/v9/projects/{project}/rollback/{deployment}", self._roll_back),
                door.route("POST", "/v1/projects/{project}/rollback/{deployment}", self._roll_back),
                *self._aliases.routes(door),
                *self.dns.routes(door),
                *self.domains.routes(door),
                *self._certificates.routes(door),
                *self._checks.routes(door),
                *self._edge.routes(door),
                *self.figures.routes(door),
                *self.rolling.routes(door),
                *self._env.routes(door),
                *self._logs.routes(door),
                door.catch_all(),
            ]
        )

    def project(self, request: Request) -> Project:
        wanted = request.path_params["project"]
        for project in self.projects:
            if wanted in (project.id, project.name):
                return project
        raise Refusal(404, "Project not found", "not_found")

    def find(self, request: Request) -> tuple[Project, Deployment]:
        for project in self.projects:
            found = project.find(request.path_params["deployment"])
            if found is not None:
                return project, found
        raise Refusal(404, "The deployment could not be found.", "not_found")

    async def _user(self, _: Request) -> Response:
        user = {
            "id": USER_ID,
            "email": "ops@harbour.example",
            "name": "Quinn Deckhand",
            "username": USERNAME,
            "avatar": None,
            "defaultTeamId": VERCEL_TEAM,
            "limited": True,
        }
        return as_json({"user": user})

    def _team_json(self) -> Json:
        at = millis(self.projects[0].created_at)
        member = {"confirmed": True, "role": "OWNER", "createdAt": at, "created": at, "confirmedAt": at, "uid": USER_ID}
        return {**TEAM, "createdAt": at, "updatedAt": at, "membership": member}

    async def _teams(self, request: Request) -> Response:
        return paged(request, "teams", [(millis(self.projects[0].created_at), self._team_json())])

    async def _team(self, request: Request) -> Response:
        if request.path_params["team"] not in (VERCEL_TEAM, TEAM["slug"]):
            raise Refusal(404, "Team not found", "not_found")
        return as_json(self._team_json())

    async def _list_projects(self, request: Request) -> Response:
        wanted = request.query_params.get("search", "")
        found = [project for project in self.projects if wanted in project.name]
        return paged(request, "projects", [(millis(project.updated_at), project.to_json()) for project in found])

    async def _get_project(self, request: Request) -> Response:
        return as_json(self.project(request).to_json())

    async def _patch_project(self, request: Request) -> Response:
        project, wish = self.project(request), await read_object(request)
        wanted = wish.get("autoAssignCustomDomains", project.auto_assign)
        if not isinstance(wanted, bool):
            raise Refusal(400, "Invalid request: `autoAssignCustomDomains` should be boolean.", "bad_request")
        if wanted != project.auto_assign:
            project.auto_assign, project.updated_at = wanted, self._clock.now()
            self._tally.add("project")
        return as_json(project.to_json())

    async def _pause(self, request: Request) -> Response:
        project, wanted = self.project(request), not request.url.path.endswith("/unpause")
        if wanted != project.is_paused:
            project.is_paused = wanted
            self._tally.add("pause" if wanted else "unpause")
            await self._builder.pause(project)
        return empty(200)

    def _told(self, project: Project, deployment: Deployment) -> Json:
        return deployment.full(project.aliases_of(deployment), project.auto_assign)

    async def _create(self, request: Request) -> Response:
        wish = await read_object(request)
        if not wish.get("name"):
            raise Refusal(400, "Invalid request: missing required property `name`.", "bad_request")
        named = (wish.get("project"), wish["name"])
        project = next((one for one in self.projects if one.id in named or one.name in named), None)
        if project is None:
            raise Refusal(404, "Project not found", "not_found")
        made_of = self._made_of(project, wish)
        same = next((one for one in project.deployments if self._is_same(one, made_of)), None)
        if same is not None and request.query_params.get("forceNew") != "1":
            return as_json(self._told(project, same))
        return as_json(self._told(project, self._builder.create(project, made_of)))

    def _made_of(self, project: Project, wish: Json) -> Wish:
        target = wish.get("target")
        if target not in (None, "production", "staging"):
            raise Refusal(400, "Invalid request: `target` should be one of production, staging.", "bad_request")
        meta = wish.get("meta") or {}
        if not all(isinstance(value, str) for value in meta.values()):
            raise Refusal(400, "Invalid request: `meta` should hold strings.", "bad_request")
        again = wish.get("deploymentId")
        if again:
            original = project.find(again)
            if original is None:
                raise Refusal(404, "The deployment could not be found.", "not_found")
            return Wish(original.commit, original.ref, target, {**original.meta, **meta}, "redeploy")
        source = wish.get("gitSource")
        if not isinstance(source, dict):
            raise Refusal(400, "Invalid request: `gitSource` or `deploymentId` is needed.", "bad_request")
        located = source.get("repoId") or (source.get("org") and source.get("repo"))
        if source.get("type") != "github" or not located or not source.get("ref"):
            words = "The `gitSource` needs type, ref and either repoId or org and repo."
            raise Refusal(400, words, "incorrect_git_source_info")
        head = self._releases.find(source["ref"])
        commit = source.get("sha") or (head.commit if head else source["ref"])
        given = {"githubCommitSha": commit, "githubCommitRef": source["ref"], "githubDeployment": "1"}
        return Wish(commit, source["ref"], target, {**given, **meta}, "api-trigger-git-deploy")

    def _is_same(self, one: Deployment, wish: Wish) -> bool:
        alike = (one.commit, one.target, one.meta) == (wish.commit, wish.target, wish.meta)
        return alike and one.state not in ("ERROR", "CANCELED")

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        states = [state for state in query.get("state", "").split(",") if state]
        meta = {name.removeprefix("meta-"): value for name, value in query.items() if name.startswith("meta-")}
        names = [name for name in (query.get("projectId"), query.get("app")) if name]
        found: list[tuple[int, Json]] = []
        for project in self.projects:
            if any(name not in (project.id, project.name) for name in names):
                continue
            for one in project.deployments:
                candidate = one.alias_assigned_at is not None and one.target == "production"
                candidate = candidate and one.id != project.production
                wanted = (
                    (query.get("target"), one.target or "preview"),
                    (query.get("sha"), one.commit),
                    (query.get("branch"), one.ref),
                )
                fits = all(asked in (None, "", value) for asked, value in wanted)
                fits = fits and (not states or one.state in states)
                fits = fits and all(one.meta.get(name) == value for name, value in meta.items())
                if fits and (candidate or query.get("rollbackCandidate") != "true"):
                    found.append((millis(one.created_at), one.summary(project.aliases_of(one), candidate)))
        found.sort(key=lambda pair: pair[0], reverse=True)
        return paged(request, "deployments", found)

    async def _get(self, request: Request) -> Response:
        return as_json(self._told(*self.find(request)))

    async def _delete(self, request: Request) -> Response:
        project, deployment = self.find(request)
        if deployment.id == project.production or not deployment.is_over:
            raise Refusal(400, "The deployment is in use", "bad_request")
        await self._builder.delete(project, deployment)
        self._tally.add("delete")
        return as_json({"uid": deployment.id, "state": "DELETED"})

    async def _cancel(self, request: Request) -> Response:
        project, deployment = self.find(request)
        if deployment.is_over:
            raise Refusal(400, f"The deployment is {deployment.state} and cannot be canceled", "bad_request")
        self._builder.cancel(deployment)
        return as_json(self._told(project, deployment))

    def _of_project(self, request: Request) -> tuple[Project, Deployment]:
        project = self.project(request)
        found = project.find(request.path_params["deployment"])
        if found is None:
            raise Refusal(400, "The deployment does not belong to this project", "bad_request")
        return project, found

    async def _promote(self, request: Request) -> Response:
        return self._switch(request, "promote")

    async def _roll_back(self, request: Request) -> Response:
        project, deployment = self._of_project(request)
        rollout = project.rollout
        if rollout is not None and rollout.state == "ACTIVE":
            self._builder.rollouts.abort(project)
            if deployment.id == rollout.current:
                return empty(201)
        if deployment.alias_assigned_at is None or deployment.target != "production":
            raise Refusal(400, "Only a former production deployment can be rolled back to", "bad_request")
        answer = self._switch(request, "rollback")
        project.rollback_description = request.query_params.get("description")
        return answer

    def _switch(self, request: Request, kind: Literal["promote", "rollback"]) -> Response:
        project, deployment = self._of_project(request)
        if deployment.target != "production":
            raise Refusal(400, "Only production deployments can be promoted without a rebuild", "bad_request")
        if kind == "promote" and deployment.id != project.production and self._builder.rollouts.applies_to(project):
            if deployment.state != "READY":
                raise Refusal(400, "The deployment is not ready", "deployment_not_ready")
            return empty(201 if self._builder.rollouts.begin(project, deployment) == "started" else 202)
        self._builder.begin_switch(project, deployment, kind)
        return empty(201)

    async def _request_aliases(self, request: Request) -> Response:
        project = self.project(request)
        if project.request is None:
            return paged(request, "aliases", [])
        state = {"succeeded": "completed", "failed": "failed"}.get(project.request.status, "pending")
        told: Json = {"status": state, "alias": project.domain, "id": project.aliases[project.domain][0]}
        hidden = request.query_params.get("failedOnly") == "true" and state != "failed"
        return paged(request, "aliases", [] if hidden else [(millis(project.request.requested_at), told)])

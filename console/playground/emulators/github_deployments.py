"""GitHub's deployments and their statuses.

`auto_merge` is on unless the caller switches it off, as at GitHub: a ref behind `main` is then merged (202) and
nothing is deployed. Without `required_contexts` every context of the commit has to be green.
"""

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.emulator import Tally
from console.playground.emulators.github_app import Frontdoor, api_of, invalid, paged
from console.playground.emulators.github_code import Code
from console.playground.emulators.github_environments import Environments
from console.playground.emulators.wire import Refusal, as_json, empty, read_object

Json = dict[str, Any]
STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


@dataclass
class DeploymentStatus:
    id: int
    state: str
    at: float
    description: str = ""
    environment: str = ""
    environment_url: str = ""
    log_url: str = ""


@dataclass
class Deployment:
    """One deployment; `statuses` newest first."""

    id: int
    sha: str
    ref: str
    task: str
    payload: Any
    environment: str
    description: str | None
    is_transient: bool
    is_production: bool
    at: float
    updated_at: float
    statuses: list[DeploymentStatus] = field(default_factory=list)

    @property
    def state(self) -> str:
        return self.statuses[0].state if self.statuses else "pending"


class Deployments:
    """Keeps deployments; newest first."""

    def __init__(self, code: Code, environments: Environments, clock: Clock, tally: Tally) -> None:
        self._code = code
        self._environments = environments
        self._clock = clock
        self._tally = tally
        self._numbers = 1_200_000
        self.all: list[Deployment] = []

    def routes(self, door: Frontdoor) -> list[Route]:
        deployments = "/repos/{owner}/{repo}/deployments"
        return [
            door.route("POST", deployments, self._create),
            door.route("GET", deployments, self._list),
            door.route("GET", f"{deployments}/{{id:int}}", self._get),
            door.route("DELETE", f"{deployments}/{{id:int}}", self._delete),
            door.route("POST", f"{deployments}/{{id:int}}/statuses", self._create_status),
            door.route("GET", f"{deployments}/{{id:int}}/statuses", self._list_statuses),
            door.route("GET", f"{deployments}/{{id:int}}/statuses/{{status:int}}", self._get_status),
        ]

    def add(self, sha: str, environment: str, wish: Json | None = None) -> Deployment:
        """Keep a new deployment; `wish` as the API takes it."""
        told, now = wish or {}, self._clock.now()
        deployment = Deployment(
            id=self._number(),
            sha=sha,
            ref=told.get("ref") or sha,
            task=told.get("task") or "deploy",
            payload=told.get("payload") or {},
            environment=environment,
            description=told.get("description"),
            is_transient=bool(told.get("transient_environment", False)),
            is_production=bool(told.get("production_environment", environment == "production")),
            at=now,
            updated_at=now,
        )
        self.all.insert(0, deployment)
        self._environments.ensure(environment)
        return deployment

    def _find(self, request: Request) -> Deployment:
        self._code.own(request)
        for deployment in self.all:
            if deployment.id == request.path_params["id"]:
                return deployment
        raise Refusal(404, "Not Found")

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def _create(self, request: Request) -> Response:
        self._code.own(request)
        wish = await read_object(request)
        ref = wish.get("ref")
        if not isinstance(ref, str) or not ref:
            raise invalid("Deployment", "ref", "missing_field")
        release = self._code.releases.find(ref)
        if release is None:
            raise Refusal(422, f"No ref found for: {ref}")
        if wish.get("auto_merge", True) and self._code.is_behind_main(release):
            return as_json({"message": f"Auto-merged main into {ref} on deployment."}, 202)
        contexts, wanted = self._code.contexts(release), wish.get("required_contexts")
        red = [name for name in (contexts if wanted is None else wanted) if contexts.get(name) != "success"]
        if red:
            told = [{"contexts": [{"context": name, "state": contexts.get(name, "missing")} for name in red]}]
            words = f"Conflict: Commit status checks failed for {ref}."
            return as_json({"message": words, "errors": told, "documentation_url": "https://docs.github.com/rest"}, 409)
        deployment = self.add(release.commit, wish.get("environment") or "production", wish)
        self._tally.add("deployment")
        return as_json(self._json(request, deployment), 201)

    async def _list(self, request: Request) -> Response:
        self._code.own(request)
        asked = {key: request.query_params.get(key) for key in ("sha", "ref", "task", "environment")}
        found = [
            self._json(request, deployment)
            for deployment in self.all
            if all(value in (None, "", "none", getattr(deployment, key)) for key, value in asked.items())
        ]
        return paged(request, found)

    async def _get(self, request: Request) -> Response:
        return as_json(self._json(request, self._find(request)))

    async def _delete(self, request: Request) -> Response:
        deployment = self._find(request)
        same = [one for one in self.all if one.environment == deployment.environment]
        if len(same) > 1 and deployment.state not in ("inactive", "pending", "failure", "error"):
            words = "We cannot delete an active deployment unless it is the only deployment in a given environment."
            raise Refusal(422, words)
        self.all.remove(deployment)
        self._tally.add("deployment_deleted")
        return empty(204)

    async def _create_status(self, request: Request) -> Response:
        deployment, wish = self._find(request), await read_object(request)
        if wish.get("state") not in STATES:
            raise invalid("DeploymentStatus", "state", "custom", "state is not included in the list")
        if len(wish.get("description") or "") > 140:
            raise invalid("DeploymentStatus", "description", "custom", "description is too long (maximum is 140)")
        status = self._append(deployment, wish["state"], wish)
        if status.state == "success" and wish.get("auto_inactive", True):
            for other in self.all:
                same = other is not deployment and other.environment == deployment.environment
                if same and other.state == "success" and not (other.is_transient or other.is_production):
                    self._append(other, "inactive", {})
        self._tally.add("deployment_status")
        return as_json(self._status_json(request, deployment, status), 201)

    def _append(self, deployment: Deployment, state: str, wish: Json) -> DeploymentStatus:
        status = DeploymentStatus(
            id=self._number(),
            state=state,
            at=self._clock.now(),
            description=wish.get("description") or "",
            environment=wish.get("environment") or deployment.environment,
            environment_url=wish.get("environment_url") or "",
            log_url=wish.get("log_url") or wish.get("target_url") or "",
        )
        deployment.statuses.insert(0, status)
        deployment.updated_at = status.at
        return status

    async def _list_statuses(self, request: Request) -> Response:
        deployment = self._find(request)
        return paged(request, [self._status_json(request, deployment, status) for status in deployment.statuses])

    async def _get_status(self, request: Request) -> Response:
        deployment = self._find(request)
        for status in deployment.statuses:
            if status.id == request.path_params["status"]:
                return as_json(self._status_json(request, deployment, status))
        raise Refusal(404, "Not Found")

    def _at(self, request: Request) -> str:
        return f"{api_of(request)}/repos/{self._code.full_name}"

    def _json(self, request: Request, deployment: Deployment) -> Json:
        at = self._at(request)
        return {
            "url": f"{at}/deployments/{deployment.id}",
            "id": deployment.id,
            "node_id": shapes.node_id("Deployment", deployment.id),
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": shapes.user(api_of(request)),
            "created_at": iso_seconds(deployment.at),
            "updated_at": iso_seconds(deployment.updated_at),
            "statuses_url": f"{at}/deployments/{deployment.id}/statuses",
            "repository_url": at,
            "transient_environment": deployment.is_transient,
            "production_environment": deployment.is_production,
            "performed_via_github_app": None,
        }

    def _status_json(self, request: Request, deployment: Deployment, status: DeploymentStatus) -> Json:
        at = self._at(request)
        return {
            "url": f"{at}/deployments/{deployment.id}/statuses/{status.id}",
            "id": status.id,
            "node_id": shapes.node_id("DeploymentStatus", status.id),
            "state": status.state,
            "creator": shapes.user(api_of(request)),
            "description": status.description,
            "environment": status.environment,
            "target_url": status.log_url,
            "created_at": iso_seconds(status.at),
            "updated_at": iso_seconds(status.at),
            "deployment_url": f"{at}/deployments/{deployment.id}",
            "repository_url": at,
            "environment_url": status.environment_url,
            "log_url": status.log_url,
            "performed_via_github_app": None,
        }

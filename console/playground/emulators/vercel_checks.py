"""Vercel's checks: those that a project asks for, and their runs on each deployment.

A run that blocks `deployment-alias` holds a READY build back from its domains until it has ended; one that fails keeps
it back for good. The first version of these calls is for integrations only and refuses other tokens.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock, millis
from console.playground.emulators.emulator import Tally
from console.playground.emulators.ids import slug
from console.playground.emulators.vercel_app import Frontdoor
from console.playground.emulators.vercel_parts import CheckRun, Json, ProjectCheck
from console.playground.emulators.vercel_state import Deployment, Project
from console.playground.emulators.wire import Refusal, as_json, read_object
from console.playground.scene import VERCEL_TEAM

BLOCKS = ("build-start", "deployment-start", "deployment-alias", "deployment-promotion", "none")
CONCLUSIONS = ("canceled", "failed", "neutral", "skipped", "succeeded", "timeout")


class Checks:
    """Answers what is asked about checks."""

    def __init__(
        self,
        project: Callable[[Request], Project],
        find: Callable[[Request], tuple[Project, Deployment]],
        clock: Clock,
        tally: Tally,
    ) -> None:
        self._project = project
        self._find = find
        self._clock = clock
        self._tally = tally

    def routes(self, door: Frontdoor) -> list[Route]:
        runs = "/v2/deployments/{deployment}/check-runs"
        return [
            door.route("GET", "/v1/deployments/{deployment}/checks", self._first_version),
            door.route("POST", "/v1/deployments/{deployment}/checks", self._first_version),
            door.route("GET", "/v2/projects/{project}/checks", self._list),
            door.route("POST", "/v2/projects/{project}/checks", self._create),
            door.route("GET", runs, self._runs),
            door.route("GET", f"{runs}/{{run}}", self._get),
            door.route("PATCH", f"{runs}/{{run}}", self._report),
        ]

    async def _first_version(self, request: Request) -> Response:
        self._find(request)
        raise Refusal(400, "This endpoint must be called with an OAuth2 integration token", "bad_request")

    async def _list(self, request: Request) -> Response:
        return as_json({"checks": [_check(one) for one in self._project(request).checks]})

    async def _create(self, request: Request) -> Response:
        project, wish = self._project(request), await read_object(request)
        blocks = wish.get("blocks", "deployment-alias")
        if not wish.get("name") or blocks not in BLOCKS:
            raise Refusal(400, "Invalid request: `name` and a known `blocks` are needed.", "bad_request")
        timeout = int(wish.get("timeout", 300))
        made = ProjectCheck(f"check_{slug(20)}", str(wish["name"]), blocks, timeout, self._clock.now())
        project.checks.append(made)
        self._tally.add("check")
        return as_json(_check(made))

    async def _runs(self, request: Request) -> Response:
        _, deployment = self._find(request)
        return as_json({"runs": [_run(deployment, run) for run in deployment.checks]})

    async def _get(self, request: Request) -> Response:
        return as_json(_run(*self._find_run(request)))

    async def _report(self, request: Request) -> Response:
        (deployment, run), wish = self._find_run(request), await read_object(request)
        conclusion = wish.get("conclusion", run.conclusion)
        if conclusion is not None and conclusion not in CONCLUSIONS:
            raise Refusal(400, "Invalid request: `conclusion` is not known.", "bad_request")
        before = (run.status, run.conclusion, run.text, run.url)
        run.status, run.conclusion = wish.get("status", run.status), conclusion
        run.text = wish.get("conclusionText", run.text)
        run.url = wish.get("externalUrl", run.url)
        run.updated_at = self._clock.now()
        if run.status == "completed" and run.completed_at is None:
            run.completed_at = self._clock.now()
        if (run.status, run.conclusion, run.text, run.url) != before:
            self._tally.add("check_run")
        return as_json(_run(deployment, run))

    def _find_run(self, request: Request) -> tuple[Deployment, CheckRun]:
        _, deployment = self._find(request)
        for run in deployment.checks:
            if run.id == request.path_params["run"]:
                return deployment, run
        raise Refusal(404, "Check run not found", "not_found")


def _check(check: ProjectCheck) -> Json:
    return {
        "id": check.id,
        "name": check.name,
        "blocks": check.blocks,
        "requires": "deployment-url",
        "timeout": check.timeout,
        "ownerId": VERCEL_TEAM,
        "createdAt": millis(check.created_at),
        "updatedAt": millis(check.created_at),
    }


def _run(deployment: Deployment, run: CheckRun) -> Json:
    told: Json = {
        "id": run.id,
        "checkId": run.check.id,
        "name": run.check.name,
        "blocks": run.check.blocks,
        "requires": "deployment-url",
        "status": run.status,
        "deploymentId": deployment.id,
        "projectId": deployment.project_id,
        "ownerId": VERCEL_TEAM,
        "timeout": run.check.timeout,
        "source": {"kind": "webhook"},
        "createdAt": millis(run.created_at),
        "updatedAt": millis(run.updated_at),
    }
    if run.conclusion:
        told["conclusion"] = run.conclusion
    if run.text:
        told["conclusionText"] = run.text
    if run.url:
        told["externalUrl"] = run.url
    if run.completed_at is not None:
        told["completedAt"] = millis(run.completed_at)
    return told

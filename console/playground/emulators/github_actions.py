"""GitHub's workflows and their runs: dispatched, done again, cancelled, let into environments, with logs and artifacts.

Logs and archives are handed over (302) to `/files`, which, as GitHub's store does, refuses requests that bring a token
and addresses that are older than a minute.
"""

import itertools
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.playground.emulators import github_runs as runs
from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.emulator import Tally
from console.playground.emulators.github_app import Frontdoor, api_of, paged
from console.playground.emulators.github_code import Code
from console.playground.emulators.github_environments import Environments
from console.playground.emulators.github_runs import Attempt, Run, Workflow
from console.playground.emulators.wire import Refusal, as_json, empty, read_object

Json = dict[str, Any]
HANDED_OVER_FOR = 60
TELLS_RUN = "2026-03-10"


class Actions:
    """Runs are newest first; every commit was tested when it was pushed."""

    def __init__(self, code: Code, environments: Environments, clock: Clock, tally: Tally) -> None:
        self._code = code
        self._environments = environments
        self._clock = clock
        self._tally = tally
        self._numbers = itertools.count(1)
        deploy = Workflow(8101, "Deploy", "deploy.yml", ("environment", "release"))
        self.workflows = [deploy, Workflow(8102, "CI", "ci.yml")]
        self.runs: list[Run] = []
        for release in code.releases.releases:
            at = release.created_at.timestamp() + 60
            self.add(self.workflows[1], "push", "main", release.name, at)

    def add(self, workflow: Workflow, event: str, branch: str, ref: str, at: float | None = None) -> Run:
        number, begun = next(self._numbers), self._clock.now() if at is None else at
        release = self._code.releases.find(ref)
        assert release is not None
        run = Run(9_100_000 + number, number, workflow, event, branch, release, begun, [Attempt(begun)])
        self.runs.insert(0, run)
        return run

    def routes(self, door: Frontdoor) -> list[Route]:
        actions = "/repos/{owner}/{repo}/actions"
        run, workflow = f"{actions}/runs/{{run:int}}", f"{actions}/workflows/{{workflow}}"
        return [
            door.route("GET", f"{actions}/workflows", self._list_workflows),
            door.route("GET", workflow, self._get_workflow),
            door.route("PUT", f"{workflow}/enable", self._enable),
            door.route("PUT", f"{workflow}/disable", self._disable),
            door.route("POST", f"{workflow}/dispatches", self._dispatch),
            door.route("GET", f"{workflow}/runs", self._list_runs),
            door.route("GET", f"{actions}/runs", self._list_runs),
            door.route("GET", run, self._get_run),
            door.route("GET", f"{run}/attempts/{{attempt:int}}", self._get_run),
            door.route("GET", f"{run}/jobs", self._list_jobs),
            door.route("GET", f"{run}/logs", self._run_logs),
            door.route("GET", f"{run}/artifacts", self._list_artifacts),
            door.route("GET", f"{run}/approvals", self._list_decisions),
            door.route("GET", f"{run}/pending_deployments", self._list_pending),
            door.route("POST", f"{run}/pending_deployments", self._decide),
            door.route("POST", f"{run}/rerun", self._rerun),
            door.route("POST", f"{run}/rerun-failed-jobs", self._rerun),
            door.route("POST", f"{run}/cancel", self._cancel),
            door.route("POST", f"{run}/force-cancel", self._cancel),
            door.route("GET", f"{actions}/jobs/{{job:int}}/logs", self._job_log),
            door.route("GET", f"{actions}/artifacts/{{artifact:int}}/zip", self._artifact_zip),
            Route("/files/{kind}/{id:int}", self._file, methods=["GET"]),
        ]

    def _workflow(self, request: Request) -> Workflow:
        self._code.own(request)
        asked = request.path_params["workflow"]
        for workflow in self.workflows:
            if asked in (str(workflow.id), workflow.file):
                return workflow
        raise Refusal(404, "Not Found")

    def _run(self, request: Request) -> Run:
        self._code.own(request)
        return self._by_id(request.path_params["run"])

    def _by_id(self, number: int) -> Run:
        for run in self.runs:
            if run.id == number:
                return run
        raise Refusal(404, "Not Found")

    async def _list_workflows(self, request: Request) -> Response:
        self._code.own(request)
        return paged(request, [self._workflow_json(request, one) for one in self.workflows], "workflows")

    async def _get_workflow(self, request: Request) -> Response:
        return as_json(self._workflow_json(request, self._workflow(request)))

    async def _enable(self, request: Request) -> Response:
        return self._switch(self._workflow(request), "active")

    async def _disable(self, request: Request) -> Response:
        return self._switch(self._workflow(request), "disabled_manually")

    def _switch(self, workflow: Workflow, state: str) -> Response:
        if workflow.state != state:
            workflow.state = state
            self._tally.add("workflow")
        return empty(204)

    async def _dispatch(self, request: Request) -> Response:
        workflow, wish = self._workflow(request), await read_object(request)
        ref, inputs = str(wish.get("ref") or ""), wish.get("inputs") or {}
        if workflow.state != "active":
            raise Refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        if not workflow.inputs:
            raise Refusal(422, "Workflow does not have 'workflow_dispatch' trigger")
        if self._code.releases.find(ref) is None:
            raise Refusal(422, f"No ref found for: {ref}")
        unknown = sorted(set(inputs) - set(workflow.inputs))
        if unknown:
            raise Refusal(422, f"Unexpected inputs provided: {unknown}")
        branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        run = self.add(workflow, "workflow_dispatch", branch, ref)
        run.latest.waits_for = self._guarded(str(inputs.get("environment", "")))
        self._tally.add("run")
        # The version of the API that came after 2022-11-28 has no such field: it always tells which run it began.
        if not wish.get("return_run_details") and request.headers.get("x-github-api-version") != TELLS_RUN:
            return empty(204)
        own = f"{api_of(request)}/repos/{self._code.full_name}/actions/runs/{run.id}"
        web = f"https://github.com/{self._code.full_name}/actions/runs/{run.id}"
        return as_json({"workflow_run_id": run.id, "run_url": own, "html_url": web})

    def _guarded(self, environment: str) -> str:
        """The environment, where it has reviewers that a run must wait for."""
        found = self._environments.all.get(environment)
        return environment if found is not None and found.rules.reviewers else ""

    async def _list_runs(self, request: Request) -> Response:
        self._code.own(request)
        now, asked = self._clock.now(), request.query_params
        found = self.runs
        if "workflow" in request.path_params:
            workflow = self._workflow(request)
            found = [run for run in found if run.workflow is workflow]
        since = asked.get("created", "").removeprefix(">=")
        found = [
            run
            for run in found
            if asked.get("head_sha", run.release.commit) == run.release.commit
            and asked.get("branch", run.branch) == run.branch
            and asked.get("event", run.event) == run.event
            and (not since or iso_seconds(run.at) >= since)
            and ("status" not in asked or asked["status"] in run.latest.state_at(now))
        ]
        return paged(request, [self._json(request, run) for run in found], "workflow_runs")

    async def _get_run(self, request: Request) -> Response:
        run = self._run(request)
        attempt = request.path_params.get("attempt", len(run.attempts))
        if not 1 <= attempt <= len(run.attempts):
            raise Refusal(404, "Not Found")
        return as_json(runs.run_json(api_of(request), self._code.full_name, run, attempt, self._clock.now()))

    async def _rerun(self, request: Request) -> Response:
        run = self._run(request)
        if run.latest.state_at(self._clock.now())[0] != "completed":
            raise Refusal(403, "This workflow is already running")
        run.attempts.append(Attempt(self._clock.now()))
        self._tally.add("rerun")
        return as_json({}, 201)

    async def _cancel(self, request: Request) -> Response:
        run = self._run(request)
        if run.latest.state_at(self._clock.now())[0] == "completed":
            raise Refusal(409, "Cannot cancel a workflow run that is completed.")
        if run.latest.cancelled_at is None:
            run.latest.cancelled_at = self._clock.now()
            self._tally.add("cancel")
        return as_json({}, 202)

    async def _list_pending(self, request: Request) -> Response:
        run = self._run(request)
        if run.latest.state_at(self._clock.now())[0] != "waiting":
            return as_json([])
        name = run.latest.waits_for
        reviewer = {"type": "User", "reviewer": shapes.user(api_of(request))}
        told = {"wait_timer": 0, "wait_timer_started_at": None, "current_user_can_approve": True}
        return as_json([{"environment": self._environment_json(request, name), **told, "reviewers": [reviewer]}])

    async def _list_decisions(self, request: Request) -> Response:
        run = self._run(request)
        decided = [attempt for attempt in run.attempts if attempt.decision]
        told = [
            {
                "environments": [self._environment_json(request, attempt.waits_for)],
                "state": attempt.decision,
                "user": shapes.user(api_of(request)),
                "comment": attempt.comment,
            }
            for attempt in decided
        ]
        return as_json(told)

    async def _decide(self, request: Request) -> Response:
        run, wish = self._run(request), await read_object(request)
        if run.latest.state_at(self._clock.now())[0] != "waiting":
            raise Refusal(422, "There are no pending deployment requests to approve or reject")
        if wish.get("state") not in ("approved", "rejected") or "comment" not in wish:
            raise Refusal(422, "Invalid request")
        environment = self._environments.ensure(run.latest.waits_for)
        if environment.id not in (wish.get("environment_ids") or []):
            raise Refusal(422, "Environment ids are not valid")
        run.latest.decision, run.latest.comment = wish["state"], str(wish["comment"])
        run.latest.decided_at = self._clock.now()
        self._tally.add("review")
        return as_json([])

    def _environment_json(self, request: Request, name: str) -> Json:
        number = self._environments.ensure(name).id
        at = f"{api_of(request)}/repos/{self._code.full_name}"
        return {
            "id": number,
            "node_id": shapes.node_id("Environment", number),
            "name": name,
            "url": f"{at}/environments/{name}",
            "html_url": f"https://github.com/{self._code.full_name}/deployments/activity_log",
        }

    async def _list_jobs(self, request: Request) -> Response:
        run, now = self._run(request), self._clock.now()
        found = [
            runs.job_json(api_of(request), self._code.full_name, run, place, now) for place in range(len(runs.JOBS))
        ]
        return paged(request, found, "jobs")

    async def _list_artifacts(self, request: Request) -> Response:
        run, now = self._run(request), self._clock.now()
        done = run.latest.state_at(now) == ("completed", "success")
        found = [runs.artifact_json(api_of(request), self._code.full_name, run, now)] if done else []
        return paged(request, found, "artifacts")

    def _ended(self, run: Run) -> Run:
        if run.latest.state_at(self._clock.now())[0] != "completed":
            raise Refusal(404, "Not Found")
        return run

    async def _run_logs(self, request: Request) -> Response:
        return self._hand_over(request, "run", self._ended(self._run(request)).id)

    async def _job_log(self, request: Request) -> Response:
        self._code.own(request)
        job = request.path_params["job"]
        self._ended(self._by_id(job // 10))
        return self._hand_over(request, "job", job)

    async def _artifact_zip(self, request: Request) -> Response:
        self._code.own(request)
        run, now = self._ended(self._by_id(request.path_params["artifact"] // 10)), self._clock.now()
        if now > run.latest.started_at + runs.RUNS_FOR + runs.KEPT_FOR:
            raise Refusal(410, "Artifact has expired")
        return self._hand_over(request, "artifact", run.id)

    def _hand_over(self, request: Request, kind: str, number: int) -> Response:
        until = int(self._clock.now()) + HANDED_OVER_FOR
        return Response(None, 302, {"location": f"{api_of(request)}/files/{kind}/{number}?se={until}&sig=play"})

    async def _file(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return PlainTextResponse("Authentication information is not given in the correct format.", 400)
        if self._clock.now() > float(request.query_params.get("se", "0")):
            return PlainTextResponse("Signature not valid in the specified time frame.", 403)
        kind, number = request.path_params["kind"], request.path_params["id"]
        if kind == "job":
            text = runs.job_log(self._by_id(number // 10), runs.JOBS[number % 10])
            return Response(text.encode(), 200, {"content-type": "text/plain; charset=utf-8"})
        pack = runs.run_logs if kind == "run" else runs.artifact_content
        return Response(pack(self._by_id(number)), 200, {"content-type": "application/zip"})

    def _json(self, request: Request, run: Run) -> Json:
        now = self._clock.now()
        return runs.run_json(api_of(request), self._code.full_name, run, len(run.attempts), now)

    def _workflow_json(self, request: Request, workflow: Workflow) -> Json:
        founded = self._code.releases.first.created_at.timestamp()
        return runs.workflow_json(api_of(request), self._code.full_name, workflow, founded)

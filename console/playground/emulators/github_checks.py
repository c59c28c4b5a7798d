"""Check runs: those of the product's tests, and those that an App writes. A person's token may only read them."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.emulator import Tally
from console.playground.emulators.github_app import Frontdoor, api_of, invalid, paged
from console.playground.emulators.github_code import CHECKS, Code
from console.playground.emulators.wire import Refusal, as_json, read_object

Json = dict[str, Any]
STATUSES = ("queued", "in_progress", "completed")


@dataclass
class CheckRun:
    """`conclusion` is None until it has ended."""

    id: int
    sha: str
    name: str
    status: str
    conclusion: str | None
    at: float
    external_id: str = ""
    title: str | None = None
    summary: str | None = None
    url: str = ""


class CheckRuns:
    """Newest first; every commit's tests passed when it was pushed."""

    def __init__(self, code: Code, door: Frontdoor, clock: Clock, tally: Tally) -> None:
        self._code = code
        self._door = door
        self._clock = clock
        self._tally = tally
        self.all: list[CheckRun] = []
        for release in code.releases.releases:
            at = release.created_at.timestamp() + 240
            for number, name in enumerate(CHECKS):
                run = int(release.commit[:7], 16) * 10 + number
                self.all.append(CheckRun(run, release.commit, name, "completed", "success", at))

    def routes(self) -> list[Route]:
        repo = "/repos/{owner}/{repo}"
        return [
            self._door.route("GET", f"{repo}/commits/{{ref:path}}/check-runs", self._list),
            self._door.route("POST", f"{repo}/check-runs", self._create),
            self._door.route("PATCH", f"{repo}/check-runs/{{id:int}}", self._edit),
        ]

    async def _list(self, request: Request) -> Response:
        self._code.own(request)
        release = self._code.releases.find(request.path_params["ref"])
        if release is None:
            raise Refusal(404, "Not Found")
        wanted = request.query_params.get("check_name")
        found = [one for one in self.all if one.sha == release.commit and wanted in (None, one.name)]
        return paged(request, [self._json(request, one) for one in found], "check_runs")

    def _need_app(self, request: Request) -> None:
        self._code.own(request)
        if not self._door.is_installed(request):
            raise Refusal(403, "You must authenticate via a GitHub App.")

    async def _create(self, request: Request) -> Response:
        self._need_app(request)
        wish = await read_object(request)
        release = self._code.releases.find(str(wish.get("head_sha") or ""))
        if not wish.get("name") or release is None:
            raise invalid("CheckRun", "head_sha" if wish.get("name") else "name", "missing_field")
        run = CheckRun(88_000 + len(self.all), release.commit, str(wish["name"]), "queued", None, self._clock.now())
        self._change(run, wish)
        self.all.insert(0, run)
        self._tally.add("check_run")
        return as_json(self._json(request, run), 201)

    async def _edit(self, request: Request) -> Response:
        self._need_app(request)
        wish = await read_object(request)
        for run in self.all:
            if run.id == request.path_params["id"]:
                self._change(run, wish)
                self._tally.add("check_run_edit")
                return as_json(self._json(request, run))
        raise Refusal(404, "Not Found")

    def _change(self, run: CheckRun, wish: Json) -> None:
        status = wish.get("status") or ("completed" if wish.get("conclusion") else run.status)
        if status not in STATUSES:
            raise invalid("CheckRun", "status", "invalid")
        if status == "completed" and not (wish.get("conclusion") or run.conclusion):
            raise invalid("CheckRun", "conclusion", "missing_field")
        run.status, run.conclusion = status, wish.get("conclusion", run.conclusion) if status == "completed" else None
        run.external_id = wish.get("external_id", run.external_id)
        run.url = wish.get("details_url", run.url)
        output = wish.get("output") or {}
        run.title, run.summary = output.get("title", run.title), output.get("summary", run.summary)

    def _json(self, request: Request, run: CheckRun) -> Json:
        at = f"{api_of(request)}/repos/{self._code.full_name}"
        web = f"https://github.com/{self._code.full_name}/runs/{run.id}"
        return {
            "id": run.id,
            "node_id": shapes.node_id("CheckRun", run.id),
            "head_sha": run.sha,
            "external_id": run.external_id,
            "url": f"{at}/check-runs/{run.id}",
            "html_url": web,
            "details_url": run.url or web,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": iso_seconds(run.at - 120),
            "completed_at": iso_seconds(run.at) if run.status == "completed" else None,
            "output": {
                "title": run.title,
                "summary": run.summary,
                "text": None,
                "annotations_count": 0,
                "annotations_url": f"{at}/check-runs/{run.id}/annotations",
            },
            "name": run.name,
            "check_suite": {"id": int(run.sha[:7], 16)},
            "app": None,
            "pull_requests": [],
        }

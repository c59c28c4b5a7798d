"""Vercel's rolling releases: their template in the project, and the one that goes on."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock
from console.playground.emulators.emulator import Tally
from console.playground.emulators.vercel_app import Frontdoor
from console.playground.emulators.vercel_parts import Json, RolloutStage
from console.playground.emulators.vercel_rollouts import Rollouts, describe_rollout
from console.playground.emulators.vercel_state import Project
from console.playground.emulators.wire import Refusal, as_json, read_object


class Rolling:
    """Answers what is asked about rolling releases. `plan` is the billing answer's reason; a test may change it."""

    def __init__(self, project: Callable[[Request], Project], rollouts: Rollouts, clock: Clock, tally: Tally) -> None:
        self._project = project
        self._rollouts = rollouts
        self._clock = clock
        self._tally = tally
        self.plan = "unlimited_slots"

    def routes(self, door: Frontdoor) -> list[Route]:
        base = "/v1/projects/{project}/rolling-release"
        return [
            door.route("GET", base, self._get),
            door.route("GET", f"{base}/billing", self._billing),
            door.route("GET", f"{base}/config", self._get_config),
            door.route("PATCH", f"{base}/config", self._configure),
            door.route("DELETE", f"{base}/config", self._disable),
            door.route("POST", f"{base}/start", self._start),
            door.route("POST", f"{base}/approve-stage", self._approve),
            door.route("POST", f"{base}/complete", self._complete),
        ]

    async def _get(self, request: Request) -> Response:
        project = self._project(request)
        wanted = request.query_params.get("state")
        rollout = project.rollout
        fits = rollout is not None and wanted in (None, rollout.state)
        return as_json({"rollingRelease": describe_rollout(project, rollout) if rollout and fits else None})

    async def _billing(self, request: Request) -> Response:
        self._project(request)
        answers: dict[str, Json] = {
            "unlimited_slots": {"availableSlots": "unlimited", "message": "Rolling releases are unlimited"},
            "available_slots": {"availableSlots": 1, "message": "One project can use rolling releases"},
            "no_available_slots": {
                "availableSlots": 0,
                "message": "All projects with rolling releases are in use",
                "enabledProjects": ["another"],
            },
            "plan_not_supported": {
                "availableSlots": 0,
                "message": "Rolling releases are not part of this team's plan",
            },
        }
        return as_json({**answers[self.plan], "reason": self.plan})

    async def _get_config(self, request: Request) -> Response:
        return as_json({"rollingRelease": self._project(request).rolling_config()})

    async def _configure(self, request: Request) -> Response:
        project, wish = self._project(request), await read_object(request)
        if wish.get("enabled") is False:
            return self._turn_off(project)
        if self.plan in ("plan_not_supported", "no_available_slots"):
            raise Refusal(403, "Rolling releases are not part of this team's plan", "forbidden")
        advancement = wish.get("advancementType")
        if advancement not in ("automatic", "manual-approval"):
            raise Refusal(400, "Invalid request: `advancementType` is not known.", "bad_request")
        stages = _read_stages(wish.get("stages"))
        if (stages, advancement) != (project.rolling_stages, project.rolling_advancement):
            project.rolling_stages, project.rolling_advancement = stages, advancement
            project.updated_at = self._clock.now()
            self._tally.add("rolling_config")
        told = project.rolling_config() or {}
        return as_json({"rollingRelease": {"stages": told["stages"]}})

    async def _disable(self, request: Request) -> Response:
        return self._turn_off(self._project(request))

    def _turn_off(self, project: Project) -> Response:
        if project.rolling_stages is not None:
            project.rolling_stages = None
            self._tally.add("rolling_config")
        return as_json({"rollingRelease": None})

    async def _start(self, request: Request) -> Response:
        """Start one for a deployment; nothing happens where it is being rolled out already."""
        project, wish = self._project(request), await read_object(request)
        canary = project.find(str(wish.get("canaryDeploymentId") or ""))
        if canary is None or canary.state != "READY" or not self._rollouts.applies_to(project):
            raise Refusal(400, "The deployment cannot be rolled out", "bad_request")
        rollout = project.rollout
        if rollout is None or rollout.state != "ACTIVE" or rollout.canary != canary.id:
            self._rollouts.begin(project, canary)
        return self._answer(project)

    async def _approve(self, request: Request) -> Response:
        project, wish = self._project(request), await read_object(request)
        stage = wish.get("nextStageIndex")
        if not isinstance(stage, int):
            raise Refusal(400, "Invalid request: `nextStageIndex` should be number.", "bad_request")
        self._rollouts.approve(project, str(wish.get("canaryDeploymentId") or ""), stage)
        return self._answer(project)

    async def _complete(self, request: Request) -> Response:
        project, wish = self._project(request), await read_object(request)
        self._rollouts.complete(project, str(wish.get("canaryDeploymentId") or ""))
        return self._answer(project)

    def _answer(self, project: Project) -> Response:
        assert project.rollout is not None
        return as_json({"rollingRelease": describe_rollout(project, project.rollout)})


def _read_stages(told: object) -> tuple[RolloutStage, ...]:
    """At least two, each larger, the last one with everything.

    Raises:
        Refusal: 400, they are not.
    """
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    stages = tuple(
        RolloutStage(
            row.get("targetPercentage", -1),
            bool(row.get("requireApproval")),
            row.get("duration"),
            bool(row.get("linearShift")),
        )
        for row in rows
    )
    percents = [stage.percent for stage in stages]
    if len(stages) < 2 or percents != sorted(set(percents)) or percents[-1] != 100 or percents[0] < 0:
        words = "Invalid request: `stages` need at least two rising percentages, the last one 100."
        raise Refusal(400, words, "bad_request")
    return stages

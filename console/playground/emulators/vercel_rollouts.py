"""How Vercel rolls a release out: visitors in stages, by approval or by time, and back."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from console.playground.emulators.clock import Clock, millis
from console.playground.emulators.emulator import Tally, Tasks
from console.playground.emulators.vercel_parts import Json, Rollout, RolloutStage
from console.playground.emulators.vercel_state import Deployment, Project
from console.playground.emulators.wire import Refusal
from console.playground.hosting import Hosting

FINEST = 20
"""At most so many places in the load balancer: shares are rounded to 5 %."""


@dataclass
class Rollouts:
    """Moves the visitors of projects. `serve` gives a deployment the production domain, `boot` starts its process."""

    hosting: Hosting
    clock: Clock
    tasks: Tasks
    tally: Tally
    serve: Callable[[Project, Deployment], Awaitable[None]]
    boot: Callable[[Deployment, Project], Awaitable[None]]
    _waiting: dict[str, str] = field(default_factory=dict)

    def applies_to(self, project: Project) -> bool:
        """Whether a production deployment is rolled out rather than switched to."""
        return project.rolling_stages is not None and project.find(project.production) is not None

    def begin(self, project: Project, canary: Deployment) -> Literal["started", "queued"]:
        """Start a release, or queue the deployment behind the one that goes on."""
        now = self.clock.now()
        going_on = project.rollout
        if going_on is not None and going_on.state == "ACTIVE":
            if going_on.canary == canary.id:
                raise Refusal(409, "The deployment is already being rolled out", "conflict")
            going_on.queued, going_on.updated_at = canary.id, now
            return "queued"
        stages = tuple(project.rolling_stages or ())
        advancement = project.rolling_advancement
        project.rollout = Rollout(project.production, canary.id, stages, advancement, now, now)
        canary.substate = "ROLLING"
        self.tally.add("rolling_release")
        self.tasks.begin(self._enter(project, project.rollout))
        return "started"

    def approve(self, project: Project, canary: str, stage: int) -> None:
        rollout = self._active(project, canary)
        if stage != rollout.active + 1:
            raise Refusal(400, f"Stage {stage} is not the next stage", "bad_request")
        self.tally.add("stage")
        self._go_on(project, rollout)

    def complete(self, project: Project, canary: str) -> None:
        rollout = self._active(project, canary)
        rollout.active = len(rollout.stages) - 1
        self.tally.add("rolling_complete")
        self._finish(project, rollout)

    def abort(self, project: Project) -> None:
        """Give all visitors back."""
        rollout = project.rollout
        assert rollout is not None
        rollout.state, rollout.updated_at = "ABORTED", self.clock.now()
        canary, current = project.find(rollout.canary), project.find(rollout.current)
        self.tally.add("rolling_abort")
        if canary is not None:
            canary.substate = "STAGED"
        if current is not None:
            self.tasks.begin(self._lead(project, current))

    def _active(self, project: Project, canary: str) -> Rollout:
        rollout = project.rollout
        if rollout is None or rollout.state != "ACTIVE":
            raise Refusal(400, "There is no active rolling release for this project", "bad_request")
        if rollout.canary != canary:
            raise Refusal(400, "The canary deployment is not the one being rolled out", "bad_request")
        return rollout

    def _go_on(self, project: Project, rollout: Rollout) -> None:
        rollout.active, rollout.updated_at = rollout.active + 1, self.clock.now()
        if rollout.stages[rollout.active].percent >= 100:
            self._finish(project, rollout)
        else:
            self.tasks.begin(self._enter(project, rollout))

    def _finish(self, project: Project, rollout: Rollout) -> None:
        rollout.state, rollout.updated_at = "COMPLETE", self.clock.now()
        canary = project.find(rollout.canary)
        if canary is None:
            return
        # Read back at once, as Vercel answers it; its process has been running since the first stage.
        project.production, canary.substate = canary.id, "PROMOTED"
        queued = project.find(rollout.queued) if rollout.queued else None
        self.tasks.begin(self._lead(project, canary, queued))

    async def _lead(self, project: Project, deployment: Deployment, queued: Deployment | None = None) -> None:
        await self.boot(deployment, project)
        await self.serve(project, deployment)
        if queued is not None and queued.state == "READY":
            self.begin(project, queued)

    async def _enter(self, project: Project, rollout: Rollout) -> None:
        """Divide the visitors as the stage says, and wait for its end where it ends by itself."""
        stage, entered = rollout.stages[rollout.active], rollout.active
        current, canary = project.find(rollout.current), project.find(rollout.canary)
        if current is None or canary is None:
            return
        await self.boot(current, project)
        await self.boot(canary, project)
        if rollout.state == "ACTIVE" and not project.is_paused and current.process and canary.process:
            mine, others = shares(stage.percent)
            await self.hosting.route(project.name, [canary.process] * mine + [current.process] * others)
        if rollout.advancement != "automatic" or stage.minutes is None:
            return
        await self.clock.sleep(stage.minutes * 60)
        if rollout.state == "ACTIVE" and rollout.active == entered:
            self._go_on(project, rollout)


def shares(percent: float) -> tuple[int, int]:
    """How many places of the load balancer the canary and the others get."""
    mine = min(FINEST, max(0, round(percent / 100 * FINEST)))
    common = math.gcd(mine, FINEST) or 1
    return mine // common, (FINEST - mine) // common


def describe_rollout(project: Project, rollout: Rollout) -> Json:
    """The `rollingRelease` of an answer."""
    stages = [_stage(index, stage, rollout) for index, stage in enumerate(rollout.stages)]
    is_active = rollout.state == "ACTIVE"
    following = rollout.active + 1
    return {
        "state": rollout.state,
        "currentDeployment": _deployment(project.find(rollout.current)),
        "canaryDeployment": _deployment(project.find(rollout.canary)),
        "queuedDeploymentId": rollout.queued,
        "advancementType": rollout.advancement,
        "stages": stages,
        "activeStage": stages[rollout.active] if rollout.state != "ABORTED" else None,
        "nextStage": stages[following] if is_active and following < len(stages) else None,
        "startedAt": millis(rollout.started_at),
        "updatedAt": millis(rollout.updated_at),
    }


def _stage(index: int, stage: RolloutStage, rollout: Rollout) -> Json:
    is_final = index == len(rollout.stages) - 1
    timed = rollout.advancement == "automatic" and stage.minutes is not None and not is_final
    return {
        "index": index,
        "isFinalStage": is_final,
        "targetPercentage": stage.percent,
        "requireApproval": stage.needs_approval,
        "duration": (stage.minutes or 0) * 60 if timed else None,
        "linearShift": stage.linear,
    }


def _deployment(deployment: Deployment | None) -> Json | None:
    if deployment is None:
        return None
    return {
        "id": deployment.id,
        "name": deployment.name,
        "url": deployment.host,
        "target": deployment.target,
        "source": deployment.source,
        "createdAt": millis(deployment.created_at),
        "readyState": deployment.state,
        "readyStateAt": millis(deployment.ready_at or deployment.created_at),
    }

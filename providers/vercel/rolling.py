"""Rolling releases at the desk: configure, look, approve a stage, complete, abort. A promotion starts one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from console.domain.errors import Rejected
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done, failed
from providers.vercel.rolling_release import ABORTED, COMPLETE, RollingCalls, RollingRelease, Stage

Project = Annotated[str, "the project's id or name"]
Canary = Annotated[str, "the id of the deployment that is being rolled out"]
NO_PLACE = ("plan_not_supported", "no_available_slots")


@dataclass(frozen=True)
class RollingReleaseOf:
    project: Project


@dataclass(frozen=True)
class ConfigureRolling:
    project: Project
    stages: Annotated[tuple[int, ...], "percent of the visitors in each stage, rising, the last one 100"]
    minutes: Annotated[int, "how long a stage lasts before the next one begins by itself; 0 asks for approval"] = 0
    linear: Annotated[bool, "shift steadily within a stage rather than at once"] = False


@dataclass(frozen=True)
class DisableRolling:
    project: Project


@dataclass(frozen=True)
class ApproveStage:
    project: Project
    canary: Canary
    stage: Annotated[int, "the index of the stage to go on to, the first stage being 0"]


@dataclass(frozen=True)
class CompleteRolling:
    project: Project
    canary: Canary


@dataclass(frozen=True)
class AbortRolling:
    project: Project
    canary: Canary


class _Move(Protocol):
    @property
    def project(self) -> str: ...

    @property
    def canary(self) -> str: ...


class Rolling:
    """The reading, and an actuator for each action."""

    def __init__(self, calls: RollingCalls) -> None:
        self._calls = calls
        self._client = calls.client
        self.configuring = Ensuring(ConfigureRolling, self._look_at_config, self._configure)
        self.disabling = Ensuring(DisableRolling, self._look_at_disabled, self._disable)
        self.approving = Ensuring(ApproveStage, self._look_at_stage, self._approve)
        self.completing = Ensuring(CompleteRolling, self._look_at_completion, self._complete)
        self.aborting = Ensuring(AbortRolling, self._look_at_abort, self._abort)

    async def fetch(self, request: RollingReleaseOf) -> Mapping[str, object]:
        project = await self._client.fetch_project(request.project)
        billing = await self._calls.fetch_billing(project.id)
        config = await self._calls.fetch_config(project.id)
        last = await self._calls.fetch(project.id)
        return {
            "project": project.id,
            "allowed": billing["reason"] not in NO_PLACE,
            "plan": billing,
            "configured": config,
            "last": last,
            "says": last.describe() if last else "there has been none",
        }

    async def _look_at_config(self, request: ConfigureRolling) -> Standing:
        if await self._client.fetch_project_or_none(request.project) is None:
            return UNKNOWN
        config = await self._calls.fetch_config(request.project)
        wanted = [stage.percent for stage in _stages(request)]
        same = config is not None and [stage.percent for stage in config] == wanted
        same = same and all(map(_alike, (config or ())[:-1], _stages(request)[:-1]))
        return (
            done(f"stages {', '.join(f'{percent} %' for percent in wanted)}")
            if same
            else absent("other stages are configured, or none")
        )

    async def _configure(self, request: ConfigureRolling) -> None:
        self._check(request)
        billing = await self._calls.fetch_billing(request.project)
        if billing["reason"] in NO_PLACE:
            what = f"Vercel does not offer rolling releases to this project: {billing['message'] or billing['reason']}"
            raise self._refuse(what, request.project, "Promote a staged deployment, or change the plan.")
        await self._calls.configure(request.project, _stages(request), automatic=request.minutes > 0)

    def _check(self, request: ConfigureRolling) -> None:
        stages = list(request.stages)
        if len(stages) < 2 or stages != sorted(set(stages)) or stages[-1] != 100 or stages[0] < 0:
            what = f"Stages {stages} are none that Vercel takes: at least two, each larger, the last one 100."
            raise self._refuse(what, request.project, "For example 5, 25, 100.")

    async def _look_at_disabled(self, request: DisableRolling) -> Standing:
        if await self._client.fetch_project_or_none(request.project) is None:
            return UNKNOWN
        config = await self._calls.fetch_config(request.project)
        return done("no rolling releases from the next deployment on") if config is None else absent("still configured")

    async def _disable(self, request: DisableRolling) -> None:
        await self._calls.disable(request.project)

    async def _look_at_stage(self, request: ApproveStage) -> Standing:
        return await self._look(request, lambda release: _reached(release, request.stage))

    async def _look_at_completion(self, request: CompleteRolling) -> Standing:
        return await self._look(request, lambda release: absent(release.describe()))

    async def _look(self, request: _Move, judge: Callable[[RollingRelease], Standing]) -> Standing:
        """How far a canary is. One that serves production alone has passed every stage."""
        project = await self._client.fetch_project_or_none(request.project)
        if project is None:
            return UNKNOWN
        release = await self._calls.fetch(request.project)
        if release is not None and release.canary == request.canary:
            if release.state == COMPLETE:
                return done("the canary has all visitors", current=release.current)
            if release.state == ABORTED:
                return failed("the rolling release was aborted", current=release.current)
            return judge(release)
        return done("the canary has all visitors") if project.production == request.canary else UNKNOWN

    async def _approve(self, request: ApproveStage) -> None:
        await self._need_active(request)
        await self._calls.approve(request.project, request.canary, request.stage)

    async def _complete(self, request: CompleteRolling) -> None:
        await self._need_active(request)
        await self._calls.complete(request.project, request.canary)

    async def _look_at_abort(self, request: AbortRolling) -> Standing:
        if await self._client.fetch_project_or_none(request.project) is None:
            return UNKNOWN
        release = await self._calls.fetch(request.project)
        if release is None or release.canary != request.canary:
            return UNKNOWN
        if release.state == ABORTED:
            return done("all visitors are back", serving=release.current)
        if release.state == COMPLETE:
            what = "it had completed: roll back to take it back"
            return failed(what, serving=release.canary, previous=release.current)
        return absent(release.describe())

    async def _abort(self, request: AbortRolling) -> None:
        """There is no call named abort: rolling back to what served before is what Vercel's own command does."""
        release = await self._need_active(request)
        await self._client.roll_back(request.project, release.current)

    async def _need_active(self, request: _Move) -> RollingRelease:
        release = await self._calls.fetch(request.project)
        if release is None or not release.is_active or release.canary != request.canary:
            now = release.describe() if release else "there has been none"
            what = f"No rolling release of {request.canary} is going on: {now}."
            raise self._refuse(what, request.project, "Ask `rolling-release` for the present one.")
        return release

    def _refuse(self, what: str, project: str, remedy: str) -> Rejected:
        return Rejected(self._calls.http.provider, what, f"project {project}", remedy)


def _reached(release: RollingRelease, stage: int) -> Standing:
    is_reached = release.active is not None and release.active >= stage
    return done(release.describe()) if is_reached else absent(release.describe())


def _stages(request: ConfigureRolling) -> list[Stage]:
    """The last stage has everything, so that nothing follows it: it has neither a duration nor an approval."""
    minutes = float(request.minutes) if request.minutes else None
    before = [Stage(percent, minutes is None, minutes, request.linear) for percent in request.stages[:-1]]
    return [*before, *(Stage(percent, False, None) for percent in request.stages[-1:])]


def _alike(one: Stage, other: Stage) -> bool:
    """Of stages before the last: what Vercel says about that one's end means nothing."""
    return (one.percent, one.needs_approval, one.duration) == (other.percent, other.needs_approval, other.duration)

"""A rolling release as Vercel tells it, and the calls that move it.

Visitors, not requests, are divided: 5 % of the visitors may be far from 5 % of the requests. The configuration is a
template for the next release and never changes one in flight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from providers import wire
from providers.http import segment

if TYPE_CHECKING:
    from providers.vercel.client import VercelClient

ACTIVE, COMPLETE, ABORTED = "ACTIVE", "COMPLETE", "ABORTED"


@dataclass(frozen=True)
class Stage:
    """`percent` of the visitors get the canary.

    `duration` is in Vercel's own unit: minutes where it is configured, seconds in a release that goes on.
    """

    percent: int
    needs_approval: bool
    duration: float | None
    linear: bool = False


@dataclass(frozen=True)
class RollingRelease:
    """The last one of a project. `active` and `following` are indices into `stages`, None where there is none."""

    state: str
    current: str
    canary: str
    queued: str
    advancement: str
    stages: tuple[Stage, ...]
    active: int | None
    following: int | None
    started_at: datetime | None

    @property
    def is_active(self) -> bool:
        return self.state == ACTIVE

    @property
    def percent(self) -> int | None:
        """What share of the visitors the canary has now; None where Vercel does not say."""
        known = self.active is not None and 0 <= self.active < len(self.stages)
        return self.stages[self.active].percent if known and self.active is not None else None

    def describe(self) -> str:
        """One line for a person."""
        if self.state == ACTIVE:
            approval = self.following is not None and self.advancement != "automatic"
            waits = ", waiting for approval" if approval else ""
            return f"{self.canary} has {self.percent} % of the visitors{waits}"
        words = {COMPLETE: "has everything", ABORTED: "was taken back"}
        return f"{self.canary} {words.get(self.state, f'is in a state not known here: {self.state}')}"


def parse_stage(row: object) -> Stage:
    return Stage(
        wire.whole(row, "targetPercentage") or 0,
        wire.flag(row, "requireApproval") or False,
        wire.number(row, "duration"),
        wire.flag(row, "linearShift") or False,
    )


def parse_release(body: object) -> RollingRelease | None:
    wire.need_table(body)
    told = wire.table(body, "rollingRelease")
    if not told:
        return None
    return RollingRelease(
        state=wire.text(told, "state"),
        current=wire.text(told, "currentDeployment", "id"),
        canary=wire.text(told, "canaryDeployment", "id"),
        queued=wire.text(told, "queuedDeploymentId"),
        advancement=wire.text(told, "advancementType"),
        stages=tuple(parse_stage(row) for row in wire.items(told, "stages")),
        active=wire.whole(told, "activeStage", "index"),
        following=wire.whole(told, "nextStage", "index"),
        started_at=wire.moment(told, "startedAt"),
    )


def parse_config(body: object) -> tuple[Stage, ...] | None:
    """The configured stages; None where rolling releases are off."""
    wire.need_table(body)
    told = wire.table(body, "rollingRelease")
    return tuple(parse_stage(row) for row in wire.items(told, "stages")) if told else None


def parse_billing(body: object) -> Mapping[str, str]:
    """Whether the plan has a place for this project: Vercel's reason and its words."""
    return {"reason": wire.need_text(body, "reason"), "message": wire.text(body, "message")}


class RollingCalls:
    """Vercel's calls about one project's rolling release."""

    def __init__(self, client: VercelClient) -> None:
        self.client = client
        self.http = client.http

    async def fetch(self, project: str) -> RollingRelease | None:
        return await self.http.fetch(_path(project), parse_release)

    async def fetch_config(self, project: str) -> tuple[Stage, ...] | None:
        return await self.http.fetch(f"{_path(project)}/config", parse_config)

    async def fetch_billing(self, project: str) -> Mapping[str, str]:
        return await self.http.fetch(f"{_path(project)}/billing", parse_billing)

    async def configure(self, project: str, stages: Sequence[Stage], automatic: bool) -> None:
        """Its body is in no document: this is the one that Vercel's own command sends."""
        body = {
            "enabled": True,
            "advancementType": "automatic" if automatic else "manual-approval",
            "stages": [_stage(stage) for stage in stages],
        }
        await self.http.send("PATCH", f"{_path(project)}/config", json=body, repeatable=True)

    async def disable(self, project: str) -> None:
        await self.http.send("DELETE", f"{_path(project)}/config")

    async def approve(self, project: str, canary: str, stage: int) -> None:
        """Go on to a stage. Names stage and canary, so that Vercel refuses what is no longer so."""
        body = {"nextStageIndex": stage, "canaryDeploymentId": canary}
        await self.http.send("POST", f"{_path(project)}/approve-stage", json=body)

    async def complete(self, project: str, canary: str) -> None:
        await self.http.send("POST", f"{_path(project)}/complete", json={"canaryDeploymentId": canary})


def _path(project: str) -> str:
    return f"/v1/projects/{segment(project)}/rolling-release"


def _stage(stage: Stage) -> Mapping[str, object]:
    told: dict[str, object] = {"targetPercentage": stage.percent}
    if stage.needs_approval:
        told["requireApproval"] = True
    if stage.duration is not None:
        told["duration"] = int(stage.duration)
    if stage.linear:
        told["linearShift"] = True
    return told

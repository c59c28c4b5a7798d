"""Deployments that are to begin at a moment to come: what was asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from console.domain.ids import Actor, DeploymentId, EnvironmentName
from console.domain.plan import Wish
from console.domain.release import Release

ScheduledId = NewType("ScheduledId", str)


class ScheduleStatus(StrEnum):
    """`waiting` until its time, `starting` while a worker has taken it; everything else is its end."""

    WAITING = "waiting"
    STARTING = "starting"
    STARTED = "started"
    REFUSED = "refused"
    MISSED = "missed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in {ScheduleStatus.WAITING, ScheduleStatus.STARTING}

    @property
    def went_wrong(self) -> bool:
        """Whether its time is over, and nothing was started though nobody said so."""
        return self in {ScheduleStatus.REFUSED, ScheduleStatus.MISSED}


@dataclass(frozen=True)
class Scheduled:
    """One deployment of the schedule. `revision` rises with every change, so that of two workers only one changes it.

    `release` is what the wish named when it was added; that commit is deployed, wherever the name points later.
    `digest` is that of the plan that was shown then. `detail` says why nothing was started.
    """

    id: ScheduledId
    at: datetime
    wish: Wish
    release: Release
    digest: str
    asked_by: Actor
    asked_at: datetime
    status: ScheduleStatus = ScheduleStatus.WAITING
    deployment: DeploymentId | None = None
    ended_at: datetime | None = None
    detail: str = ""
    cancelled_by: Actor | None = None
    claimed_by: str = ""
    claimed_at: datetime | None = None
    revision: int = 0

    @property
    def environment(self) -> EnvironmentName:
        return self.wish.environment

    @property
    def request_id(self) -> str:
        """The request under which it is deployed, once among all workers."""
        return f"schedule:{self.id}"


def say_scheduled(entry: Scheduled) -> str:
    """`v1.5 at 2026-11-22 22:00 UTC, asked for by kim (s-…)`, and why nothing was started where that is so."""
    said = f"{entry.release.name} at {entry.at:%Y-%m-%d %H:%M} UTC, asked for by {entry.asked_by} ({entry.id})"
    return f"{said} was {entry.status.value}: {entry.detail}" if entry.status.went_wrong else said


def say_later(wish: Wish, release: Release) -> tuple[str, ...]:
    """What a plan for a moment to come tells besides its steps; nothing for one that begins now."""
    if wish.at is None:
        return ()
    begins = f"It begins at {wish.at:%Y-%m-%d %H:%M:%S} UTC, unless its plan differs by then, a freeze holds or "
    said = f"{begins}another deployment is under way."
    return tuple(filter(None, (said, say_pinned(release, wish.release))))


def say_pinned(release: Release, asked: str) -> str:
    """What happens when the name that was asked for moves on before the time has come."""
    named = asked or "the branch"
    if not release.commit or release.commit.startswith(named):
        return ""
    return f"{named} is {release.short} now; that commit is deployed then, also if {named} moves on meanwhile."

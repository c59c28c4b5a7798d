"""Freezes and the schedule, as one person may use them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from console.domain.backups import read_backup_act
from console.domain.errors import StoreError, UsageError
from console.domain.exchange import ScheduleRequest
from console.domain.freeze import Freeze, FreezeSpan, FreezeWish, find_holding, find_next
from console.domain.ids import Actor, EnvironmentName
from console.domain.observations import EnvironmentStatus
from console.domain.schedule import Scheduled
from console.server.parts import Parts

T = TypeVar("T")
log = logging.getLogger(__name__)

SHOWN = timedelta(days=1)
"""How long an environment's status names what should have begun and did not."""
SOON = timedelta(days=7)
"""Freezes that begin later are not in an environment's status; the list has them."""


class Audited(Protocol):
    """Do it if the role allows, and write down who asked for what and how it ended."""

    def __call__(
        self, action: str, subject: str, work: Awaitable[T], detail: dict[str, str] | None = None
    ) -> Awaitable[T]: ...


class Calendar:
    """Every change is audited by `audited`, which also asks for the role; `check` refuses unknown environments."""

    def __init__(
        self,
        parts: Parts,
        actor: Actor,
        need: Callable[[str], None],
        audited: Audited,
        check: Callable[[EnvironmentName], None],
    ) -> None:
        self._parts = parts
        self._actor = actor
        self._need = need
        self._audited = audited
        self._check = check

    async def freezes(self, environment: EnvironmentName | None = None) -> Sequence[FreezeSpan]:
        """What holds and what is to come, in one environment or in all, by begin."""
        self._need("view")
        if environment is not None:
            self._check(environment)
        names = [environment] if environment else list(map(EnvironmentName, self._parts.settings.environments))
        found = [span for name in names for span in await self._parts.engine.freezes.find(name)]
        return tuple(sorted(found, key=lambda span: (span.begins_at, span.environment)))

    async def add_freeze(self, wish: FreezeWish) -> Freeze:
        work = self._parts.engine.freezes.add(wish, self._actor)
        times = f"{wish.begins_at.isoformat()} to {wish.ends_at.isoformat()}"
        detail = {"times": times, "reason": wish.reason}
        if wish.services:
            detail["services"] = ", ".join(wish.services)
        return await self._audited("freeze", wish.environment, work, detail)

    async def lift_freeze(self, freeze: str, reason: str) -> Freeze:
        work = self._parts.engine.freezes.lift(freeze, reason, self._actor)
        return await self._audited("lift-freeze", freeze, work, {"reason": reason})

    async def schedule(self, environment: EnvironmentName | None = None, *, days: int = 0) -> Sequence[Scheduled]:
        """What is to come, by time; with `days` also what became of that of so many days before."""
        self._need("view")
        if environment is not None:
            self._check(environment)
        found = await self._parts.engine.schedule.find(self._parts.clock.now() - timedelta(days=days) if days else None)
        return tuple(entry for entry in found if environment in (None, entry.environment))

    async def add_scheduled(self, request: ScheduleRequest) -> Scheduled:
        if request.wish.switch is not None:
            what = "A switch-over is begun by somebody who is there, and not by the schedule."
            raise UsageError(what, "wish.switch", "Begin it with `quarterdeck switch-over`.")
        if read_backup_act(request.wish.strategy) is not None:
            what = "Backups have a schedule of their own, and one is put back by somebody who is there."
            raise UsageError(what, "wish.strategy", "Write `every` in [environments.ENV.backups].")
        wish = replace(request.wish, pinned=None)  # what a name stands for is for the source to say
        work = self._parts.engine.schedule.add(wish, request.request_id, request.digest, self._actor)
        at = wish.at.isoformat() if wish.at else ""
        detail = {"at": at, "release": wish.release, "strategy": wish.strategy, "reason": wish.reason}
        return await self._audited("schedule", wish.environment, work, detail)

    async def cancel_scheduled(self, entry: str, reason: str) -> Scheduled:
        work = self._parts.engine.schedule.cancel(entry, reason, self._actor)
        return await self._audited("cancel-schedule", entry, work, {"reason": reason})


async def with_calendar(parts: Parts, statuses: Sequence[EnvironmentStatus]) -> tuple[EnvironmentStatus, ...]:
    """The environments with their freezes and what is to begin there; without them while the record does not answer."""
    now = parts.clock.now()
    try:
        entries = await parts.engine.schedule.find(now - SHOWN)
        return tuple(
            [
                replace(
                    status,
                    freezes=_soon(await parts.engine.freezes.find(status.name), now),
                    scheduled=tuple(e for e in _worth_saying(entries) if e.environment == status.name),
                )
                for status in statuses
            ]
        )
    except StoreError as problem:
        log.warning("Freezes and schedule cannot be shown: %s", problem.what)
        return tuple(statuses)


def _soon(spans: Sequence[FreezeSpan], now: datetime) -> tuple[FreezeSpan, ...]:
    """What holds, and the next if it is near."""
    ahead = find_next(spans, now)
    near = (ahead,) if ahead is not None and ahead.begins_at - now <= SOON else ()
    return (*find_holding(spans, now), *near)


def _worth_saying(entries: Sequence[Scheduled]) -> list[Scheduled]:
    """What is to come, then what went wrong."""
    to_come = [entry for entry in entries if entry.status.is_open]
    return [*to_come, *(entry for entry in entries if entry.status.went_wrong)]

"""Deployments that begin at a moment to come: added with their plan, begun once among all workers, or missed.

The moment is a deadline on record, so that a worker that was down, or a clock that jumped, changes nothing about it.
Whoever begins one takes it first, and deploys under a request id of its own, so that a crash between the two repeats
nothing. A commit is fixed when a deployment is added; its plan is compared when it begins.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from console.config.settings import Settings
from console.config.strategies import known_strategies
from console.domain.audit import AuditEntry
from console.domain.clock import Clock
from console.domain.errors import ConsoleError, PlanRejected, Refused, StoreError, UsageError
from console.domain.exchange import Submitted
from console.domain.ids import Actor, build_deployment_id
from console.domain.plan import Plan, Wish
from console.domain.schedule import Scheduled, ScheduledId, ScheduleStatus
from console.planning.kinds import RELEASING, read_strategy
from console.storage.ledger import DeploymentLedger

log = logging.getLogger(__name__)

STALE = timedelta(minutes=3)
"""After this long without an end, what another worker took is taken up; planning asks every platform for less."""

AGAIN = timedelta(seconds=15)
"""Between two tries where a platform, or the source of releases, does not answer."""

MakePlan = Callable[[Wish], Awaitable[Plan]]
Deploy = Callable[[Wish, str, str, Actor], Awaitable[Submitted]]


class Schedule:
    """The schedule of all environments, as one worker keeps it."""

    def __init__(
        self, settings: Settings, ledger: DeploymentLedger, clock: Clock, worker: str, plan: MakePlan, deploy: Deploy
    ) -> None:
        """`plan` and `deploy` are the engine's own."""
        self._settings = settings
        self._ledger = ledger
        self._clock = clock
        self._worker = worker
        self._plan = plan
        self._deploy = deploy
        self._starting: dict[ScheduledId, asyncio.Task[None]] = {}

    async def find(self, since: datetime | None = None) -> tuple[Scheduled, ...]:
        """What is to come, and what was to begin since a moment, by time."""
        return await self._ledger.scheduled(since)

    async def add(self, wish: Wish, request_id: str, digest: str, actor: Actor) -> Scheduled:
        """Put a deployment on record that begins at `wish.at`. The same request id again is the same one.

        Raises:
            UsageError: There is no moment, it is past, or what is asked for cannot wait.
            PlanRejected: With every refusal as of that moment, or because the plan is not the one that was shown.
        """
        now = self._clock.now()
        at = self._check(wish, now)
        plan = await self._plan(wish)
        if plan.refusals:
            raise PlanRejected(wish.environment, plan.refusals)
        if digest and digest != plan.digest:
            changed = "What would be done now differs from the plan that was shown."
            raise PlanRejected(wish.environment, (changed,), "Look at the plan again, then schedule it.")
        name = ScheduledId(f"s-{build_deployment_id(now, secrets.token_bytes(4))}")
        pinned = replace(wish, pinned=plan.release)
        return await self._ledger.add_scheduled(
            Scheduled(name, at, pinned, plan.release, plan.digest, actor, now), request_id
        )

    def _check(self, wish: Wish, now: datetime) -> datetime:
        if wish.at is None:
            raise UsageError("A deployment to come has a time.", "option --at", "Write 22:00 or 2026-11-22T22:00.")
        if wish.at <= now:
            past = f"{wish.at:%Y-%m-%d %H:%M:%S} UTC is past; it is {now:%H:%M:%S} UTC."
            raise UsageError(past, "option --at", "Name a moment to come, or deploy now.")
        if wish.emergency:
            raise UsageError("An emergency does not wait.", "options --emergency and --at", "Leave one of them out.")
        if read_strategy(wish.strategy)[0] is not RELEASING:
            known = f"Known: {', '.join(known_strategies(self._settings.custom_pipelines))}."
            raise UsageError(f"{wish.strategy} cannot be scheduled.", known, "Name a strategy for a release.")
        return wish.at

    async def cancel(self, text: str, reason: str, actor: Actor) -> Scheduled:
        """Take one off the schedule, by its id or a unique end of it.

        Raises:
            UsageError: There is none, or it fits several.
            Refused: It has begun already.
        """
        found = [entry for entry in await self._ledger.scheduled() if text and entry.id.endswith(text)]
        if len(found) != 1:
            fits = ", ".join(entry.id for entry in found)
            what = f"{text!r} fits {len(found)} of the schedule." if found else f"Nothing to come is called {text!r}."
            raise UsageError(what, fits, "`quarterdeck schedule list` shows what is to come.")
        entry = found[0]
        ended = replace(
            entry,
            status=ScheduleStatus.CANCELLED,
            ended_at=self._clock.now(),
            cancelled_by=actor,
            detail=reason.strip(),
        )
        stored = await self._ledger.change_scheduled(ended) if entry.status is ScheduleStatus.WAITING else None
        if stored is None:
            raise Refused(
                f"{entry.id} is beginning just now: too late to cancel.",
                entry.environment,
                f"`quarterdeck abort {entry.environment}` stops the deployment.",
            )
        return stored

    async def look(self) -> tuple[datetime, ...]:
        """Begin what is due, in the background; the answer is the moments that are still to come."""
        now = self._clock.now()
        waiting = await self._ledger.scheduled()
        for entry in waiting:
            if entry.at <= now and entry.id not in self._starting and self._may_take(entry, now):
                task = asyncio.create_task(self._begin(entry), name=f"schedule {entry.id}")
                self._starting[entry.id] = task
                task.add_done_callback(partial(self._forget, entry.id))
        return tuple(entry.at for entry in waiting if entry.at > now)

    def _forget(self, name: ScheduledId, task: asyncio.Task[None]) -> None:
        self._starting.pop(name, None)

    async def stop(self) -> None:
        """Let go of what is beginning; the next worker takes it up."""
        tasks = tuple(self._starting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _may_take(self, entry: Scheduled, now: datetime) -> bool:
        """Whether nobody has it: one that this worker took and does not hold is from before its restart."""
        if entry.claimed_at is None or entry.claimed_by == self._worker:
            return True
        return now - entry.claimed_at >= (AGAIN if entry.status is ScheduleStatus.WAITING else STALE)

    async def _begin(self, entry: Scheduled) -> None:
        try:
            now = self._clock.now()
            detail = entry.detail
            if entry.status is ScheduleStatus.STARTING:
                detail = f"{entry.claimed_by} took it at {entry.claimed_at:%H:%M:%S} UTC and did not begin it"
            taken = replace(
                entry, detail=detail, status=ScheduleStatus.STARTING, claimed_by=self._worker, claimed_at=now
            )
            held = await self._ledger.change_scheduled(taken)
            if held is not None:
                await self._start(held, now)
        except StoreError as problem:
            log.warning("%s could not be begun or recorded; it is tried again: %s", entry.id, problem.what)
        except Exception:
            log.exception("%s could not be begun", entry.id)

    async def _start(self, entry: Scheduled, now: datetime) -> None:
        known = await self._ledger.find_request(entry.request_id)
        if known is not None:
            await self._end(replace(entry, deployment=known), ScheduleStatus.STARTED, "")
            return
        if now - entry.at > self._grace(entry):
            await self._end(entry, ScheduleStatus.MISSED, self._say_late(entry, now))
            return
        reason = entry.wish.reason or f"as scheduled by {entry.asked_by} ({entry.id})"
        wish = replace(entry.wish, at=None, reason=reason)
        try:
            submitted = await self._deploy(wish, entry.request_id, entry.digest, entry.asked_by)
        except ConsoleError as problem:
            if problem.transient:
                await self._ledger.change_scheduled(
                    replace(entry, status=ScheduleStatus.WAITING, detail=problem.what, claimed_by="")
                )
                log.warning("%s waits for another try: %s", entry.id, problem.what)
                return
            await self._end(entry, ScheduleStatus.REFUSED, _say_refused(problem))
        else:
            await self._end(replace(entry, deployment=submitted.deployment), ScheduleStatus.STARTED, "")

    def _grace(self, entry: Scheduled) -> timedelta:
        settings = self._settings.environments.get(entry.environment)
        return settings.schedule.grace if settings else timedelta()

    def _say_late(self, entry: Scheduled, now: datetime) -> str:
        late = str(now - entry.at).partition(".")[0]
        why = entry.detail.rstrip(".") or f"no worker looked before {now:%Y-%m-%d %H:%M:%S} UTC"
        grace = str(self._grace(entry)).partition(".")[0]
        setting = f"[environments.{entry.environment}.schedule] grace"
        return f"{why}; by now it is {late} late, and {grace} are allowed ({setting})."

    async def _end(self, entry: Scheduled, status: ScheduleStatus, detail: str) -> None:
        """Record what became of it, in the schedule and in the audit."""
        now = self._clock.now()
        ended = replace(entry, status=status, detail=detail, ended_at=now)
        if await self._ledger.change_scheduled(ended) is None:
            return
        level = logging.WARNING if status.went_wrong else logging.INFO
        log.log(level, "%s of %s: %s %s", entry.id, entry.environment, status, detail)
        said = {"schedule": entry.id, "deployment": entry.deployment or "", "problem": detail}
        outcome = {ScheduleStatus.STARTED: "done", ScheduleStatus.REFUSED: "refused"}.get(status, "failed")
        told = {name: value for name, value in said.items() if value}
        await self._ledger.record_audit(
            AuditEntry(now, entry.asked_by, "schedule-start", entry.environment, outcome, told)
        )


def _say_refused(problem: ConsoleError) -> str:
    if isinstance(problem, PlanRejected):
        return " ".join(problem.reasons)
    return " ".join(part for part in (problem.what, problem.remedy) if part)

"""The engine as the worker sees it: preview, deploy, control, and take up what a crash left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from console.config.settings import Settings
from console.config.strategies import known_strategies
from console.domain import events as ev
from console.domain.clock import Clock
from console.domain.deployment import Deployment, DeploymentStatus, fold
from console.domain.errors import ConsoleError, PlanRejected, Refused, UsageError
from console.domain.events import Control
from console.domain.exchange import ControlRequest, RollbackPreview, Submitted
from console.domain.failover import CANNOT_GO_BACK, Failover, is_past_return, read_failover
from console.domain.hold import LIFT_HOLD, stands_aside
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, build_deployment_id
from console.domain.maintenance import MAINTENANCE
from console.domain.observations import Lock
from console.domain.plan import Plan, Step, Wish, longest_path
from console.domain.recovery import read_recovery
from console.domain.release import Release
from console.domain.rotation import read_rotation
from console.domain.variables import SYNC
from console.engine.crash_points import CrashPoint, no_crash
from console.engine.decide import asked_steps, is_skippable
from console.engine.emergencies import refuse_control, refuse_review
from console.engine.executors.table import EXECUTORS
from console.engine.failover import fetch_failover
from console.engine.pages import fetch_pages
from console.engine.ports import Durable
from console.engine.promotions import refuse_full
from console.engine.rotation import fetch_secret
from console.engine.runner import Runner
from console.engine.survey import Survey
from console.engine.upkeep import Upkeep
from console.engine.variables import Variables
from console.engine.way_back import acts_of_rollback, acts_of_undos, find_obstacles
from console.planning.forecast import Forecasts, build_forecasts
from console.planning.live import Live
from console.planning.partial import name_dependants, refuse_partial, with_halfway
from console.planning.plans import build_plan
from console.planning.recreate import recreates
from console.planning.rollback import build_rollback, has_revoked, name_irreversible
from console.storage.ledger import ControlRow, Ledger, Wake, locked
from console.variables.record import find_live
from console.watch.holds import fetch_hold
from providers.contract import Connection

log = logging.getLogger(__name__)

RECONCILE_SECONDS = 10.0
PAST = 20
"""Past deployments of an environment that forecasts are taken from, and what its places were configured with."""


class Engine:
    """Runs the deployments of one worker. Everything is reached through the ledger; nothing here must survive."""

    def __init__(
        self,
        *,
        settings: Settings,
        ledger: Ledger,
        durable: Durable,
        connections: Mapping[str, Connection],
        clock: Clock,
        worker: str,
        variables: Variables | None = None,
        shared: bool = False,
        crash: CrashPoint = no_crash,
    ) -> None:
        """With `shared`, other workers use the same ledger, and only what this one began is taken up at the start."""
        self._shared = shared
        self._settings = settings
        self._ledger = ledger
        self._durable = durable
        self._clock = clock
        self._worker = worker
        self._crash = crash
        self._variables = variables
        self._connections = connections
        self._survey = Survey(settings, connections, clock, variables)
        self._runner = Runner(
            ledger=ledger,
            executors=EXECUTORS,
            connections=connections,
            build_rollback=build_rollback,
            clock=clock,
            worker=worker,
            parallel=self._parallel,
            variables=variables,
            crash=crash,
        )
        self._unsubscribe: Callable[[], None] = lambda: None
        self._checks: set[asyncio.Task[None]] = set()
        self._reconciling: asyncio.Task[None] | None = None
        self._late = asyncio.Lock()
        self._maintaining: asyncio.Task[None] | None = None
        self._upkeep = Upkeep(settings, ledger, clock, self._deploy_by_itself)

    @property
    def running(self) -> tuple[DeploymentId, ...]:
        """Deployments that run in this process."""
        return tuple(self._runner.boards)

    async def start(self) -> None:
        """Listen for controls and take up every deployment that has not ended."""
        self._durable.bind(self._runner.run, self._on_workflow_end)
        self._unsubscribe = self._ledger.subscribe(self._on_wake)
        await self._take_up()
        for environment in self._settings.environments:
            for newest in (await self._ledger.find_deployments(environment))[:1]:
                await self._answer_late(newest)
        self._reconciling = asyncio.create_task(self._reconcile(), name="reconcile")
        self._maintaining = asyncio.create_task(self._upkeep.run(), name="maintenance")

    async def _take_up(self) -> None:
        for deployment, owner in (await self.unfinished()).items():
            if deployment not in self._runner.boards and (owner == self._worker or not self._shared):
                log.info("taking up deployment %s", deployment)
                await self._durable.ensure(deployment, {"deployment": deployment})

    async def _reconcile(self) -> None:
        """A second belt: what is on record as unfinished runs, whatever went wrong on the way to starting it."""
        while True:
            await self._clock.sleep(RECONCILE_SECONDS)
            try:
                await self._take_up()
            except Exception:
                log.exception("deployments could not be taken up")

    async def unfinished(self) -> dict[DeploymentId, str]:
        """Deployments that have not ended, and the worker that last had each."""
        owners = {lock.deployment: lock.worker for lock in await self._ledger.locks()}
        for deployment_id in await self._ledger.unfinished():
            deployment = await self.load(deployment_id)
            owners[deployment_id] = next(reversed(deployment.workers), owners.get(deployment_id, ""))
        return owners

    async def adopt(self, deployment: DeploymentId) -> None:
        """Take over a deployment whose worker is known to be dead."""
        log.warning("taking over deployment %s", deployment)
        await self._durable.ensure(deployment, {"deployment": deployment}, adopt=True)

    async def stop(self) -> None:
        """Let go. Running steps end as in a crash and are taken up by the next start."""
        self._unsubscribe()
        for task in (*self._checks, self._reconciling, self._maintaining):
            if task is not None:
                task.cancel()
        await self._durable.stop()

    # --- asking -----------------------------------------------------------------------------------------------------

    async def preview(self, wish: Wish) -> Plan:
        """The plan as it would run now, refusals included.

        Raises:
            UsageError: The environment or the release does not exist.
            ProviderError: The source of releases cannot be asked.
        """
        lock = next((lock for lock in await self._ledger.locks() if lock.environment == wish.environment), None)
        return await self._plan(wish, lock)

    async def deploy(self, wish: Wish, request_id: str, digest: str, actor: Actor) -> Submitted:
        """Record the request with its whole plan, take the lock, start.

        Raises:
            PlanRejected: With every refusal, or because the plan is no longer the one that was previewed.
            Refused: Another deployment holds the environment.
        """
        self._check_environment(wish.environment)
        seen = await self._ledger.find_request(request_id) if request_id else None
        if seen is not None:
            return Submitted(seen, again=True)
        await self._refuse_when_locked(wish.environment)
        plan = await self._plan(wish, None)
        if plan.refusals:
            raise PlanRejected(wish.environment, plan.refusals)
        if digest and digest != plan.digest:
            raise PlanRejected(
                wish.environment,
                ("What would be done now differs from the plan that was shown.",),
                "Look at the plan again, then start it.",
            )
        now = self._clock.now()
        deployment = build_deployment_id(now, secrets.token_bytes(4))
        request = ev.DeploymentRequested(wish.environment, plan, wish.reason, request_id, wish.emergency)
        lock = Lock(wish.environment, deployment, actor, now, wish.reason or _purpose(plan), self._worker)
        opened = await self._ledger.open_deployment(ev.Event(deployment, now, request, actor), lock)
        self._crash("opened")
        if not opened.again:
            await self._durable.ensure(opened.deployment, {"deployment": opened.deployment})
        return Submitted(opened.deployment, opened.again)

    async def _deploy_by_itself(self, wish: Wish, request_id: str) -> Submitted:
        """Maintenance that is due, which nobody has to ask for."""
        return await self.deploy(wish, request_id, "", ev.SYSTEM)

    async def control(self, deployment_id: DeploymentId, request: ControlRequest, actor: Actor) -> None:
        """Put a wish on disk and wake the deployment; returns once it is durable.

        Raises:
            Refused: It cannot apply: the deployment has ended, or nothing is there to take back.
        """
        deployment = await self.load(deployment_id)
        at = request.requested_at or self._clock.now()
        if deployment.is_terminal:
            await self._control_ended(deployment, request, actor)
            return
        if request.control is Control.ROLLBACK and deployment.status is DeploymentStatus.ROLLING_BACK:
            since = f"since {deployment.rollback.requested_at:%H:%M:%S} UTC" if deployment.rollback else ""
            raise Refused(f"Deployment {deployment.id} is being rolled back already.", since)
        if request.control in {Control.ROLLBACK, Control.ABORT} and is_past_return(deployment):
            raise Refused(f"Deployment {deployment.id} cannot be taken back: {CANNOT_GO_BACK}.", deployment.environment)
        chosen = with_halfway(deployment, request.services)
        if request.control is Control.ROLLBACK and (partial := refuse_partial(deployment, chosen)):
            raise Refused(f"Deployment {deployment.id} cannot be rolled back: {partial}", deployment.environment)
        if request.control is Control.SKIP:
            _refuse_skip(deployment, request)
        if request.control is Control.PROMOTE_FULL:
            refuse_full(deployment, request.step)
        refuse_control(deployment, request, self._clock.now())
        row = ControlRow(0, deployment.id, request.control, actor, at, request.step, request.reason, request.services)
        await self._ledger.add_control(row)
        await self._answer_late(deployment.id)

    async def review(self, deployment_id: DeploymentId, comment: str, actor: Actor) -> None:
        """Close an emergency's review; it is on disk when this returns.

        Raises:
            Refused: There is none, it is closed, the deployment goes on, or they asked for it themselves.
        """
        refuse_review(await self.load(deployment_id), actor, comment)
        await self.note(deployment_id, ev.ReviewClosed(comment.strip()), actor, once=f"{deployment_id}:reviewed")

    async def note(self, deployment_id: DeploymentId, payload: ev.Payload, actor: Actor, *, once: str) -> None:
        """Add to the record of a deployment, wherever it runs, or after it has ended."""
        board = self._runner.boards.get(deployment_id)
        if board is not None:
            await board.record(payload, actor=actor, once=once)
        else:
            await self._ledger.append(ev.Event(deployment_id, self._clock.now(), payload, actor), once=once)

    async def preview_rollback(
        self, deployment_id: DeploymentId, services: tuple[ServiceName, ...] = ()
    ) -> RollbackPreview:
        """What a rollback would do now."""
        deployment = await self.load(deployment_id)
        services = with_halfway(deployment, services)
        history = build_forecasts(await self._past(deployment.environment))
        steps = tuple(
            replace(step, forecast=_forecast_undo(deployment, step, history, self._clock.now()))
            for step in build_rollback(deployment, services)
        )
        forecast = longest_path(steps)
        obstacles = await find_obstacles(acts_of_rollback(steps), self._connections)
        cannot = (*name_irreversible(deployment, services), *name_dependants(deployment, services), *obstacles)
        before = sorted(set(deployment.plan.current.values()))
        return RollbackPreview(
            deployment=deployment.id,
            environment=deployment.environment,
            from_release=deployment.plan.release.name,
            to_release=", ".join(commit[:8] for commit in before) or "nothing",
            steps=tuple(step.name for step in steps),
            forecast_s=forecast.total_seconds() if forecast is not None else None,
            cannot=cannot,
            refusal=await self._refusal_of_rollback(deployment, services),
            services=services,
        )

    async def load(self, deployment_id: DeploymentId) -> Deployment:
        """A deployment as it is on record; one that runs here is at hand without reading.

        Raises:
            UsageError: Nobody knows it.
        """
        board = self._runner.boards.get(deployment_id)
        if board is not None:
            return board.deployment
        deployment = fold(await self._ledger.events_of(deployment_id))
        if deployment is None:
            raise UsageError(
                f"There is no deployment {deployment_id!r}.", "", "`quarterdeck history` lists those there are."
            )
        return deployment

    # --- within -----------------------------------------------------------------------------------------------------

    async def _plan(self, wish: Wish, lock: Lock | None) -> Plan:
        self._check_wish(wish)
        plan = await self._build_plan(wish, lock)
        obstacles = await find_obstacles(acts_of_undos(plan.steps), self._connections)
        on_failure = self._settings.environments[wish.environment].on_failure
        return replace(plan, on_failure=on_failure, obstacles=obstacles)

    async def _build_plan(self, wish: Wish, lock: Lock | None) -> Plan:
        past = await self._past(wish.environment)
        history = build_forecasts(past)
        if wish.strategy == SYNC:
            live = await self._survey.fetch_live(wish.environment, find_live(past))
            facts = replace(live, lock=lock, at=self._clock.now())
            return build_plan(self._settings, wish, _release_of(live), facts, history=history)
        if wish.strategy == MAINTENANCE:
            pages = await fetch_pages(self._settings, self._connections, wish.environment)
            standing = Live(pages=pages, lock=lock, at=self._clock.now())
            return build_plan(self._settings, wish, _last_release(past), standing, history=history)
        failover = read_failover(wish.strategy)
        if failover is not None:
            return await self._plan_failover(wish, failover, lock, history)
        if wish.strategy == LIFT_HOLD or read_recovery(wish.strategy) is not None:
            live = await self._survey.fetch_live(wish.environment, find_live(past))
            hold = await fetch_hold(self._ledger, wish.environment)
            facts = replace(live, lock=lock, at=self._clock.now(), hold=hold)
            running = _release_of(live)
            named = next((d.plan.release for d in past if d.plan.release.commit == running.commit), running)
            return build_plan(self._settings, wish, named, facts, history=history)
        rotation = read_rotation(wish.strategy)
        if rotation is not None:
            live, secret = await asyncio.gather(
                self._survey.fetch_live(wish.environment, find_live(past)),
                fetch_secret(self._settings, self._connections, self._variables, wish, rotation),
            )
            facts = replace(live, lock=lock, at=self._clock.now(), secret=secret)
            release = await self._fetch_running(wish.environment, live)
            return build_plan(self._settings, wish, release, facts, history=history)
        release, live = await asyncio.gather(
            self._survey.fetch_release(wish.environment, wish.release),
            self._survey.fetch_live(wish.environment, find_live(past)),
        )
        commits = [service.live_commit for service in live.services.values() if service.live_commit]
        base = max(set(commits), key=commits.count, default="")
        files, added, locks = await asyncio.gather(
            self._survey.fetch_migrations(wish.environment, release),
            self._survey.fetch_commits(base, release),
            self._ledger.locks(),
        )
        facts = replace(
            live,
            lock=lock,
            at=self._clock.now(),
            since=history.past.live_since,
            changes=None if added is None else len(added),
            commits=added,
            others=tuple(held for held in locks if held.environment != wish.environment),
            hold=await fetch_hold(self._ledger, wish.environment),
            served=_find_served(past) if wish.returns else frozenset(),
        )
        if recreates(self._settings, wish):
            facts = replace(facts, pages=await fetch_pages(self._settings, self._connections, wish.environment))
        return build_plan(self._settings, wish, release, facts, files, history)

    async def _plan_failover(self, wish: Wish, asked: Failover, lock: Lock | None, history: Forecasts) -> Plan:
        """Nothing is asked of the source of releases: it may be gone with everything else."""
        locks = await self._ledger.locks()
        facts = await fetch_failover(
            self._settings, self._connections, self._variables, self._survey, self._clock, wish, asked, locks
        )
        live = Live(lock=lock, at=self._clock.now(), failover=facts)
        return build_plan(self._settings, wish, Release("", "–"), live, history=history)

    async def _fetch_running(self, environment: EnvironmentName, live: Live) -> Release:
        """The release that runs, with the name that its source has for it."""
        running = _release_of(live)
        known = running.commit and self._settings.source.provider
        return await self._survey.fetch_release(environment, running.commit) if known else running

    def _check_environment(self, environment: EnvironmentName) -> None:
        if environment not in self._settings.environments:
            known = ", ".join(self._settings.environments) or "none"
            raise UsageError(f"There is no environment {environment!r}.", f"Known: {known}.", "Name one of these.")

    def _check_wish(self, wish: Wish) -> None:
        self._check_environment(wish.environment)
        placed = self._settings.environments[wish.environment].services
        unknown = [name for name in wish.services if name not in placed]
        if unknown:
            raise UsageError(
                f"There is no service {unknown[0]!r} in {wish.environment}.",
                f"Known: {', '.join(placed) or 'none'}.",
                "Name one of these.",
            )
        strategies = known_strategies(self._settings.custom_pipelines)
        known = wish.strategy in ("", *strategies, SYNC, MAINTENANCE) or read_rotation(wish.strategy) is not None
        known = known or wish.strategy == LIFT_HOLD or read_recovery(wish.strategy) is not None
        if not known and read_failover(wish.strategy) is None:
            raise UsageError(
                f"There is no strategy {wish.strategy!r}.", f"Known: {', '.join(strategies)}.", "Name one of these."
            )

    async def _refuse_when_locked(self, environment: EnvironmentName) -> None:
        for lock in await self._ledger.locks():
            if lock.environment == environment:
                raise locked(lock)

    async def _answer_late(self, deployment_id: DeploymentId) -> None:
        """Answer what was asked of a deployment while it ended, and which its workflow therefore never saw."""
        async with self._late:
            deployment = await self.load(deployment_id)
            rows = await self._ledger.pending_controls(deployment_id) if deployment.is_terminal else ()
            for row in rows:
                request = ControlRequest(row.control, row.step, row.reason, row.services, row.at)
                try:
                    await self._control_ended(deployment, request, row.actor, row.id)
                    return
                except Refused as refusal:
                    words = row.reason or f"too late: {refusal.what}"
                    note = ev.ControlReceived(row.control, row.step, words)
                    event = ev.Event(deployment.id, self._clock.now(), note, row.actor)
                    await self._ledger.append(event, once=f"control:{row.id}", answers=row.id)

    async def _control_ended(
        self, deployment: Deployment, request: ControlRequest, actor: Actor, answers: int | None = None
    ) -> None:
        wants_back = request.control in {Control.ROLLBACK, Control.RETRY}
        if not wants_back or (request.control is Control.RETRY and deployment.status is not DeploymentStatus.FAILED):
            ended = f"ended {deployment.ended_at:%Y-%m-%d %H:%M:%S} UTC" if deployment.ended_at else ""
            raise Refused(
                f"Deployment {deployment.id} is over ({deployment.status.value}): too late to {request.control.value}.",
                ended,
            )
        refusal = await self._refusal_of_rollback(deployment, request.services)
        if refusal:
            raise Refused(f"Deployment {deployment.id} cannot be rolled back: {refusal}", deployment.environment)
        now = self._clock.now()
        at = request.requested_at or now
        reason = request.reason or f"{request.control.value} by {actor}"
        lock = Lock(deployment.environment, deployment.id, actor, now, reason, self._worker)
        asked = ev.ControlReceived(request.control, request.step, request.reason)
        rollback = ev.RollbackRequested(ev.Trigger.MANUAL, reason, at, request.services)
        await self._ledger.append(
            ev.Event(deployment.id, now, asked, actor),
            ev.Event(deployment.id, now, rollback, actor),
            once=f"{deployment.id}:rollback-after:{deployment.seq}",
            answers=answers,
            lock=lock,
        )
        self._crash("reopened")
        await self._durable.ensure(deployment.id, {"deployment": deployment.id})

    async def _refusal_of_rollback(self, deployment: Deployment, services: tuple[ServiceName, ...] = ()) -> str:
        """Why it cannot go back now, or these services of it; or nothing."""
        partial = refuse_partial(deployment, services)
        if partial:
            return partial
        was_partial = deployment.rollback is not None and bool(deployment.rollback.services)
        remains = was_partial and bool(build_rollback(deployment, services))
        if deployment.status in {DeploymentStatus.ROLLED_BACK, DeploymentStatus.ABORTED} and not remains:
            return f"it was {deployment.status.value.replace('_', ' ')} already."
        if deployment.status is DeploymentStatus.ROLLING_BACK:
            return "it is being rolled back already."
        if deployment.plan.strategy == MAINTENANCE and not any(step.undo for step in deployment.plan.steps):
            return "it only ended maintenance; put pages up again with `quarterdeck maintenance on`."
        if is_past_return(deployment):
            return f"{CANNOT_GO_BACK}."
        if has_revoked(deployment):
            return "the old secret was given up, and nothing brings it back; rotate again instead."
        if deployment.is_terminal:
            newer = await self._ledger.find_deployments(deployment.environment)
            later = [other for other in newer if other > deployment.id]
            for other in later:
                found = fold(await self._ledger.events_of(other))
                if found is None or stands_aside(found.plan.strategy):
                    continue
                if found.status not in {DeploymentStatus.ROLLED_BACK, DeploymentStatus.ABORTED}:
                    return f"{other} came after it; roll that back first, or deploy the release you want."
        return ""

    async def _past(self, environment: EnvironmentName) -> list[Deployment]:
        """The newest deployments of an environment, newest first."""
        ids = (await self._ledger.find_deployments(environment))[:PAST]
        past = [fold(await self._ledger.events_of(deployment)) for deployment in ids]
        return [deployment for deployment in past if deployment is not None]

    def _parallel(self, environment: str) -> int:
        settings = self._settings.environments.get(environment)
        return settings.limits.parallel if settings else 4

    def _on_wake(self, wake: Wake) -> None:
        if wake.kind == "control":
            self._runner.wake(wake.deployment)

    def _on_workflow_end(self, name: str) -> None:
        self._upkeep.wake()
        check = asyncio.get_running_loop().create_task(self._see_to_the_end(DeploymentId(name)))
        self._checks.add(check)
        check.add_done_callback(self._checks.discard)

    async def _see_to_the_end(self, deployment: DeploymentId) -> None:
        """A workflow ended while its deployment goes on: a rollback was asked for in between, or the engine broke."""
        with contextlib.suppress(ConsoleError):
            await self._answer_late(deployment)
            if deployment in await self._ledger.unfinished():
                await self._durable.ensure(deployment, {"deployment": deployment})


def _refuse_skip(deployment: Deployment, request: ControlRequest) -> None:
    """Raises Refused where there is no failed step to skip, or it cannot be left out, or nobody says why."""
    asked = asked_steps(deployment, request.step)
    if not asked:
        what = f"step {request.step}" if request.step else "no step"
        raise Refused(f"Deployment {deployment.id}: {what} waits for a decision.", "", "Only a failed step is skipped.")
    needed = [state.step for state in asked if not is_skippable(state.step)]
    if needed:
        raise Refused(
            f"{needed[0].name} cannot be skipped: later steps stand on it.",
            f"deployment {deployment.id}",
            "Retry it, or roll back.",
        )
    if not request.reason.strip():
        raise Refused("A step is skipped for a reason only.", "option --reason", "Say why; it is kept in the record.")


def _find_served(past: Iterable[Deployment]) -> frozenset[str]:
    """Commits that were live: what went well, and what was there before."""
    found: set[str] = set()
    for deployment in past:
        found.update(deployment.plan.current.values())
        if deployment.status is DeploymentStatus.SUCCEEDED:
            found.add(deployment.plan.release.commit)
    return frozenset(found)


def _release_of(live: Live) -> Release:
    """What runs in an environment, for a plan that leaves it there."""
    commits = [service.live_commit for service in live.services.values() if service.live_commit]
    commit = max(set(commits), key=commits.count, default="")
    return Release(commit, commit[:8])


def _last_release(past: Iterable[Deployment]) -> Release:
    """What went live last by our record; a plan of maintenance asks no platform for it."""
    succeeded = (deployment for deployment in past if deployment.status is DeploymentStatus.SUCCEEDED)
    releases = (deployment.plan.release for deployment in succeeded)
    return next((release for release in releases if release.commit), Release("", "–"))


def _purpose(plan: Plan) -> str:
    if plan.strategy == MAINTENANCE:
        return "changes holding pages"
    if read_failover(plan.strategy) is not None:
        return "fails over"
    recovery = read_recovery(plan.strategy)
    if recovery is not None:
        return f"recovers {', '.join(plan.services)} ({recovery.act})"
    if plan.strategy == LIFT_HOLD:
        return "lets pushes go live again"
    rotation = read_rotation(plan.strategy)
    if rotation is not None:
        return f"rotates {rotation.name}"
    return "sets variables" if plan.strategy == SYNC else f"deploys {plan.release.name}"


def _forecast_undo(deployment: Deployment, step: Step, history: Forecasts, now: datetime) -> timedelta | None:
    """What it took before; without a past, what it took to do what is undone."""
    known = history.of(deployment.environment, step.service, step.kind)
    undone = deployment.steps.get(step.undoes) if step.undoes else None
    return known if known is not None or undone is None else undone.duration(now)

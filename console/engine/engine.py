"""The engine as the worker sees it: preview, deploy, control, and take up what a crash left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Mapping

from console.config.settings import Settings
from console.domain import events as ev
from console.domain.clock import Clock
from console.domain.deployment import Deployment, DeploymentStatus, fold
from console.domain.errors import ConsoleError, PlanRejected, Refused, UsageError
from console.domain.events import Control
from console.domain.exchange import ControlRequest, RollbackPreview, Submitted
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, build_deployment_id
from console.domain.observations import Lock
from console.domain.plan import Plan, Wish
from console.engine.chores import Chores
from console.engine.controls import ROLLBACKS, refuse_wish
from console.engine.crash_points import CrashPoint, no_crash
from console.engine.emergencies import refuse_review
from console.engine.executors.table import EXECUTORS
from console.engine.freezes import Freezes
from console.engine.planner import Planner
from console.engine.ports import Durable
from console.engine.rollbacks import Rollbacks
from console.engine.runner import Runner
from console.engine.schedule import Schedule
from console.engine.upkeep import Upkeep
from console.engine.variables import Variables
from console.planning.kinds import say_purpose
from console.planning.rollback import build_rollback
from console.storage.ledger import ControlRow, DeploymentLedger, Wake, locked
from providers.contract import Connection

log = logging.getLogger(__name__)

RECONCILE_SECONDS = 10.0


class Engine:
    """Runs the deployments of one worker. Everything is reached through the ledger; nothing here must survive."""

    def __init__(
        self,
        *,
        settings: Settings,
        ledger: DeploymentLedger,
        durable: Durable,
        connections: Mapping[str, Connection],
        clock: Clock,
        worker: str,
        variables: Variables | None = None,
        chores: Chores | None = None,
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
        backups = chores.backups() if chores is not None else None
        self._planner = Planner(settings, ledger, connections, clock, variables, backups)
        self._rollbacks = Rollbacks(ledger, connections, clock)
        self._runner = Runner(
            ledger=ledger,
            executors=EXECUTORS,
            connections=connections,
            build_rollback=build_rollback,
            clock=clock,
            worker=worker,
            parallel=self._parallel,
            variables=variables,
            chores=chores,
            crash=crash,
        )
        self._unsubscribe: Callable[[], None] = lambda: None
        self._checks: set[asyncio.Task[None]] = set()
        self._reconciling: asyncio.Task[None] | None = None
        self._late = asyncio.Lock()
        self._maintaining: asyncio.Task[None] | None = None
        self.freezes = Freezes(settings, ledger, clock)
        self.schedule = Schedule(settings, ledger, clock, worker, self.preview, self.deploy)
        self._upkeep = Upkeep(settings, ledger, clock, self._deploy_by_itself, self.schedule.look)

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
        await self.schedule.stop()
        await self._durable.stop()

    # --- asking -----------------------------------------------------------------------------------------------------

    async def preview(self, wish: Wish) -> Plan:
        """The plan as it would run now, refusals included.

        Raises:
            UsageError: The environment or the release does not exist.
            ProviderError: The source of releases cannot be asked.
        """
        lock = next((lock for lock in await self._ledger.locks() if lock.environment == wish.environment), None)
        return await self._planner.plan(wish, lock)

    async def deploy(self, wish: Wish, request_id: str, digest: str, actor: Actor) -> Submitted:
        """Record the request with its whole plan, take the lock, start.

        Raises:
            PlanRejected: With every refusal, or because the plan is no longer the one that was previewed.
            Refused: Another deployment holds the environment.
        """
        self._planner.check_environment(wish.environment)
        seen = await self._ledger.find_request(request_id) if request_id else None
        if seen is not None:
            return Submitted(seen, again=True)
        await self._refuse_when_locked(wish.environment)
        plan = await self._planner.plan(wish, None)
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
        lock = Lock(wish.environment, deployment, actor, now, wish.reason or say_purpose(plan), self._worker)
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
        refuse_wish(deployment, request, self._clock.now())
        if request.control is Control.APPROVE:
            await self.freezes.check_approval(deployment)
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
        self,
        deployment_id: DeploymentId,
        services: tuple[ServiceName, ...] = (),
        *,
        asks: bool = True,
        restores: bool = False,
    ) -> RollbackPreview:
        """What a rollback would do now; without `asks` from the record alone, whatever platforms do."""
        return await self._rollbacks.preview(await self.load(deployment_id), services, asks=asks, restores=restores)

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
        wants_back = request.control in {*ROLLBACKS, Control.RETRY}
        if not wants_back or (request.control is Control.RETRY and deployment.status is not DeploymentStatus.FAILED):
            ended = f"ended {deployment.ended_at:%Y-%m-%d %H:%M:%S} UTC" if deployment.ended_at else ""
            raise Refused(
                f"Deployment {deployment.id} is over ({deployment.status.value}): too late to {request.control.value}.",
                ended,
            )
        agreed = deployment.rollback is not None and deployment.rollback.restores_data
        restores = request.control is Control.ROLLBACK_DATA or (request.control is Control.RETRY and agreed)
        refusal = await self._rollbacks.find_refusal(deployment, request.services, restores=restores)
        if refusal:
            raise Refused(f"Deployment {deployment.id} cannot be rolled back: {refusal}", deployment.environment)
        now = self._clock.now()
        at = request.requested_at or now
        reason = request.reason or f"{request.control.value} by {actor}"
        lock = Lock(deployment.environment, deployment.id, actor, now, reason, self._worker)
        asked = ev.ControlReceived(request.control, request.step, request.reason)
        rollback = ev.RollbackRequested(ev.Trigger.MANUAL, reason, at, request.services, restores)
        await self._ledger.append(
            ev.Event(deployment.id, now, asked, actor),
            ev.Event(deployment.id, now, rollback, actor),
            once=f"{deployment.id}:rollback-after:{deployment.seq}",
            answers=answers,
            lock=lock,
        )
        self._crash("reopened")
        await self._durable.ensure(deployment.id, {"deployment": deployment.id})

    def _parallel(self, environment: str) -> int:
        settings = self._settings.environments.get(environment)
        return settings.limits.parallel if settings else 4

    def _on_wake(self, wake: Wake) -> None:
        if wake.kind == "control":
            self._runner.wake(wake.deployment)
        elif wake.kind == "calendar":
            self._upkeep.wake()

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

"""The one workflow: decide, run steps, decide again, until the deployment has ended.

Decisions are checkpointed, steps are checkpointed, and everything either of them does is keyed by the record, so that
a process may die between any two lines here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from console.domain import events as ev
from console.domain.clock import Clock
from console.domain.deployment import ControlRecord, StepStatus
from console.domain.errors import ConsoleError
from console.domain.ids import DeploymentId, StepId
from console.domain.plan import TRAFFIC_KINDS, Phase, Step, StepKind
from console.engine.board import Board
from console.engine.chores import Chores
from console.engine.crash_points import CrashPoint, no_crash
from console.engine.decide import RollbackBuilder, decide, reply_to
from console.engine.guard import stand_guard
from console.engine.ports import Context, Json
from console.engine.variables import Variables
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from console.storage.ledger import DeploymentLedger
from providers.contract import Connection

log = logging.getLogger(__name__)

Executor = Callable[[Work], Awaitable[Outcome]]

RETRY_PAUSE = timedelta(seconds=1)
RETRY_PAUSE_MOST = timedelta(seconds=60)
LOOK_AGAIN = 5.0
"""Seconds after which the loop looks at the record even when nothing woke it, as a second belt."""


class Runner:
    """Runs deployments of one process. `boards` are those under way, for whoever wants to wake them."""

    def __init__(
        self,
        *,
        ledger: DeploymentLedger,
        executors: Mapping[StepKind, Executor],
        connections: Mapping[str, Connection],
        build_rollback: RollbackBuilder,
        clock: Clock,
        worker: str,
        parallel: Callable[[str], int],
        variables: Variables | None = None,
        chores: Chores | None = None,
        crash: CrashPoint = no_crash,
    ) -> None:
        self.boards: dict[DeploymentId, Board] = {}
        self._ledger = ledger
        self._executors = executors
        self._connections = connections
        self._build_rollback = build_rollback
        self._clock = clock
        self._worker = worker
        self._parallel = parallel
        self._variables = variables
        self._chores = chores
        self._crash = crash

    def wake(self, deployment: DeploymentId) -> None:
        """Have a deployment look at its record now; harmless for one that does not run here."""
        board = self.boards.get(deployment)
        if board is not None:
            board.wake.set()

    async def run(self, context: Context, argument: Json) -> Json:
        """The workflow. `argument` is `{"deployment": id}`."""
        deployment_id = DeploymentId(argument["deployment"])
        board = await Board.load(deployment_id, self._ledger, self._clock)
        self.boards[deployment_id] = board
        guard = asyncio.create_task(stand_guard(board, partial(self._work_of, board)), name=f"guard {deployment_id}")
        try:
            await self._announce_worker(board)
            await self._loop(context, board)
        finally:
            guard.cancel()
            await asyncio.gather(guard, return_exceptions=True)
            for task in board.tasks.values():
                task.cancel()
            if self.boards.get(deployment_id) is board:
                del self.boards[deployment_id]
        return {"status": board.deployment.status.value}

    async def _announce_worker(self, board: Board) -> None:
        if board.deployment.started_at is None:
            await board.record(ev.DeploymentStarted(self._worker), once=f"{board.deployment.id}:started")
        elif board.deployment.workers[-1:] != (self._worker,):
            await board.record(ev.DeploymentAdopted(self._worker))

    async def _loop(self, context: Context, board: Board) -> None:
        while True:
            decision = await context.step("decide", partial(self._decide, board))
            for step_id in map(StepId, decision["start"]):
                body = partial(self._run_step, board, step_id)
                board.tasks[step_id] = asyncio.create_task(context.step(step_id, body), name=step_id)
            # Each task takes its place in the checkpoints when it first runs; a replay must see the same order.
            await asyncio.sleep(0)
            if decision["ended"]:
                return

    async def _decide(self, board: Board) -> Json:
        """Wait until something is to be started or the deployment has ended; do everything else on the way."""
        while True:
            board.wake.clear()
            await self._answer_controls(board)
            await self._heed_alarm(board)
            limit = self._parallel(board.deployment.environment)
            decision = decide(board.deployment, board.running, self._build_rollback, self._clock.now(), limit)
            if decision.events:
                ends = any(isinstance(event, _ENDS) for event in decision.events)
                await board.record(*decision.events, unlock=ends)
                continue
            for step_id in decision.interrupt:
                board.interrupt_of(step_id).set()
            urgent = [step_id for step_id in decision.start if _is_urgent(board.state(step_id).step)]
            for step_id in urgent:
                board.tasks[step_id] = asyncio.create_task(self._run_step(board, step_id), name=step_id)
            start = [step_id for step_id in decision.start if step_id not in urgent]
            if start or decision.ended:
                self._crash("decided")
                return {"start": start, "ended": decision.ended}
            await self._wait(board)

    async def _wait(self, board: Board) -> None:
        waking = asyncio.ensure_future(board.wake.wait())
        ticking = asyncio.ensure_future(self._clock.sleep(LOOK_AGAIN))
        tasks = [task for task in board.tasks.values() if not task.done()]
        try:
            await asyncio.wait({waking, ticking, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            ticking.cancel()

    async def _answer_controls(self, board: Board) -> None:
        """What is asked of one that has ended needs the lock again, which is the engine's to take."""
        if board.deployment.is_terminal:
            return
        for row in await self._ledger.pending_controls(board.deployment.id):
            request = ev.ControlReceived(row.control, row.step, row.reason)
            events = reply_to(board.deployment, row.control, row.actor, row.at, request, row.services)
            await board.record(*events, actor=row.actor, once=f"control:{row.id}", answers=row.id)
            self._crash("control-answered")

    async def _heed_alarm(self, board: Board) -> None:
        """Take back what was found to be bad while no step watched it, unless that was wanted meanwhile."""
        reason, board.alarm = board.alarm, ""
        if reason and board.deployment.rollback is None and not board.deployment.is_terminal:
            await board.record(ev.RollbackRequested(ev.Trigger.AUTOMATIC, reason, self._clock.now()))

    # --- steps ------------------------------------------------------------------------------------------------------

    async def _run_step(self, board: Board, step_id: StepId) -> Json:
        """Run one step to its end; the answer is only a checkpoint, the record has the story."""
        try:
            await self._attempt_until_ended(board, board.state(step_id).step)
        except Exception as problem:
            log.exception("step %s of %s broke", step_id, board.deployment.id)
            await board.record(_internal_fault(step_id, problem))
        self._crash("step-ended")
        board.wake.set()
        return {"status": board.state(step_id).status.value}

    async def _attempt_until_ended(self, board: Board, step: Step) -> None:
        while not board.state(step.id).status.is_terminal:
            if await self._stopped_by_rollback(board, step):
                return
            state = board.state(step.id)
            if state.retry_at is not None and not await self._wait_for(board, step, state.retry_at):
                continue
            if state.status is StepStatus.PENDING or state.retry_at is not None:
                attempt = state.attempts + 1
                await board.record(ev.StepStarted(step.id, attempt))
                self._crash("step-begun")
            outcome = await self._attempt(board, step)
            if outcome is not None:
                await self._record_outcome(board, step, outcome)

    async def _attempt(self, board: Board, step: Step) -> Outcome | ConsoleError | None:
        """One attempt, raced against an interrupt. None means that it was interrupted."""
        body = asyncio.ensure_future(self._executors[step.kind](self._work_of(board, step)))
        interrupt = asyncio.ensure_future(board.interrupt_of(step.id).wait())
        try:
            await asyncio.wait({body, interrupt}, return_when=asyncio.FIRST_COMPLETED)
            if not body.done():
                return None
            problem = body.exception()
            if problem is None:
                return body.result()
            if isinstance(problem, ConsoleError):
                return problem
            raise problem
        finally:
            interrupt.cancel()
            if not body.done():
                body.cancel()
                await asyncio.wait({body})

    def _work_of(self, board: Board, step: Step) -> Work:
        return Work(
            board,
            step,
            connections=self._connections,
            clock=self._clock,
            crash=self._crash,
            variables=self._variables,
            chores=self._chores,
        )

    async def _record_outcome(self, board: Board, step: Step, outcome: Outcome | ConsoleError) -> None:
        match outcome:
            case Done(detail, outputs):
                await board.record(ev.StepSucceeded(step.id, detail, dict(outputs or {})))
            case Skipped(reason):
                await board.record(ev.StepSkipped(step.id, reason))
            case Failed(what, where, remedy, again):
                problem = ConsoleError(what, where, remedy)
                await self._record_failure(board, step, problem, may_repeat=again, settled=True)
            case ConsoleError():
                transient = outcome.transient
                await self._record_failure(board, step, outcome, may_repeat=transient, settled=not transient)

    async def _record_failure(
        self, board: Board, step: Step, problem: ConsoleError, *, may_repeat: bool, settled: bool
    ) -> None:
        """An undo is repeated whatever went wrong: what was begun must be taken back."""
        state = board.state(step.id)
        retry_at = None
        if (may_repeat or step.phase is Phase.ROLLBACK) and state.attempts < step.attempts:
            retry_at = self._clock.now() + min(RETRY_PAUSE * 2 ** (state.attempts - 1), RETRY_PAUSE_MOST)
        failure = ev.StepFailed(step.id, problem.what, problem.where, problem.remedy, retry_at, settled)
        await board.record(failure)

    async def _stopped_by_rollback(self, board: Board, step: Step) -> bool:
        if step.phase is Phase.ROLLBACK or board.deployment.rollback is None:
            return False
        state = board.state(step.id)
        lost = state.operation is not None
        await board.record(ev.StepInterrupted(step.id, "stopped by the rollback", lost))
        return True

    async def _wait_for(self, board: Board, step: Step, moment: datetime) -> bool:
        """Wait for the next attempt's time, or until somebody asks for it now; False when interrupted before."""
        asked = len(_retries(board))
        while (left := (moment - self._clock.now()).total_seconds()) > 0 and len(_retries(board)) == asked:
            waits = [
                asyncio.ensure_future(self._clock.sleep(left)),
                asyncio.ensure_future(board.interrupt_of(step.id).wait()),
                asyncio.ensure_future(board.change()),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if board.interrupt_of(step.id).is_set():
                return False
        return True


def _is_urgent(step: Step) -> bool:
    """Traffic that goes back waits for no checkpoint: the record alone is enough to go on with it after a crash."""
    return step.phase is Phase.ROLLBACK and step.kind in TRAFFIC_KINDS


def _retries(board: Board) -> list[ControlRecord]:
    return [record for record in board.deployment.controls if record.control is ev.Control.RETRY]


_ENDS = (ev.DeploymentSucceeded, ev.DeploymentRolledBack, ev.DeploymentAborted, ev.DeploymentFailed)


def _internal_fault(step_id: StepId, problem: Exception) -> ev.StepFailed:
    return ev.StepFailed(
        step_id,
        f"An internal fault: {type(problem).__name__}.",
        f"step {step_id}",
        "The worker's log has the details; the deployment is rolled back.",
    )

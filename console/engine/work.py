"""What an executor gets to do its step: the step, its record so far, the platforms, time, and one way to act.

`perform` is the only road to a platform's actuator. It keeps the order that makes a crash harmless: key on disk, then
the call, then the reference on disk, then observing until the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from console.domain import events as ev
from console.domain.clock import Clock
from console.domain.deployment import Deployment, StepState
from console.domain.errors import ConsoleError, RateLimited, UsageError
from console.domain.plan import Phase, Step
from console.domain.waiting import WAITING_FOR
from console.engine.board import Board
from console.engine.chores import Chores
from console.engine.crash_points import CrashPoint
from console.engine.variables import Variables
from console.watch.collector import RolloutCollector
from console.watch.feeds.port import MetricFeed
from providers.contract import (
    Actuator,
    Capabilities,
    Connection,
    Operation,
    OperationKey,
    OperationStatus,
    Unsupported,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
Request = TypeVar("Request")

POLL_FIRST = 0.2
POLL_GROWTH = 1.15
"""How much longer each pause between looks is; an end is seen about a tenth of its time late, at most `POLL_MOST`."""

POLL_MOST = 5.0
RETRY_FIRST = 0.1
RETRY_MOST = 30.0
UNDO_TIME_LIMIT = timedelta(hours=24)
"""A rollback waits for a platform that is down rather than give up what it has begun to take back."""


@dataclass(frozen=True)
class Done:
    """The step succeeded. `outputs` hold JSON values that later steps or the undo need."""

    detail: str = ""
    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Failed:
    """The step failed for good: no attempt will change that. `again` asks for another attempt with a new key."""

    what: str
    where: str = ""
    remedy: str = ""
    again: bool = False


@dataclass(frozen=True)
class Skipped:
    reason: str


Outcome = Done | Failed | Skipped


class Work:
    """One attempt at one step."""

    def __init__(
        self,
        board: Board,
        step: Step,
        *,
        connections: Mapping[str, Connection],
        clock: Clock,
        crash: CrashPoint,
        variables: Variables | None = None,
        chores: Chores | None = None,
    ) -> None:
        self.variables = variables
        self.chores = chores
        self.step = step
        self.clock = clock
        self._board = board
        self._connections = connections
        self._crash = crash

    @property
    def deployment(self) -> Deployment:
        return self._board.deployment

    @property
    def rollouts(self) -> dict[str, RolloutCollector]:
        """What is being counted of each service, shared by the steps of a deployment in this process."""
        return self._board.rollouts

    @property
    def feeds(self) -> dict[str, tuple[MetricFeed, ...]]:
        """What else is measured of each service, shared in the same way: each remembers what it has told."""
        return self._board.feeds

    @property
    def state(self) -> StepState:
        return self._board.state(self.step.id)

    @property
    def deadline(self) -> datetime:
        """When the step's time limit ends, counted from its first attempt, so that a restart does not extend it."""
        limit = UNDO_TIME_LIMIT if self.step.phase is Phase.ROLLBACK else self.step.time_limit
        return (self.state.started_at or self.clock.now()) + limit

    def argument(self, name: str, default: Any = None) -> Any:
        """An argument of the plan; with a key `NAME_from` it is what the step named there left under `NAME`.

        Raises:
            UsageError: It is missing and has no default.
        """
        if name in self.step.arguments:
            return self.step.arguments[name]
        source = self.step.arguments.get(f"{name}_from")
        if source is not None:
            given = self.output_of(str(source), name)
            if given is not None:
                return given
        if default is None:
            raise UsageError(f"Step {self.step.id} lacks the argument {name}.", f"deployment {self.deployment.id}")
        return default

    def output_of(self, step_id: str, name: str) -> Any:
        """What an earlier step left for this one; None where it left nothing."""
        state = next((state for key, state in self.deployment.steps.items() if key == step_id), None)
        return None if state is None else state.outputs.get(name)

    def capabilities(self, provider: str | None = None) -> Capabilities:
        """What the step's provider, or another one named, can do.

        Raises:
            UsageError: The configuration no longer holds this provider.
        """
        return self.connection(provider).capabilities

    def connection(self, provider: str | None = None) -> Connection:
        """The step's provider, or another one named.

        Raises:
            UsageError: The configuration no longer holds this provider.
        """
        name = provider or self.step.provider or ""
        connection = self._connections.get(name)
        if connection is None:
            raise UsageError(
                f"No provider is called {name!r}.", f"step {self.step.id}", "Put it back into the configuration."
            )
        return connection

    async def record(self, *payloads: ev.Payload, once: str = "") -> bool:
        return await self._board.record(*payloads, once=once)

    async def progress(self, detail: str) -> None:
        """Say where the step stands, once for each new sentence."""
        if detail and detail != self.state.detail:
            await self.record(ev.StepProgressed(self.step.id, detail))

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def controlled(self, seconds: float) -> None:
        """Wait for the time, or less: anything recorded of the deployment, a control above all, ends it."""
        sleeping = asyncio.ensure_future(self.clock.sleep(seconds))
        changing = asyncio.ensure_future(self._board.change())
        try:
            await asyncio.wait({sleeping, changing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            changing.cancel()

    async def steadily(self, call: Callable[[], Awaitable[T]], *, until: datetime | None = None) -> T:
        """Repeat a call that may safely be repeated while the platform is unreachable, until the time limit.

        Raises:
            ConsoleError: What the call raised, once it is not transient or the time is over.
        """
        pause = RETRY_FIRST
        end = until or self.deadline
        while True:
            try:
                return await call()
            except ConsoleError as problem:
                wait = problem.retry_after.total_seconds() if isinstance(problem, RateLimited) else pause
                if not problem.transient or self.clock.now() + timedelta(seconds=wait) > end:
                    raise
                await self.progress(f"{WAITING_FOR}{self.step.provider or 'the platform'}: {problem.what}")
                await self.sleep(wait)
                pause = min(pause * 2, RETRY_MOST)

    async def perform(
        self, actuator: Actuator[Request] | Unsupported, request: Request, summary: str
    ) -> Operation | Failed:
        """Have a platform do one thing, exactly once, and wait for its end.

        Returns:
            The ended operation (SUCCEEDED), or why it did not end well.
        """
        if isinstance(actuator, Unsupported):
            return Failed(actuator.reason, f"step {self.step.id} · provider {self.step.provider}", actuator.remedy)
        operation = await self._begin(actuator, request, summary)
        pause = POLL_FIRST
        while not operation.status.is_terminal:
            await self.progress(operation.detail)
            if self.clock.now() >= self.deadline:
                limit = self.step.time_limit.total_seconds()
                return Failed(f"{summary} did not end within {limit:.0f} s.", operation.detail)
            await self.sleep(operation.poll_after.total_seconds() if operation.poll_after else pause)
            pause = min(pause * POLL_GROWTH, POLL_MOST)
            operation = await self.steadily(partial(actuator.observe, operation.reference))
        self._crash("operation-ended")
        if operation.status is OperationStatus.SUCCEEDED:
            return operation
        words = operation.detail or operation.status.value
        return Failed(f"{summary}: {words}", f"{self.step.provider} {operation.reference}", again=False)

    async def _begin(self, actuator: Actuator[Request], request: Request, summary: str) -> Operation:
        known = self.state.operation
        if known is not None and known.reference:
            reference = known.reference
            seen = await self.steadily(lambda: actuator.observe(reference))
            if seen.status is not OperationStatus.LOST or known.intended_at is None:
                return seen
            # What was begun died with the process that had begun it. The same key never does anything twice.
            key = OperationKey(known.key, known.intended_at)
            again = await self._start(actuator, request, key)
            await self.record(ev.OperationStarted(self.step.id, key.text, again.reference))
            return again
        if known is not None and known.intended_at is not None:
            # A process died, or an answer was lost, between the key and the reference: ask before acting again.
            key = OperationKey(known.key, known.intended_at)
            found = await self.steadily(lambda: actuator.find(request, key))
            operation = found or await self._start(actuator, request, key)
        else:
            # The record's length makes the key new for every wish, also for a second rollback of one deployment.
            key = OperationKey(f"{self.deployment.id}/{self.step.id}/{self.deployment.seq}", self.clock.now())
            await self.record(ev.OperationIntended(self.step.id, key.text, summary))
            intended = self.state.operation
            key = OperationKey(key.text, intended.intended_at or key.intended_at) if intended else key
            self._crash("intended")
            operation = await self._start(actuator, request, key)
        self._crash("called")
        await self.record(ev.OperationStarted(self.step.id, key.text, operation.reference))
        self._crash("referenced")
        return operation

    async def _start(self, actuator: Actuator[Request], request: Request, key: OperationKey) -> Operation:
        """`start` obeys the law that the same key has one effect, so an unanswered one is simply asked again."""
        return await self.steadily(lambda: actuator.start(request, key))

"""One deployment while it runs in this process: its fold in memory, its running steps, and what wakes its loop."""

from __future__ import annotations

import asyncio

from console.domain import events as ev
from console.domain.clock import Clock
from console.domain.deployment import Deployment, StepState, fold
from console.domain.errors import InvalidTransition
from console.domain.ids import Actor, DeploymentId, StepId
from console.storage.ledger import DeploymentLedger
from console.watch.collector import RolloutCollector
from console.watch.feeds.port import MetricFeed


class Board:
    """The fold here always equals the ledger's: both change under one lock, ledger first."""

    def __init__(self, deployment: Deployment, ledger: DeploymentLedger, clock: Clock) -> None:
        self.deployment = deployment
        self.wake = asyncio.Event()
        self.tasks: dict[StepId, asyncio.Task[object]] = {}
        self.interrupts: dict[StepId, asyncio.Event] = {}
        self.rollouts: dict[str, RolloutCollector] = {}
        self.alarm = ""
        """Why the deployment must be taken back, found by whoever watches between its steps."""
        self.feeds: dict[str, tuple[MetricFeed, ...]] = {}
        self._ledger = ledger
        self._clock = clock
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()

    @classmethod
    async def load(cls, deployment_id: DeploymentId, ledger: DeploymentLedger, clock: Clock) -> Board:
        deployment = fold(await ledger.events_of(deployment_id))
        if deployment is None:
            raise InvalidTransition(f"Deployment {deployment_id} has no events.", "engine", "Look at the worker's log.")
        return cls(deployment, ledger, clock)

    @property
    def running(self) -> frozenset[StepId]:
        return frozenset(step_id for step_id, task in self.tasks.items() if not task.done())

    def state(self, step_id: StepId) -> StepState:
        return self.deployment.steps[step_id]

    def interrupt_of(self, step_id: StepId) -> asyncio.Event:
        return self.interrupts.setdefault(step_id, asyncio.Event())

    async def change(self) -> None:
        """Wait until anything more is recorded."""
        await self._changed.wait()

    async def record(
        self,
        *payloads: ev.Payload,
        actor: Actor = ev.SYSTEM,
        once: str = "",
        unlock: bool = False,
        answers: int | None = None,
    ) -> bool:
        """Commit events and fold them; False when `once` had been written before.

        Shielded: a caller that is cancelled leaves the ledger and the fold agreeing.
        """
        return await asyncio.shield(asyncio.ensure_future(self._record(payloads, actor, once, unlock, answers)))

    async def _record(
        self, payloads: tuple[ev.Payload, ...], actor: Actor, once: str, unlock: bool, answers: int | None
    ) -> bool:
        async with self._lock:
            now = self._clock.now()
            events = tuple(ev.Event(self.deployment.id, now, payload, actor) for payload in payloads)
            stored = await self._ledger.append(
                *events, unlock=self.deployment.environment if unlock else None, once=once, answers=answers
            )
            for event in stored:
                self.deployment = self.deployment.apply(event)
            self._changed.set()
            self._changed = asyncio.Event()
            return bool(stored)

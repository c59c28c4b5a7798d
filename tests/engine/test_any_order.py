"""Whatever people press, whenever the process dies, whatever the platforms answer: it ends safely.

`QUARTERDECK_ORDERS=2000 pytest tests/engine/test_any_order.py` plays longer, and others than the usual ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from console.config.strategies import BUILT_IN
from console.domain.deployment import DeploymentStatus
from console.domain.errors import ConsoleError
from console.domain.events import Control
from console.engine.crash_points import POINTS
from tests.engine.hostile import Answer, HostileWorld
from tests.engine.world import ANN, Crash

LONGER = int(os.environ.get("QUARTERDECK_ORDERS", "0"))

CONTROLS = st.sampled_from([*Control])
KINDS = st.sampled_from(
    ["deploy", "shift_traffic", "suspend", "resume", "migrate", "migrate_down", "promote", "roll_back", "announce"]
)
RELEASES = st.sampled_from(["v2", "v2", "erring"])
STRATEGIES = st.sampled_from(BUILT_IN)
ROUNDS_AT_MOST = 60


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.world = HostileWorld()

    def play(self, story: Coroutine[Any, Any, Any]) -> None:
        """Have something done, and let everybody react; a process that dies meanwhile is followed by another."""
        self.loop.run(self._play(story))

    async def _play(self, story: Coroutine[Any, Any, Any]) -> None:
        asked = asyncio.ensure_future(story)
        await self.world.clock.settle()
        while self.world.crashed or not asked.done():
            if self.world.crashed:
                self.world.crashed = 0
                asked.cancel()
                await asyncio.wait({asked})
                await self.world.crash()
            else:
                await self.world.clock.step()
            await self.world.clock.settle()
        with contextlib.suppress(ConsoleError, Crash, asyncio.CancelledError):
            asked.result()

    @initialize(
        on_failure=st.sampled_from(["rollback", "ask"]),
        approvals=st.sampled_from([0, 0, 0, 1]),
        release=RELEASES,
        strategy=STRATEGIES,
    )
    def begin(self, on_failure: str, approvals: int, release: str, strategy: str) -> None:
        self.world = HostileWorld(on_failure=on_failure, approvals=approvals)
        self.play(self.world.start())
        self.deploy_another(release, strategy)

    @rule(release=RELEASES, strategy=STRATEGIES)
    def deploy_another(self, release: str, strategy: str) -> None:
        async def ask() -> None:
            await self.world.clock.pass_time(timedelta(seconds=1))
            await self.world.deploy(release, strategy=strategy)

        self.play(ask())

    @rule(release=RELEASES)
    def deploy_two_at_once(self, release: str) -> None:
        async def ask() -> None:
            await self.world.clock.pass_time(timedelta(seconds=1))
            both = (self.world.deploy(release), self.world.deploy("v2"))
            await asyncio.gather(*both, return_exceptions=True)

        self.play(ask())

    @rule(control=CONTROLS)
    def press(self, control: Control) -> None:
        for deployment in self.world.deployments[-1:]:
            self.play(self.world.ask(deployment.id, control, ANN, reason="I say so"))

    @rule()
    def turn_bad(self) -> None:
        """What passed every check so far begins to fail."""
        self.world.turn_bad()

    @rule(seconds=st.sampled_from([1, 3, 10, 30, 60, 300]))
    def wait(self, seconds: int) -> None:
        self.play(self._pass(seconds))

    @rule(point=st.sampled_from(POINTS), later=st.integers(1, 4))
    def die(self, point: str, later: int) -> None:
        self.world.crash_at = (point, self.world.crash_counts.get(point, 0) + later)

    @rule(kind=KINDS, answer=st.sampled_from(Answer))
    def misbehave(self, kind: str, answer: Answer) -> None:
        self.world.platform.answers[kind].append(answer)

    @rule(kind=st.one_of(KINDS, st.just("*")), minutes=st.sampled_from([1, 5, 30]))
    def be_down(self, kind: str, minutes: int) -> None:
        self.world.platform.down_until[kind] = self.world.clock.now() + timedelta(minutes=minutes)

    @invariant()
    def nothing_forbidden_happens(self) -> None:
        self.world.check_at_any_time()

    def teardown(self) -> None:
        try:
            self.loop.run(self._end())
        finally:
            self.loop.close()

    async def _end(self) -> None:
        """Somebody goes on with what is paused and takes back what waits for a decision; then all is quiet."""
        world = self.world
        world.crash_at = None
        for _ in range(ROUNDS_AT_MOST):
            if not world.active:
                break
            (deployment,) = world.active
            waiting = {DeploymentStatus.PAUSED: Control.RESUME, DeploymentStatus.WAITING: Control.ROLLBACK}
            if deployment.status in waiting:
                with contextlib.suppress(ConsoleError):
                    await world.ask(deployment.id, waiting[deployment.status], ANN)
            await self._pass(300)
            world.check_at_any_time()
        assert not world.active, [f"{d.status}: {_steps(d)}" for d in world.active]
        await self._pass(600)
        await world.check_at_the_end()
        for status in {d.status for d in world.deployments}:
            event(f"a deployment ended {status.value}")
        await world.engine.stop()

    async def _pass(self, seconds: int) -> None:
        """In short stretches, so that a process which dies is followed by another before long."""
        end = self.world.clock.now() + timedelta(seconds=seconds)
        while (left := end - self.world.clock.now()) > timedelta(0):
            stretch = timedelta(seconds=5 if self.world.crash_at else 60)
            await self.world.clock.pass_time(min(left, stretch))
            if self.world.crashed:
                self.world.crashed = 0
                await self.world.crash()


def _steps(deployment: Any) -> str:
    return " · ".join(f"{key}={state.status.value}: {state.detail}" for key, state in deployment.steps.items())


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=LONGER or 40,
    stateful_step_count=30 if LONGER else 12,
    deadline=None,
    derandomize=not LONGER,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)

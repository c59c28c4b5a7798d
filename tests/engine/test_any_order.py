"""Whatever people press, whenever the process dies, whatever the platforms answer: it ends safely.

`QUARTERDECK_ORDERS=2000 pytest tests/engine/test_any_order.py` plays longer, and others than the usual ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from console.config.strategies import BUILT_IN
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.errors import ConsoleError, Refused
from console.domain.events import Control
from console.domain.plan import StepKind
from console.engine.crash_points import POINTS
from console.engine.emergencies import TAKES_UP
from tests.engine.hostile import SECOND_MIGRATION, Answer, HostileWorld
from tests.engine.instances import HostileInstances
from tests.engine.world import ANN, NEW, Crash

LONGER = int(os.environ.get("QUARTERDECK_ORDERS", "0"))

CONTROLS = st.sampled_from([*Control])
KINDS = st.sampled_from(
    ["deploy", "shift_traffic", "suspend", "resume", "migrate", "migrate_down", "promote", "roll_back", "announce"]
)
RELEASES = st.sampled_from(["v2", "v2", "erring"])
STRATEGIES = st.sampled_from(["", *BUILT_IN])
SERVICES = st.sampled_from(["database", "api", "worker", "front"])
ROUNDS_AT_MOST = 60
GOING_ON = 12
"""Rounds in which somebody goes on with what waits for a person, before they take it back."""

PATIENCE = 20
"""Steps of ten seconds for which somebody waits for the moment to press a key."""


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.world = HostileWorld()
        self.goes_on = False

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
                await self.world.clock.settle()
            else:
                await self.world.clock.go_on()
        with contextlib.suppress(ConsoleError, Crash, asyncio.CancelledError):
            asked.result()

    @initialize(
        on_failure=st.sampled_from(["rollback", "ask"]),
        approvals=st.sampled_from([0, 0, 0, 1]),
        promotion=st.sampled_from(["automatic", "automatic", "manual"]),
        release=RELEASES,
        strategy=STRATEGIES,
        emergency=st.booleans(),
        goes_on=st.booleans(),
        world=st.sampled_from([HostileWorld, HostileInstances]),
    )
    def begin(
        self,
        on_failure: str,
        approvals: int,
        promotion: str,
        release: str,
        strategy: str,
        emergency: bool,
        goes_on: bool,
        world: type[HostileWorld],
    ) -> None:
        self.goes_on = goes_on
        self.world = world(
            on_failure=on_failure,
            approvals=approvals,
            promotion=promotion,
            emergency={"valid": "2m"},
            keep="forever" if goes_on else "0s",
        )
        self.play(self.world.start())
        self.deploy_another(release, strategy, emergency)

    @rule(release=RELEASES, strategy=STRATEGIES, emergency=st.booleans())
    def deploy_another(self, release: str, strategy: str, emergency: bool) -> None:
        self.play(self._deploy(release, strategy=strategy, emergency=emergency, reason="I say so"))

    @rule(minutes=st.sampled_from([1, 5]), control=st.sampled_from([Control.PAUSE, Control.RENEW, Control.APPROVE]))
    def declare_an_emergency_nobody_hears_of(self, minutes: int, control: Control) -> None:
        """It waits for whoever is to be told first, perhaps for longer than the permission holds."""
        self.be_down("announce", minutes)
        self.deploy_another("v2", "", emergency=True)
        self.press(control, 1)
        self.wait(60)

    @rule(release=st.sampled_from(["v1", "v1", "v2"]))
    def go_back_to(self, release: str) -> None:
        """`rollback --to`: a release that was live before, forwards."""
        self.play(self._deploy(release, returns=True))

    @rule(release=RELEASES)
    def deploy_two_at_once(self, release: str) -> None:
        async def ask() -> None:
            await self.world.clock.pass_time(timedelta(seconds=1))
            both = (self.world.deploy(release), self.world.deploy("v2"))
            await asyncio.gather(*both, return_exceptions=True)

        self.play(ask())

    @rule(control=CONTROLS, newest=st.sampled_from([1, 1, 1, 2]))
    def press(self, control: Control, newest: int) -> None:
        for deployment in self.world.deployments[-newest:][:1]:
            self.play(self._ask(deployment, control))

    @rule(release=RELEASES)
    def deploy_while_the_last_one_goes_back(self, release: str) -> None:
        """Taken back after it had ended, when its environment was free for another."""
        self.deploy_another("v2", "", emergency=True)
        self.wait(300)
        self.press(Control.ROLLBACK, 1)
        self.deploy_another(release, "", emergency=False)

    @rule(services=st.lists(SERVICES, min_size=1, max_size=3, unique=True))
    def take_some_back(self, services: list[str]) -> None:
        for deployment in self.world.deployments[-1:]:
            self.play(self._ask(deployment, Control.ROLLBACK, services=tuple(services)))

    @rule(control=st.sampled_from([Control.PROMOTE, Control.PROMOTE_FULL, Control.PAUSE, Control.ROLLBACK]))
    def press_at_a_stage(self, control: Control) -> None:
        """Both hands at once: what goes on and what goes back."""
        self.play(self._until(_is_at_a_stage))
        for deployment in self.world.active:
            both = [control, Control.ROLLBACK] if control is Control.PROMOTE_FULL and not self.goes_on else [control]
            for one in both:
                self.play(self._ask(deployment, one))

    @rule(kind=KINDS, control=st.sampled_from([Control.RETRY, Control.RETRY, Control.SKIP]))
    def decide_on_a_failure(self, kind: str, control: Control) -> None:
        self.world.platform.answers[kind].append(Answer.REFUSED)
        self.play(self._until(lambda deployment: any(state.asked for state in deployment.steps.values())))
        for deployment in self.world.active:
            self.play(self._ask(deployment, control))

    @rule(place=st.sampled_from(["blue", "green", "a", "b"]), ill=st.booleans())
    def fall_ill(self, place: str, ill: bool) -> None:
        """Probes of a place begin to fail, or to succeed again."""
        (self.world.platform.ill.add if ill else self.world.platform.ill.discard)(place)

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

    @rule(point=st.sampled_from(["intended", "called"]), later=st.integers(1, 6))
    def die_asking(self, point: str, later: int) -> None:
        """Between the key on record and the platform's reference."""
        self.die(point, later)
        self.deploy_another("v2", "", emergency=True)
        self.wait(30)

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
        """Everybody gets well, somebody decides whatever waits for a person; then all is quiet."""
        world = self.world
        world.crash_at = None
        world.platform.ill.clear()
        for round_ in range(ROUNDS_AT_MOST):
            if not world.active:
                break
            (deployment,) = world.active
            goes_on = self.goes_on and round_ < GOING_ON
            for control in _answers(deployment.status, goes_on=goes_on):
                await self._ask(deployment, control)
            await self._pass(300)
            world.check_at_any_time()
        assert not world.active, [f"{d.status}: {_steps(d)}" for d in world.active]
        await self._pass(600)
        await world.check_at_the_end()
        for status in {d.status for d in world.deployments}:
            event(f"a deployment ended {status.value}")
        await world.engine.stop()

    async def _deploy(self, release: str, **wish: Any) -> None:
        await self.world.clock.pass_time(timedelta(seconds=1))
        await self.world.deploy(release, **wish)
        event(f"accepted: {'return to a release' if wish.get('returns') else 'deploy'}")

    async def _ask(self, deployment: Deployment, control: Control, **more: Any) -> None:
        """Refused or done; a wish that was taken is counted, so that it shows what is really played."""
        needs_leave = self.world.needs_leave(deployment.id) and control in TAKES_UP
        with contextlib.suppress(ConsoleError):
            await self.world.ask(deployment.id, control, ANN, reason="I say so", **more)
            event(f"accepted: {control.value}{' of some services' if more else ''}")
            assert not needs_leave, f"{control} was taken though the emergency permission is over"

    async def _until(self, holds: Callable[[Deployment], bool]) -> None:
        for _ in range(PATIENCE):
            if not self.world.active or holds(self.world.active[0]):
                return
            await self._pass(10)

    async def _pass(self, seconds: int) -> None:
        """In short stretches, so that a process which dies is followed by another before long."""
        end = self.world.clock.now() + timedelta(seconds=seconds)
        while (left := end - self.world.clock.now()) > timedelta(0):
            stretch = timedelta(seconds=5 if self.world.crash_at else 60)
            await self.world.clock.pass_time(min(left, stretch))
            if self.world.crashed:
                self.world.crashed = 0
                await self.world.crash()


def _answers(status: DeploymentStatus, *, goes_on: bool) -> tuple[Control, ...]:
    """What somebody presses who wants a deployment to end."""
    if status is DeploymentStatus.PAUSED:
        return (Control.RESUME,) if goes_on else (Control.RESUME, Control.ROLLBACK)
    if status is DeploymentStatus.WAITING:
        return (Control.APPROVE, Control.PROMOTE, Control.RETRY) if goes_on else (Control.ROLLBACK,)
    return ()


def _is_at_a_stage(deployment: Deployment) -> bool:
    return any(
        state.step.kind is StepKind.BAKE and state.status in {StepStatus.RUNNING, StepStatus.WAITING}
        for state in deployment.steps.values()
    )


def _steps(deployment: Any) -> str:
    return " · ".join(f"{key}={state.status.value}: {state.detail}" for key, state in deployment.steps.items())


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=LONGER or 25,
    stateful_step_count=30 if LONGER else 12,
    derandomize=not LONGER,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


class TestGivenOrdersThatChanceMeetsSeldom:
    """The same laws, on orders that break them soon where the engine forgets something."""

    @pytest.fixture
    async def world(self):
        world = HostileWorld(keep="forever")
        await world.start()
        await world.clock.pass_time(timedelta(seconds=1))
        yield world
        await world.engine.stop()

    async def test_when_an_ended_one_goes_back_then_no_other_begins(self, world):
        ended = await world.until_ended(await world.deploy())

        await world.ask(ended.id, Control.ROLLBACK)
        await world.clock.pass_time(timedelta(seconds=1))
        with pytest.raises(Refused):
            await world.deploy()

        world.check_at_any_time()
        await world.until_ended(ended.id)
        await world.check_at_the_end()

    @pytest.mark.parametrize("control", [Control.PROMOTE, Control.PROMOTE_FULL])
    async def test_when_promoted_and_taken_back_at_once_then_it_goes_back(self, world, control):
        begun = await world.deploy()
        await world.until(begun, _is_at_a_stage)

        await asyncio.gather(world.ask(begun, control), world.ask(begun, Control.ROLLBACK))
        ended = await world.until_ended(begun)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        world.check_at_any_time()
        await world.check_at_the_end()

    async def test_when_the_old_arm_fell_ill_then_requests_wait_until_it_is_well(self, world):
        ended = await world.until_ended(await world.deploy())
        world.platform.ill.add("blue")

        await world.ask(ended.id, Control.ROLLBACK)
        await world.clock.pass_time(timedelta(seconds=30))

        world.check_at_any_time()
        assert world.arms_with_traffic() == ["green"]
        world.platform.ill.clear()
        await world.until_ended(ended.id)
        await world.check_at_the_end()

    async def test_when_the_router_is_down_then_nothing_goes_back_before_the_traffic(self, world):
        ended = await world.until_ended(await world.deploy())
        world.platform.down_until["shift_traffic"] = world.clock.now() + timedelta(minutes=5)

        await world.ask(ended.id, Control.ROLLBACK)
        await world.clock.pass_time(timedelta(minutes=2))

        assert world.platform.places["worker"].live == NEW
        assert SECOND_MIGRATION in world.platform.applied
        await world.until_ended(ended.id)
        await world.check_at_the_end()

    async def test_when_nobody_sends_requests_then_no_stage_passes(self, world):
        world.platform.request_rate = 0.0
        begun = await world.deploy()

        await world.clock.pass_time(timedelta(minutes=30))

        assert world.deployment(begun).status is DeploymentStatus.WAITING
        assert world.platform.weights["api"] == {"blue": 90, "green": 10}
        await world.ask(begun, Control.ROLLBACK)
        await world.until_ended(begun)
        await world.check_at_the_end()

"""Whatever people press, whenever the process dies, whatever the platforms answer: it ends safely."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.domain.deployment import DeploymentStatus
from console.domain.errors import ConsoleError
from console.domain.events import Control
from console.engine.crash_points import POINTS
from tests.engine.world import ANN, NEW, OLD, World

CONTROLS = st.sampled_from(
    [Control.PAUSE, Control.RESUME, Control.PROMOTE, Control.ABORT, Control.ROLLBACK, Control.APPROVE, Control.RETRY]
)
TROUBLES = st.sampled_from(["deploy", "shift_traffic", "suspend", "migrate", "promote", "*"])
ACTIONS = st.one_of(
    st.tuples(st.just("control"), CONTROLS),
    st.tuples(st.just("wait"), st.integers(1, 60)),
    st.tuples(st.just("die"), st.sampled_from(POINTS)),
    st.tuples(st.just("outage"), TROUBLES),
    st.tuples(st.just("lose a reply"), st.none()),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(release=st.sampled_from(["v2", "erring"]), actions=st.lists(ACTIONS, max_size=8))
def test_traffic_never_ends_on_an_unknown_or_unhealthy_release(release, actions):
    asyncio.run(_play(release, actions))


async def _play(release: str, actions: list[tuple[str, object]]) -> None:
    world = World()
    await world.start()
    deployment_id = await world.deploy(release)
    for action, detail in actions:
        await _do(world, deployment_id, action, detail)

    with contextlib.suppress(ConsoleError):  # a pause that nobody lifts would wait for ever
        await world.ask(deployment_id, Control.RESUME, ANN)
    deployment = await world.until_ended(deployment_id)
    await world.clock.settle()

    live_at_the_edge = [arm for arm, weight in world.platform.weights["api"].items() if weight]
    assert len(live_at_the_edge) == 1
    place = world.platform.places[live_at_the_edge[0]]
    assert not place.suspended
    succeeded = deployment.status is DeploymentStatus.SUCCEEDED
    assert place.live == (NEW if succeeded else OLD), deployment.status
    assert deployment.status is not DeploymentStatus.FAILED
    assert await world.ledger.locks() == ()
    assert world.platform.changes["migrate"] <= 1
    assert world.platform.changes["deploy"] <= 3
    recorded = [record.weights for record in deployment.traffic]
    assert not recorded or recorded[-1] == world.platform.weights["api"]
    await world.engine.stop()


async def _do(world: World, deployment_id, action: str, detail) -> None:
    match action:
        case "control":
            with contextlib.suppress(ConsoleError):
                await world.ask(deployment_id, detail, ANN)
        case "wait":
            await world.clock.pass_time(timedelta(seconds=detail))
        case "die":
            world.crash_at = (detail, world.crash_counts.get(detail, 0) + 1)
        case "outage":
            world.platform.down_until[detail] = world.clock.now() + timedelta(minutes=2)
        case "lose a reply":
            world.platform.lose_next_reply = True
    await world.clock.settle()
    if world.crashed:
        world.crashed = 0
        await world.crash()

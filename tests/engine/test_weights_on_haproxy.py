"""A rollout over the real HAProxy, whose reloads forget weights and whose socket others may use too."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.ids import StepId
from providers.contract import Capabilities, Unsupported
from providers.haproxy.adapter import open_connection
from providers.haproxy.settings import HAProxySettings
from tests.engine.world import World
from tests.providers.haproxy.real import ABSENT, PROGRAM, RealHAProxy

TEN = StepId("api.bake-10")
OURS = {"blue": 9, "green": 1}


class Waiting:
    """One role of the adapter, each call of which ends before the virtual world goes on."""

    def __init__(self, address: str, role: str) -> None:
        self._address = address
        self._role = role

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            with ThreadPoolExecutor(1) as beside:
                return beside.submit(asyncio.run, self._ask(name, arguments)).result()

        return call

    async def _ask(self, name: str, arguments: tuple[Any, ...]) -> Any:
        connection = open_connection("edge", HAProxySettings(socket=self._address))
        try:
            return await getattr(getattr(connection.capabilities, self._role), name)(*arguments)
        finally:
            await connection.close()


class Edge:
    name = kind = "haproxy"

    def __init__(self, address: str) -> None:
        self.capabilities = Capabilities(
            router=Waiting(address, "router"),  # type: ignore[arg-type]  # it answers whatever the adapter does
            underway=Waiting(address, "underway"),  # type: ignore[arg-type]
            shift_traffic=Waiting(address, "shift_traffic"),  # type: ignore[arg-type]
            counters=Unsupported("No visitors come here."),
        )


class WorldBehindHAProxy(World):
    def __init__(self, haproxy: RealHAProxy) -> None:
        self.edge = Edge(haproxy.address)
        arms = {arm: {"id": arm, "url": f"http://{arm}"} for arm in ("blue", "green")}
        super().__init__(stages=[10, 100], services={"api": {**arms, "traffic": {"router": "edge", "route": "app"}}})

    def _new_engine(self) -> Any:
        return self._engine_with(edge=self.edge)


@pytest.fixture
def haproxy() -> Iterator[RealHAProxy]:
    if PROGRAM is None:
        pytest.skip(ABSENT)
    found = RealHAProxy(Path(tempfile.mkdtemp(prefix="qdh-")))
    yield found
    found.stop()


class TestGivenARolloutOverHAProxy:
    async def test_when_a_reload_forgets_then_ours_are_put_back_and_when_a_person_moves_them_they_are_asked(
        self, haproxy
    ):
        world = WorldBehindHAProxy(haproxy)
        await world.start()
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.steps[TEN].status is StepStatus.RUNNING and d.traffic)
        await world.clock.step()

        haproxy.reload()
        assert haproxy.weights() == {"blue": 1, "green": 0}
        await world.until(deployment, lambda d: haproxy.weights() == OURS)
        again = world.deployment(deployment).steps[TEN]
        assert again.operation is not None

        haproxy.command("set server app/green weight 9")
        held = await world.until(deployment, lambda d: d.steps[TEN].status is StepStatus.WAITING)
        assert "blue 50 % · green 50 %" in held.steps[TEN].detail
        assert "Somebody else moves it" in held.steps[TEN].detail

        haproxy.command("set server app/green weight 1")
        ended = await world.until_ended(deployment)
        assert ended.status is DeploymentStatus.SUCCEEDED
        assert haproxy.weights() == {"blue": 0, "green": 1}
        await world.engine.stop()

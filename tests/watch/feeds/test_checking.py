"""Every configured metric, measured once of the arm that serves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from console.config.settings import Settings
from console.domain.errors import Rejected, Unreachable
from console.domain.ids import EnvironmentName
from console.watch.feeds.checking import MetricChecker
from providers.contract import Capabilities, Sample, Target
from tests.watch.conftest import START, MovableClock

PRODUCTION = EnvironmentName("production")


class FakeWorld:
    """A router, a platform and a store in one."""

    def __init__(self) -> None:
        self.weights: dict[str, int] | None = {"blue": 0, "green": 100}
        self.values = {"green-count": 3.0}

    async def fetch_weights(self, route: str):
        if self.weights is None:
            raise Unreachable("edge", "Caddy does not answer.")
        return self.weights

    async def fetch_target(self, target: str) -> Target:
        return Target(target, target, "web", "a" * 40)

    async def fetch_value(self, query: str) -> Sample | None:
        if query.startswith("bad"):
            raise Rejected("store", "Prometheus refused: parse error", "", "Correct the query.")
        return Sample(START, self.values[query]) if query in self.values else None


def check(world: FakeWorld, **queries: str):
    arms = {"blue": {"id": "1", "url": "http://b"}, "green": {"id": "2", "url": "http://g"}}
    metrics: dict[str, Any] = {
        name: {"source": "prometheus", "provider": "store", "query": query} for name, query in queries.items()
    }
    environment = {"services": {"api": {**arms, "traffic": {"router": "edge", "route": "api"}}}, "metrics": metrics}
    settings = Settings.model_validate(
        {"services": {"api": {"provider": "render"}}, "environments": {"production": environment}}
    )
    abilities = {
        "edge": Capabilities(router=world),
        "render": Capabilities(inventory=world),
        "store": Capabilities(queries=world),
    }
    connections: Any = {name: SimpleNamespace(capabilities=can) for name, can in abilities.items()}
    return MetricChecker(settings, connections, MovableClock()).check(PRODUCTION)


class TestGivenConfiguredMetrics:
    async def test_when_they_are_checked_then_each_is_measured_of_the_arm_that_serves(self):
        found = await check(FakeWorld(), good="{arm}-count", absent="{arm}-else", wrong="bad {arm}")

        good, absent, wrong = found
        assert (good.arm, good.value, good.problem) == ("green", 3.0, "")
        assert "no series of green" in absent.problem
        assert "parse error" in wrong.problem
        assert absent.remedy
        assert wrong.remedy

    async def test_when_the_router_is_silent_then_nobody_knows_which_arm_to_ask(self):
        world = FakeWorld()
        world.weights = None

        (found,) = await check(world, good="{arm}-count")

        assert "Caddy does not answer" in found.problem

    async def test_when_there_are_none_then_nothing_is_asked(self):
        assert await check(FakeWorld()) == ()

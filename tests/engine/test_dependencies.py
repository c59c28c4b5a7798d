"""Services that need each other: those that can go side by side do, and a failed one stops what needs it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from console.config.settings import Settings
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from tests.engine.fake_platform import Place
from tests.engine.world import OLD, World

DIAMOND = {
    "base": (),
    "left": ("base",),
    "right": ("base",),
    "beside": ("base",),
    "join": ("left", "right"),
    "leaf": ("join", "beside"),
}


class Diamond(World):
    """Six services in one place each, that take as long to build as a test says."""

    def __init__(self, seconds: Mapping[str, float], **environment: object) -> None:
        super().__init__()
        self.settings = Settings.model_validate(
            {
                "providers": {"fake": {"kind": "caddy"}},
                "source": {"provider": "fake"},
                "services": {name: {"provider": "fake", "needs": needs} for name, needs in DIAMOND.items()},
                "environments": {"production": {"services": {n: {"id": n} for n in DIAMOND}, **environment}},
            }
        )
        self.platform.places = {name: Place(OLD, f"{name}-1", history={f"{name}-1": OLD}) for name in DIAMOND}
        self.platform.build_seconds = dict(seconds)
        self.engine = self._new_engine()


def longest(seconds: Mapping[str, float], name: str = "leaf") -> float:
    return seconds[name] + max((longest(seconds, need) for need in DIAMOND[name]), default=0.0)


def took(deployment: Deployment) -> float:
    assert deployment.started_at is not None
    assert deployment.ended_at is not None
    return (deployment.ended_at - deployment.started_at).total_seconds()


class TestGivenADiamondOfSixServices:
    @pytest.mark.parametrize(
        "seconds",
        [
            {"base": 5, "left": 9, "right": 14, "beside": 21, "join": 7, "leaf": 4},
            {"base": 31, "left": 47, "right": 12, "beside": 3, "join": 58, "leaf": 90},
            {"base": 2, "left": 2.3, "right": 3.1, "beside": 1.7, "join": 2.9, "leaf": 3.3},
        ],
    )
    async def test_when_deployed_then_it_takes_little_longer_than_its_longest_path(self, seconds):
        world = Diamond(seconds)
        await world.start()

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert took(ended) <= 1.15 * longest(seconds)

    async def test_when_only_one_may_run_at_a_time_then_they_go_one_after_the_other(self):
        seconds = dict.fromkeys(DIAMOND, 4.0)
        world = Diamond(seconds, limits={"parallel": 1})
        await world.start()

        ended = await world.until_ended(await world.deploy())

        assert took(ended) >= sum(seconds.values())

    async def test_when_one_fails_then_what_needs_it_never_starts_and_what_was_done_is_taken_back(self):
        world = Diamond({"beside": 60, "right": 5})
        await world.start()
        world.platform.broken_places = {"right"}

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert {ended.steps[f"{name}.deploy"].status for name in ("join", "leaf")} == {StepStatus.PENDING}
        assert {place.live for place in world.platform.places.values()} == {OLD}

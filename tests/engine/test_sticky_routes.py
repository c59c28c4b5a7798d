"""Routes whose visitors stay where they were, and routes that let testers choose their arm."""

from __future__ import annotations

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.ids import StepId
from tests.engine.world import World

TEN = StepId("api.bake-10")
FORCED = StepId("api.integration-public")


class TestGivenVisitorsThatStayAtTheirArm:
    async def test_when_shares_differ_from_the_weights_then_that_alone_holds_nothing_and_the_plan_says_so(self):
        world = World(stages=[10, 100])
        world.platform.sticky["api"] = "the cookie ARM"
        world.platform.stuck["api"] = {"blue": 40, "green": 60}
        await world.start()

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert "visitors stay at the arm they first had (the cookie ARM)" in " ".join(ended.plan.notes)
        await world.engine.stop()

    async def test_when_a_route_is_not_sticky_then_the_same_shares_hold_the_stage(self):
        world = World(stages=[10, 100])
        world.platform.stuck["api"] = {"blue": 40, "green": 60}
        await world.start()
        deployment = await world.deploy()

        held = await world.until(deployment, lambda d: d.steps[TEN].status is StepStatus.WAITING)

        assert held.verdicts[-1].verdict.evidence["trigger"] == "split"
        await world.engine.stop()


class TestGivenAHeaderThatForcesAnArm:
    def world(self) -> World:
        world = World()
        production = world.settings.environments["production"]
        api = production.services["api"]
        assert api.traffic is not None
        traffic = api.traffic.model_copy(update={"force_header": "X-Quarterdeck-Arm"})
        api = api.model_copy(update={"traffic": traffic, "url": "http://shop"})
        production = production.model_copy(update={"services": {**production.services, "api": api}})
        world.settings = world.settings.model_copy(update={"environments": {"production": production}})
        world.engine = world._new_engine()
        return world

    async def test_when_it_is_deployed_then_integration_also_goes_the_way_of_visitors(self):
        world = self.world()
        await world.start()

        ended = await world.until_ended(await world.deploy())

        assert ended.steps[FORCED].status is StepStatus.SUCCEEDED
        public = [request for request in world.platform.probed if request.url.startswith("http://shop")]
        assert [(request.url, request.headers) for request in public] == [
            ("http://shop/items", {"X-Quarterdeck-Arm": "green"})
        ]
        await world.engine.stop()

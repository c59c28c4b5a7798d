"""Who may pass gates in an emergency, and who is told that nobody has reviewed it yet."""

from __future__ import annotations

import pytest

from console.config.settings import RoleSettings
from console.domain.errors import Refused
from console.domain.events import Control
from console.domain.exchange import ControlRequest, ReviewRequest
from console.domain.ids import EnvironmentName
from console.domain.plan import Wish
from console.server.roles import Person
from tests.server.world import PRODUCTION

IN_NEED = Wish(PRODUCTION, reason="down", emergency=True)


async def become(world, name: str, **roles: tuple[str, ...]) -> None:
    await world.close()
    world.person, world.roles = Person(1, name), RoleSettings(**{"admin": (), "viewer": (), **roles})
    await world.open()


class TestGivenADeployerWithoutTheRight:
    @pytest.fixture(autouse=True)
    async def _kim(self, world):
        await become(world, "kim", deployer=("kim",))

    async def test_when_they_deploy_in_an_emergency_then_it_is_refused_in_words_and_audited(self, client, world):
        with pytest.raises(Refused, match="kim may not deploy in an emergency") as refusal:
            await client.deploy(IN_NEED, "press-1")

        assert "[roles] emergency" in refusal.value.remedy
        row = (await world.ledger.audit())[0]
        assert (row.action, row.outcome, row.detail["emergency"]) == ("deploy", "refused", "yes")
        assert await world.ledger.find_deployments("production") == ()

    async def test_when_they_look_at_the_plan_then_the_refusal_is_in_it(self, client):
        assert "kim may not deploy in an emergency" in (await client.preview(IN_NEED)).refusals[0]
        assert (await client.preview(Wish(PRODUCTION))).refusals == ()

    async def test_when_they_deploy_as_usual_or_renew_then_only_renewing_is_refused(self, client, world):
        deployed = (await client.deploy(Wish(PRODUCTION), "press-1")).deployment

        with pytest.raises(Refused, match="may not deploy in an emergency"):
            await client.control(deployed, ControlRequest(Control.RENEW, reason="still down"))
        assert world.engine.asked == []


class TestGivenTheRight:
    async def test_when_it_is_given_to_a_deployer_then_they_may(self, client, world):
        await become(world, "kim", deployer=("kim",), emergency=("kim",))

        assert (await client.whoami()).rights == ("emergency",)
        await client.deploy(IN_NEED, "press-1")

    async def test_when_it_is_given_to_somebody_who_may_not_deploy_then_it_is_worth_nothing(self, client, world):
        await become(world, "kim", viewer=("kim",), emergency=("kim",))

        assert (await client.whoami()).rights == ()
        with pytest.raises(Refused, match="needs deployer"):
            await client.deploy(IN_NEED, "press-1")


class TestGivenAnEmergencyThatNobodyReviewed:
    @pytest.fixture
    async def deployed(self, client):
        return (await client.deploy(IN_NEED, "press-1")).deployment

    async def test_when_somebody_looks_then_it_is_listed_and_shown_with_its_environment(self, client, deployed):
        (found,) = await client.reviews()

        assert (found.deployment, found.emergency.reason, found.emergency.skipped) == (deployed, "down", ("approvals",))
        assert await client.reviews(EnvironmentName("staging")) == ()
        reviews = {status.name: status.reviews for status in await client.environments()}
        assert reviews == {"production": (deployed,), "staging": ()}

    async def test_when_it_is_reviewed_then_it_is_listed_no_longer_and_audited(self, client, world, deployed):
        await client.review(deployed, ReviewRequest("looked at it"))

        assert await client.reviews() == ()
        assert (await client.deployment(deployed)).emergency.review.comment == "looked at it"
        row = (await world.ledger.audit())[0]
        assert (row.action, row.subject, row.outcome) == ("review", deployed, "done")

    async def test_when_a_deployer_reviews_it_then_it_is_refused(self, client, world, deployed):
        await become(world, "kim", deployer=("kim",), emergency=("kim",))

        with pytest.raises(Refused, match="needs approver"):
            await client.review(deployed, ReviewRequest("fine"))

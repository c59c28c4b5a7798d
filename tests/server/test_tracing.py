"""Reviews of emergencies at GitHub: one issue, opened with the emergency and closed with its review."""

from __future__ import annotations

import pytest

from console.domain import events as ev
from console.domain.ids import Actor, DeploymentId
from console.domain.plan import Wish
from console.server.desk import FrontDesk
from console.server.tracing import ReviewTracing
from tests.providers.subjects.github import GitHubSubject
from tests.server.world import NOON, PRODUCTION, QuickClock, World

IN_NEED = Wish(PRODUCTION, reason="the shop is down", emergency=True)


class GitHubWorld:
    """A worker whose source is the emulated GitHub."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.subject = GitHubSubject()
        self.subject.prepare()
        self.connection = self.subject.open()
        self.clock = QuickClock()
        self.desk = FrontDesk({"github": self.connection}, world.ledger, self.clock)
        self.tracing = self.new_tracing()

    def new_tracing(self, source: str = "github") -> ReviewTracing:
        return ReviewTracing(source, self.world.ledger, self.world.engine, self.desk, self.clock, "host-1")

    async def deploy(self, worker: str = "host-1") -> DeploymentId:
        name = (await self.world.engine.deploy(IN_NEED, "press-1", "", Actor("kim"))).deployment
        started = ev.DeploymentStarted(worker)
        await self.world.ledger.append(ev.Event(name, NOON, started), ev.Event(name, NOON, ev.DeploymentSucceeded()))
        return name

    async def issue(self, name: DeploymentId) -> dict[str, object]:
        answer = await self.desk.ask("github", "tracking", {"deployment": f"{name}-review"})
        return answer.value  # type: ignore[return-value]  # an issue, as JSON


@pytest.fixture
async def github(world):
    made = GitHubWorld(world)
    yield made
    await made.desk.stop()
    await made.connection.close()
    await made.subject.finish()


async def test_when_an_emergency_was_deployed_then_one_issue_says_so_however_often_one_looks(github):
    name = await github.deploy()

    await github.tracing.look()
    await github.new_tracing().look()

    issue = await github.issue(name)
    review = (await github.world.engine.load(name)).emergency.review
    assert issue["state"] == "open"
    assert str(issue["title"]).startswith("Review the emergency deployment of v1.4.0 to production")
    assert str(issue["number"]) in review.traced_at
    assert len([row for row in await github.world.ledger.audit() if row.outcome == "intended"]) == 1


async def test_when_it_is_reviewed_then_the_issue_is_closed_with_the_comment(github):
    name = await github.deploy()
    await github.tracing.look()
    await github.world.engine.review(name, "looked at the logs", Actor("ann"))

    await github.tracing.look()

    issue = await github.issue(name)
    assert (issue["state"], issue["progress"]) == ("closed", "Reviewed by ann: looked at the logs")
    assert (await github.world.engine.load(name)).emergency.review.trace_closed
    assert await github.world.ledger.unfinished_reviews() == ()


async def test_when_another_worker_has_it_or_there_is_no_source_then_nothing_is_written(github):
    name = await github.deploy(worker="host-2")

    await github.tracing.look()

    assert not (await github.world.engine.load(name)).emergency.review.traced_at
    assert not github.new_tracing("").is_offered
    assert github.tracing.is_offered

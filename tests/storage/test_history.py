"""What a history keeps besides deployments, and what it forgets: on SQLite and, where one is at hand, on Postgres."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.client.service import HistoryQuery
from console.domain.audit import AuditEntry
from console.domain.events import ReviewClosed, ReviewTraced
from console.domain.ids import Actor, DeploymentId, EnvironmentName
from console.domain.telemetry import Measurement

PRODUCTION = EnvironmentName("production")


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request):
    return request.getfixturevalue(request.param)


class TestGivenAnEmptyHistory:
    async def test_when_figures_are_stored_then_they_come_back_by_time_and_name(self, ledger, story):
        first, second = story.now(), story.now()
        items = [
            Measurement(first, PRODUCTION, "error_rate", 0.02, {"service": "api"}),
            Measurement(second, PRODUCTION, "cpu", 0.5),
            Measurement(second, EnvironmentName("staging"), "cpu", 0.1),
        ]

        await ledger.add_measurements(items)

        assert await ledger.measurements(PRODUCTION, first, second) == tuple(items[:2])
        assert await ledger.measurements(PRODUCTION, first, second, ("cpu",)) == (items[1],)
        assert await ledger.measurements(PRODUCTION, second + timedelta(seconds=1), second + timedelta(days=1)) == ()
        assert await ledger.forget_measurements(second) == 1
        assert await ledger.measurements(PRODUCTION, first, second) == (items[1],)

    async def test_when_actions_are_audited_then_the_newest_comes_first(self, ledger, story):
        one = AuditEntry(story.now(), Actor("ann"), "deploy", "production", "done", {"release": "v1"})
        two = AuditEntry(story.now(), Actor("bob"), "approve", "d1", "refused")

        await ledger.record_audit(one)
        await ledger.record_audit(two)

        assert [replace(entry, id=0) for entry in await ledger.audit()] == [two, one]
        assert [replace(entry, id=0) for entry in await ledger.audit(until=one.at)] == [one]
        assert [replace(entry, id=0) for entry in await ledger.audit(actor="bob")] == [two]


class TestGivenAHistory:
    @pytest.fixture(autouse=True)
    async def _history(self, ledger, story):
        await story.fill(ledger)

    async def test_when_it_is_pruned_then_what_runs_and_the_newest_stay_and_numbers_go_on(self, ledger, story):
        last = await ledger.last_seq()

        gone = await ledger.forget_deployments(0)

        assert sorted(name[-4:] for name in gone) == ["aaaa", "bbbb"]
        assert [line.id[-4:] for line in await ledger.summaries(HistoryQuery())] == ["dddd", "cccc"]
        assert await ledger.events_of(DeploymentId("261122-060000-aaaa")) == ()
        stored = await ledger.append(story.start("261122-090000-dddd"))
        assert stored[0].seq == last + 1

    async def test_when_an_emergency_is_not_reviewed_then_it_is_listed_and_never_pruned(self, ledger, story):
        name = DeploymentId("261122-080500-eeee")
        await ledger.open_deployment(*story.emergency(name, "staging"))
        await ledger.append(story.success(name), unlock=EnvironmentName("staging"))
        await ledger.open_deployment(*story.request("261122-100000-ffff", "staging"))

        gone = await ledger.forget_deployments(0)

        assert name not in gone
        assert [(line.id, line.review) for line in await ledger.unfinished_reviews()] == [(name, "open")]
        await ledger.append(story.event(name, ReviewTraced("https://github.example/1")))
        await ledger.append(story.event(name, ReviewClosed("fine")))
        assert [line.review for line in await ledger.unfinished_reviews()] == ["closing"]
        await ledger.append(story.event(name, ReviewTraced("https://github.example/1", closed=True)))
        assert await ledger.unfinished_reviews() == ()
        assert name in await ledger.forget_deployments(0)

"""Whether the record is whole, and what it tells of delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from console.domain.audit import AuditCheck, AuditEntry
from console.domain.deployment import Deployment
from console.domain.events import Event
from console.domain.ids import Actor, DeploymentId
from console.domain.observations import DeploymentSummary
from console.reports.delivery import measure_delivery
from console.reports.verification import verify_record
from tests.planning.stories import NOON, PRODUCTION, Story, bad_story, good_story


def lines_of(*told: Deployment) -> tuple[DeploymentSummary, ...]:
    return tuple(
        DeploymentSummary(
            d.id, d.environment, d.plan.strategy, d.plan.release.name, d.status, d.requested_by, d.requested_at
        )
        for d in told
    )


@dataclass
class Kept:
    """A record in memory that anybody may tamper with."""

    events: list[Event]
    lines: tuple[DeploymentSummary, ...]
    entries: Sequence[AuditEntry] = ()

    def __post_init__(self) -> None:
        self.numbers = tuple(event.seq for event in self.events)

    async def events_after(self, seq: int, limit: int = 500) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.seq > seq)[:limit]

    async def last_seq(self) -> int:
        return len(self.numbers)

    async def summaries(self, query: object) -> tuple[DeploymentSummary, ...]:
        return self.lines

    async def audit(self, *, limit: int = 500) -> tuple[AuditEntry, ...]:
        return tuple(self.entries)


def kept() -> Kept:
    story = good_story()
    entries = [AuditEntry(NOON, Actor("ada"), "deploy", "production", id=number) for number in (1, 2, 3)]
    return Kept(list(story.events), lines_of(story.deployment), entries)


async def check(record: Kept, keeps: int = 500) -> AuditCheck:
    return await verify_record(record, keeps=keeps, passes_over_numbers=False)


class TestGivenARecordThatNobodyTouched:
    async def test_when_verified_then_it_is_whole_and_says_what_cannot_be_proven(self) -> None:
        found = await check(kept())

        assert (found.is_whole, found.missing_events, found.entries) == (True, 0, 3)
        assert "not chained by digests" in found.limits[0]


class TestGivenARecordThatSomebodyTouched:
    async def test_when_an_event_is_gone_then_the_gap_is_a_fault_unless_time_may_have_taken_it(self) -> None:
        record = kept()
        del record.events[7]

        assert "no event, and no deployment is old enough" in (await check(record)).problems[0]
        assert (await check(record, keeps=1)).is_whole

    async def test_when_the_first_event_an_audit_row_or_the_outcome_changed_then_each_is_named(self) -> None:
        record = kept()
        record.events = [event for event in record.events if event.seq != 1]
        record.entries = [entry for entry in record.entries if entry.id != 2]
        found = (await check(record)).problems
        assert "does not begin with a request" in found[0]
        assert "1 of the numbers of audit rows" in found[-1]

        bad = kept()
        bad.lines = (replace(bad.lines[0], requested_by=Actor("eve")),)
        assert "the history says succeeded, asked for by eve" in (await check(bad)).problems[0]


class TestGivenDeploymentsOfAMonth:
    def told(self, story: Story, name: str, committed_hours: float) -> Deployment:
        d = story.deployment
        release = replace(d.plan.release, committed_at=NOON - timedelta(hours=committed_hours))
        return replace(d, id=DeploymentId(name), plan=replace(d.plan, release=release))

    def test_when_measured_then_the_four_figures_are_of_what_changed_something(self) -> None:
        good, bad = good_story(), bad_story()
        told = [self.told(good, "d1", 2), self.told(good, "d2", 4), self.told(good, "d3", 8), self.told(bad, "d4", 1)]
        again = replace(told[0], plan=replace(told[0].plan, returns=True))
        held = replace(told[0], plan=replace(told[0].plan, strategy="maintenance"))

        found = measure_delivery(PRODUCTION, [*told, again, held], NOON - timedelta(days=1), NOON + timedelta(days=2))

        assert (found.deployments, found.succeeded, found.frequency_per_day) == (4, 3, 1.0)
        assert found.change_failure_rate == 0.25
        took = (good.deployment.ended_at or NOON) - NOON
        assert found.lead_time_s == (took + timedelta(hours=4)).total_seconds()
        back = bad.deployment.rollback
        assert back is not None
        assert back.traffic_restored_after is not None
        assert found.time_to_restore_s == back.traffic_restored_after.total_seconds()

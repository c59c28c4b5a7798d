"""Freezes and deployments to come: kept over a restart, changed by one of several, told to who listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from console.domain.freeze import Freeze, FreezeId
from console.domain.ids import Actor, EnvironmentName, ServiceName
from console.domain.plan import Wish
from console.domain.release import Release
from console.domain.schedule import Scheduled, ScheduledId, ScheduleStatus
from console.storage.ledger import Ledger, Wake
from console.storage.postgres_ledger import PostgresLedger
from console.storage.sqlite_ledger import SqliteLedger
from tests.storage.conftest import ANN, START

HOUR = timedelta(hours=1)
PRODUCTION = EnvironmentName("production")
FREEZE = Freeze(FreezeId("f-1"), PRODUCTION, START, START + HOUR, "the sale", ANN, START)
ENTRY = Scheduled(
    ScheduledId("s-1"),
    START + HOUR,
    Wish(PRODUCTION, "v2", services=(ServiceName("api"),), at=START + HOUR, pinned=Release("b" * 40, "v2")),
    Release("b" * 40, "v2", committed_at=START),
    "digest",
    ANN,
    START,
)


@pytest.fixture(params=["one file", "shared database"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Ledger, Ledger]]:
    """Two that use the same record: two workers, or one before and after its restart."""
    one: Ledger
    other: Ledger
    if request.param == "one file":
        one, other = SqliteLedger(tmp_path / "history.db"), SqliteLedger(tmp_path / "history.db")
    else:
        url = request.getfixturevalue("shared_url")
        one = PostgresLedger(url, SqliteLedger(tmp_path / "one.db"))
        other = PostgresLedger(url, SqliteLedger(tmp_path / "other.db"))
    await one.open()
    await other.open()
    yield one, other
    await other.close()
    await one.close()


class TestGivenAFreeze:
    async def test_when_it_is_added_then_others_read_it_whole_until_it_ends(self, pair: tuple[Ledger, Ledger]) -> None:
        one, other = pair

        await one.add_freeze(FREEZE)

        assert await other.freezes(START) == (FREEZE,)
        assert await other.freezes(FREEZE.ends_at) == ()

    async def test_when_two_lift_it_then_one_did(self, pair: tuple[Ledger, Ledger]) -> None:
        one, other = pair
        await one.add_freeze(FREEZE)
        lifted = replace(FREEZE, lifted_at=START, lifted_by=Actor("bob"))

        did = [await one.lift_freeze(lifted), await other.lift_freeze(lifted)]

        assert did == [True, False]
        assert await other.freezes(START) == ()


class TestGivenADeploymentToCome:
    async def test_when_it_is_added_then_others_read_it_whole(self, pair: tuple[Ledger, Ledger]) -> None:
        one, other = pair

        await one.add_scheduled(ENTRY)

        assert await other.scheduled() == (ENTRY,)

    async def test_when_the_request_comes_twice_then_it_is_one(self, pair: tuple[Ledger, Ledger]) -> None:
        one, other = pair
        await one.add_scheduled(ENTRY, "request-1")

        again = await other.add_scheduled(replace(ENTRY, id=ScheduledId("s-2")), "request-1")

        assert again == ENTRY
        assert len(await one.scheduled()) == 1

    async def test_when_two_take_it_then_one_has_it(self, pair: tuple[Ledger, Ledger]) -> None:
        await pair[0].add_scheduled(ENTRY)

        took = await asyncio.gather(
            *(each.change_scheduled(replace(ENTRY, status=ScheduleStatus.STARTING)) for each in pair)
        )

        assert sorted(entry is None for entry in took) == [False, True]
        assert [entry.revision for entry in took if entry] == [1]

    async def test_when_it_has_ended_then_only_who_asks_for_the_past_sees_it(self, pair: tuple[Ledger, Ledger]) -> None:
        one, other = pair
        await one.add_scheduled(ENTRY)
        missed = await one.change_scheduled(replace(ENTRY, status=ScheduleStatus.MISSED, detail="nobody looked"))

        assert await other.scheduled() == ()
        assert await other.scheduled(START) == (missed,)
        assert await other.scheduled(START + 2 * HOUR) == ()

    async def test_when_it_changes_then_who_listens_is_told(self, pair: tuple[Ledger, Ledger]) -> None:
        told: list[Wake] = []
        heard = asyncio.Event()

        def hear(wake: Wake) -> None:
            told.append(wake)
            heard.set()

        pair[0].subscribe(hear)
        await pair[0].add_scheduled(ENTRY)
        await asyncio.wait_for(heard.wait(), 5)

        assert [wake.kind for wake in told] == ["calendar"]

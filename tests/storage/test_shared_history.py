"""Several hosts on one Postgres: one order of events, news without asking, a copy that outlives the database."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from console.client.service import HistoryQuery
from console.domain.errors import Refused, StoreError, StoreTooNew
from console.domain.events import Control
from console.domain.ids import Actor, DeploymentId
from console.storage.ledger import ControlRow, Wake
from console.storage.postgres_ledger import PostgresLedger
from console.storage.sqlite_ledger import SqliteLedger

D1 = DeploymentId("d1")


@pytest.fixture
async def hosts(shared_url, tmp_path):
    pair = [PostgresLedger(shared_url, SqliteLedger(tmp_path / name / "history.db")) for name in ("one", "two")]
    await asyncio.gather(*(host.open() for host in pair))
    yield pair
    for host in pair:
        await host.close()


class TestGivenTwoHosts:
    async def test_when_one_records_then_the_other_hears_of_it_and_has_it(self, hosts, story):
        one, two = hosts
        heard: asyncio.Queue[Wake] = asyncio.Queue()
        two.subscribe(heard.put_nowait)

        await one.open_deployment(*story.request("d1"))

        assert await asyncio.wait_for(heard.get(), 5) == Wake("event", D1, 1)
        assert await two.events_after(0) == await one.events_of(D1)

    async def test_when_a_control_is_given_on_one_then_the_other_is_woken(self, hosts, story):
        one, two = hosts
        await one.open_deployment(*story.request("d1"))
        heard: asyncio.Queue[Wake] = asyncio.Queue()
        one.subscribe(lambda wake: heard.put_nowait(wake) if wake.kind == "control" else None)

        number = await two.add_control(ControlRow(0, D1, Control.ABORT, Actor("ann"), story.now()))

        assert await asyncio.wait_for(heard.get(), 5) == Wake("control", D1, number)
        assert [row.id for row in await one.pending_controls(D1)] == [number]

    async def test_when_both_want_an_environment_then_one_is_refused(self, hosts, story):
        results = await asyncio.gather(
            hosts[0].open_deployment(*story.request("d1")),
            hosts[1].open_deployment(*story.request("d2")),
            return_exceptions=True,
        )

        assert [type(result) for result in results].count(Refused) == 1

    async def test_when_both_write_at_once_then_no_reader_misses_anything(self, hosts, story):
        one, two = hosts
        await one.open_deployment(*story.request("d1"))
        seen: list[int] = []

        async def read() -> None:
            while len(seen) < 41:
                fresh = await two.events_after(seen[-1] if seen else 0)
                seen.extend(event.seq for event in fresh)
                await asyncio.sleep(0)

        async def write(host, letter) -> None:
            for number in range(20):
                await host.append(story.progress("d1", f"{letter}{number}"))

        async with asyncio.timeout(20):
            await asyncio.gather(read(), write(one, "a"), write(two, "b"))

        assert seen == list(range(1, 42))

    async def test_when_connections_are_cut_then_the_next_calls_work(self, hosts, story, shared_url):
        one, two = hosts
        await one.open_deployment(*story.request("d1"))
        with psycopg.connect(shared_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

        with pytest.raises(StoreError) as problem:
            await one.append(story.start("d1"))

        assert problem.value.transient
        arrived = asyncio.Event()
        two.subscribe(lambda wake: arrived.set() if wake.seq == 2 else None)
        await one.append(story.start("d1"))
        await asyncio.wait_for(arrived.wait(), 10)
        assert await two.last_seq() == 2


async def test_a_host_that_joins_later_gets_the_whole_history(hosts, story, shared_url, tmp_path):
    await hosts[0].open_deployment(*story.request("d1"))
    await hosts[0].append(story.start("d1"), story.success("d1"))
    third = PostgresLedger(shared_url, SqliteLedger(tmp_path / "three" / "history.db"))

    await third.open()

    assert [event.seq for event in await third.events_after(0)] == [1, 2, 3]
    await third.close()


async def test_the_copy_is_a_history_that_opens_without_the_database(hosts, story, tmp_path):
    await hosts[0].open_deployment(*story.request("d1"))
    await hosts[0].append(story.start("d1"))
    await hosts[0].close()
    copy = SqliteLedger(tmp_path / "one" / "history.db")

    await copy.open()

    assert [line.id for line in await copy.summaries(HistoryQuery())] == ["d1"]
    assert len(await copy.events_of(D1)) == 2
    await copy.close()


async def test_a_history_of_ones_own_is_not_mixed_with_a_shared_one(ledger, path, story, shared_url):
    await ledger.open_deployment(*story.request("d1"))
    await ledger.close()

    with pytest.raises(StoreError, match="history of its own"):
        await PostgresLedger(shared_url, SqliteLedger(path)).open()


async def test_a_database_from_the_future_is_refused(hosts, shared_url, tmp_path):
    with psycopg.connect(shared_url, autocommit=True) as admin:
        admin.execute("UPDATE quarterdeck.schema_version SET version = 99")

    with pytest.raises(StoreTooNew, match="schema version 99"):
        await PostgresLedger(shared_url, SqliteLedger(tmp_path / "three" / "history.db")).open()


async def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path):
    ledger = PostgresLedger(
        "postgresql://user:hunter2secret@127.0.0.1:1/nothing", SqliteLedger(tmp_path / "history.db")
    )

    with pytest.raises(StoreError) as problem:
        await ledger.open()

    assert "does not answer" in str(problem.value)
    assert "hunter2secret" not in str(problem.value)

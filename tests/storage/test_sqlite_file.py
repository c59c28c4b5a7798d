"""The file itself: killed writers, other writers, full disks, foreign and damaged files."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from datetime import timedelta

import pytest

from console.client.service import HistoryQuery
from console.domain.deployment import fold
from console.domain.errors import ExitCode, Refused, StoreBusy, StoreDamaged, StoreError, StoreTooNew
from console.domain.ids import DeploymentId
from console.storage.sqlite_ledger import SqliteLedger

D1 = DeploymentId("d1")

WRITER = """
    import asyncio, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from console.domain.events import Event, StepProgressed
    from console.storage.sqlite_ledger import SqliteLedger

    async def main():
        ledger = SqliteLedger(Path(sys.argv[1]))
        await ledger.open()
        number = 0
        while True:
            pair = [Event("d1", datetime.now(UTC), StepProgressed("first", f"{number}{half}")) for half in "ab"]
            stored = await ledger.append(*pair)
            print(stored[-1].seq, flush=True)
            number += 1

    asyncio.run(main())
"""


async def opened(path, **options) -> SqliteLedger:
    ledger = SqliteLedger(path, **options)
    await ledger.open()
    return ledger


def write_and_kill(path, lines: int) -> int:
    """Let another process write until it acknowledged that many appends, and kill it; returns the last number."""
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(lines)][-1]
        process.send_signal(signal.SIGKILL)
    return acknowledged


class TestGivenAWriterThatIsKilled:
    async def test_when_the_history_opens_again_then_what_was_acknowledged_is_there_and_nothing_is_half(
        self, path, ledger, story
    ):
        await ledger.open_deployment(*story.request("d1"))
        for lines in (1, 7, 20):
            acknowledged = await asyncio.to_thread(write_and_kill, path, lines)

        again = await opened(path)
        events = await again.events_of(D1)
        line = (await again.summaries(HistoryQuery()))[0]
        await again.close()

        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert events[-1].seq >= acknowledged
        assert len(events) % 2 == 1  # the request, then whole pairs
        assert line.status is fold(events).status


class TestGivenTwoLedgersOnOneFile:
    async def test_when_both_write_then_numbers_never_meet(self, path, ledger, story):
        other = await opened(path)
        await ledger.open_deployment(*story.request("d1"))

        await asyncio.gather(*(one.append(story.progress("d1", str(i))) for i in range(20) for one in (ledger, other)))

        events = await other.events_of(D1)
        await other.close()
        assert [event.seq for event in events] == list(range(1, 42))

    async def test_when_both_open_a_deployment_then_one_is_refused(self, path, ledger, story):
        other = await opened(path)

        results = await asyncio.gather(
            ledger.open_deployment(*story.request("d1")),
            other.open_deployment(*story.request("d2")),
            return_exceptions=True,
        )

        await other.close()
        assert sorted(type(result).__name__ for result in results) == ["Opened", "Refused"]
        assert any(isinstance(result, Refused) for result in results)

    async def test_when_both_create_the_file_then_it_is_whole(self, path):
        first, second = SqliteLedger(path), SqliteLedger(path)

        await asyncio.gather(first.open(), second.open())

        assert await first.last_seq() == await second.last_seq() == 0
        await first.close()
        await second.close()


class TestGivenAnotherProcessThatHoldsTheFile:
    async def test_when_it_does_not_let_go_then_the_store_is_busy(self, path, story):
        ledger = await opened(path, busy_timeout=timedelta(milliseconds=50))
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreBusy) as problem:
            await ledger.open_deployment(*story.request("d1"))

        assert problem.value.transient
        holder.execute("ROLLBACK")
        holder.close()
        await ledger.open_deployment(*story.request("d1"))
        await ledger.close()

    async def test_when_the_waiting_writer_is_cancelled_then_what_it_committed_is_told_all_the_same(
        self, path, ledger, story
    ):
        told = asyncio.Event()
        waiting = asyncio.Event()
        loop = asyncio.get_running_loop()
        ledger.subscribe(lambda wake: told.set())
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        event, lock = story.request("d1")
        first = asyncio.create_task(ledger._call(lambda sql: loop.call_soon_threadsafe(waiting.set)))
        writing = asyncio.create_task(ledger.open_deployment(event, lock))
        await first
        await waiting.wait()
        await asyncio.to_thread(_until_busy, ledger)

        writing.cancel()
        holder.execute("ROLLBACK")
        holder.close()

        await asyncio.wait_for(told.wait(), 5)
        assert await ledger.last_seq() == 1


def _until_busy(ledger: SqliteLedger) -> None:
    while ledger._thread._work_queue.qsize():
        pass


class TestGivenAFileThatIsNotOurs:
    async def test_when_it_comes_from_the_future_then_it_is_refused_and_untouched(self, path, ledger):
        await ledger.close()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        before = path.read_bytes()

        with pytest.raises(StoreTooNew) as problem:
            await SqliteLedger(path).open()

        assert "schema version 99" in str(problem.value)
        assert problem.value.exit_code is ExitCode.USAGE
        assert path.read_bytes() == before

    async def test_when_it_is_no_database_then_it_is_damaged_and_untouched(self, path):
        path.write_text("This is a letter, not a database. " * 100)

        with pytest.raises(StoreDamaged, match="damaged"):
            await SqliteLedger(path).open()

        assert path.read_text().startswith("This is a letter")

    async def test_when_it_is_somebody_elses_database_then_it_is_left_alone(self, path):
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.close()

        with pytest.raises(StoreDamaged, match="not a history"):
            await SqliteLedger(path).open()

    async def test_when_pages_were_overwritten_then_it_is_damaged(self, path, ledger, story):
        await ledger.open_deployment(*story.request("d1"))
        await ledger.append(*(story.progress("d1", "x" * 500) for _ in range(200)))
        await ledger.close()
        with path.open("r+b") as file:
            file.seek(4096 * 3)
            file.write(os.urandom(4096 * 8))

        with pytest.raises(StoreDamaged):
            await SqliteLedger(path).open()

    async def test_when_its_folder_cannot_be_made_then_the_words_say_so(self, tmp_path):
        (tmp_path / "file").touch()

        with pytest.raises(StoreError, match="cannot be opened"):
            await SqliteLedger(tmp_path / "file" / "history.db").open()


class TestGivenAFullDisk:
    async def test_when_an_event_does_not_fit_then_the_store_says_so_and_keeps_what_it_had(self, ledger, story):
        await ledger.open_deployment(*story.request("d1"))
        await ledger.append(story.start("d1"))

        def set_limit(sql) -> None:
            pages = sql.query("PRAGMA page_count")[0][0]
            sql.run(f"PRAGMA max_page_count = {pages}")

        await ledger._call(set_limit)

        with pytest.raises(StoreError, match="disk is full"):
            await ledger.append(*(story.progress("d1", "x" * 4000) for _ in range(100)))

        events = await ledger.events_of(D1)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        await ledger._call(lambda sql: sql.run("PRAGMA max_page_count = 100000"))
        stored = await ledger.append(story.progress("d1", "room again"))
        assert stored[0].seq == len(events) + 1


async def test_the_file_is_for_its_owner_alone(path, ledger, story):
    await ledger.open_deployment(*story.request("d1"))

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("history.db*")}

    assert set(modes.values()) == {0o600}
    assert "history.db-wal" in modes


async def test_the_settings_survive_power_loss(ledger):
    settings = await ledger._call(
        lambda sql: (sql.query("PRAGMA journal_mode")[0][0], sql.query("PRAGMA synchronous")[0][0])
    )

    assert settings == ("wal", 2)

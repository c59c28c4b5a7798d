"""A chore as a real process: it does its work, ends with whoever wanted it, and goes on after a kill."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from console.chores.lines import Beat, Done, Failed, Order, Told
from console.engine.chores import ChildProcesses

ROWS = 60_000


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("CREATE DATABASE chores")
    return make_conninfo(postgres_dsn, dbname="chores")


class Bench:
    def __init__(self, home: Path, dsn: str) -> None:
        self.home = home
        self.chores = ChildProcesses(home)
        self.heard: list[Told | Beat] = []
        self.names: list[str] = []
        self.loading = asyncio.Event()
        self.source = home / "app.sqlite"
        self.dsn = dsn
        with closing(sqlite3.connect(self.source)) as lite, lite:
            lite.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, v TEXT)")
            lite.executemany("INSERT INTO orders VALUES (?, 'v')", ((n,) for n in range(ROWS)))

    def write(self, script: str) -> None:
        with closing(sqlite3.connect(self.source)) as lite:
            lite.executescript(script)

    def known(self) -> str:
        with psycopg.connect(self.dsn) as target:
            return str(target.execute("SELECT max(id) FROM quarterdeck.transfers").fetchone()[0])  # type: ignore[index]

    def order(self, task: str = "load", **more: object) -> Order:
        given = {"source": str(self.source), "saved": str(self.home / "saved"), **more}
        return Order(task, str(self.home / "folder"), given, {"address": self.dsn})

    async def told(self, line: Told | Beat) -> None:
        self.heard.append(line)
        if isinstance(line, Told) and line.phase == "load" and line.done:
            self.loading.set()

    async def started(self, name: str) -> None:
        self.names.append(name)

    async def run(self, order: Order) -> object:
        return await self.chores.run(order, self.started, self.told)

    @property
    def pid(self) -> int:
        return int(self.names[-1].split()[1])

    def seen_by_others(self) -> str:
        """What every user of this host may read of the process, and what its own user may."""
        return "".join(Path(f"/proc/{self.pid}/{name}").read_text() for name in ("cmdline", "environ"))


@pytest.fixture
def bench(tmp_path: Path, dsn: str) -> Bench:
    with psycopg.connect(dsn, autocommit=True) as target:
        target.execute("DROP SCHEMA IF EXISTS quarterdeck CASCADE")
        target.execute("DROP TABLE IF EXISTS orders")
    return Bench(tmp_path, dsn)


class TestGivenAChore:
    async def test_when_it_is_killed_then_the_same_order_goes_on_and_no_row_comes_twice(self, bench: Bench) -> None:
        first = asyncio.create_task(bench.run(bench.order()))
        await bench.loading.wait()
        command = bench.seen_by_others()
        os.kill(bench.pid, signal.SIGKILL)
        cut = await first

        ended = await bench.run(bench.order())

        assert isinstance(cut, Failed)
        assert cut.again
        assert isinstance(ended, Done)
        assert ended.outputs["rows"] == ROWS
        assert ended.detail == f"{ROWS} rows in 1 tables, each the same on both sides"
        assert str(conninfo_to_dict(bench.dsn)["password"]) not in command

    async def test_when_its_step_is_interrupted_then_it_is_gone_and_what_came_is_taken_back(self, bench: Bench) -> None:
        running = asyncio.create_task(bench.run(bench.order()))
        await bench.loading.wait()

        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        back = await bench.run(bench.order("take-back"))

        assert not bench.chores.end_left(bench.names[0])
        assert isinstance(back, Done)
        assert back.detail == "1 tables dropped"
        with psycopg.connect(bench.dsn) as target:
            assert target.execute("SELECT to_regclass('orders')").fetchone() == (None,)

    async def test_when_the_source_was_written_to_since_then_the_rest_follows_and_both_are_alike(
        self, bench: Bench
    ) -> None:
        bench.write("DELETE FROM orders WHERE id >= 100")
        await bench.run(bench.order())
        bench.write("DELETE FROM orders WHERE id = 1; UPDATE orders SET v = 'w' WHERE id = 2")
        bench.write("INSERT INTO orders VALUES (500, 'late')")

        ended = await bench.run(bench.order("rest"))
        assert isinstance(ended, Done), ended
        again = await bench.run(bench.order("rest"))
        back = await bench.run(bench.order("take-back", transfer=bench.known(), mark=ended.outputs["mark"]))

        assert ended.detail == "3 rows followed; 100 rows in 1 tables, each the same on both sides"
        assert isinstance(again, Done)
        assert again.outputs["written"] == 0
        assert isinstance(back, Done)
        assert back.detail == "1 tables dropped"

    async def test_when_it_cannot_do_it_then_it_says_so_without_its_secret(self, bench: Bench) -> None:
        bench.dsn = make_conninfo(bench.dsn, password="wrong-0001")

        ended = await bench.run(bench.order())

        assert isinstance(ended, Failed)
        assert "does not go on" in ended.what
        assert "wrong-0001" not in str(ended)

"""The product's own behaviour, as real processes; the frontend needs no database and starts fastest."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from console.playground.processes import free_port
from console.playground.releases import build_catalogue
from console.playground.scene import dsn_for
from console.playground.seed import create_database, seed_database

Start = Callable[..., "Running"]


class Running:
    """One process of the product."""

    def __init__(self, directory: Path, dsn: str, role: str, *extra: str) -> None:
        self.port = free_port()
        self.log = directory / f"{role}-{self.port}.log"
        arguments = ["--role", role, "--port", str(self.port), "--release", "v1.1", "--commit", "c" * 40, *extra]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "console.playground.product", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"DATABASE_URL": dsn},
            )

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, str, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{length}\r\n".encode() + body)
        answer = await reader.read()
        writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), head.decode(), content

    async def until_healthy(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                if (await self.ask("GET", "/health"))[0] == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture(scope="module")
def shop_dsn(postgres_dsn: str) -> str:
    name = f"product_{uuid.uuid4().hex[:8]}"
    create_database(postgres_dsn, name)
    seed_database(dsn_for(postgres_dsn, name), build_catalogue().first)
    return dsn_for(postgres_dsn, name)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Running] = []

    def begin(role: str, *extra: str, dsn: str = "") -> Running:
        running.append(Running(tmp_path, dsn, role, *extra))
        return running[-1]

    yield begin
    for one in running:
        one.process.kill()
        one.process.wait()


class TestGivenAFrontend:
    async def test_then_its_page_and_headers_name_the_release(self, start: Start):
        frontend = start("frontend")
        await frontend.until_healthy()

        status, head, page = await frontend.ask("GET", "/")

        assert status == 200
        assert "X-Release: v1.1" in head
        assert b"v1.1" in page
        assert json.loads((await frontend.ask("GET", "/version.json"))[2]) == {"release": "v1.1", "commit": "c" * 40}

    async def test_when_it_is_told_to_end_then_what_is_in_flight_is_answered(self, start: Start, tmp_path: Path):
        faults = tmp_path / "faults.json"
        faults.write_text('{"latency_ms": 600}')
        frontend = start("frontend", "--faults", str(faults))
        await frontend.until_healthy()

        asking = asyncio.create_task(frontend.ask("GET", "/"))
        await asyncio.sleep(0.1)
        frontend.process.send_signal(signal.SIGTERM)

        assert (await asking)[0] == 200
        assert await asyncio.to_thread(frontend.process.wait, 5) == 0
        assert frontend.lines()[-1]["message"] == "stopped"

    async def test_when_the_fault_file_changes_then_the_process_suffers_and_recovers(
        self, start: Start, tmp_path: Path
    ):
        faults = tmp_path / "faults.json"
        frontend = start("frontend", "--faults", str(faults))
        await frontend.until_healthy()

        faults.write_text('{"error_rate": 1.0}')
        broken = await self._first_change(frontend, 200)
        faults.unlink()
        mended = await self._first_change(frontend, 500)

        assert (broken, mended) == (500, 200)

    async def test_when_a_flood_of_log_lines_is_asked_for_then_each_is_whole_and_their_rate_is_met(
        self, start: Start, tmp_path: Path
    ):
        faults = tmp_path / "faults.json"
        faults.write_text('{"log_lines_per_s": 5000}')
        frontend = start("frontend", "--faults", str(faults))
        await frontend.until_healthy()

        began, before = time.monotonic(), len(frontend.lines())
        await asyncio.sleep(1.0)
        rate = (len(frontend.lines()) - before) / (time.monotonic() - began)

        assert 1500 < rate < 6500

    @staticmethod
    async def _first_change(frontend: Running, from_status: int) -> int:
        for _ in range(200):
            status = (await frontend.ask("GET", "/"))[0]
            if status != from_status:
                return status
            await asyncio.sleep(0.01)
        return from_status


class TestGivenAnApi:
    async def test_then_it_reads_rows_and_writes_rows_that_the_worker_takes(self, start: Start, shop_dsn: str):
        api, worker = start("api", dsn=shop_dsn), start("worker", dsn=shop_dsn)
        await api.until_healthy()
        await worker.until_healthy()

        items = json.loads((await api.ask("GET", "/api/items"))[2])
        status, _, body = await api.ask("POST", "/api/orders", b'{"quantity": 2}')
        order = json.loads(body)["order"]

        assert (len(items), status) == (8, 201)
        deadline = time.monotonic() + 5
        while f"shipped order {order}" not in [line["message"] for line in worker.lines()]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async def test_when_its_connections_are_cut_then_it_makes_new_ones(self, start: Start, shop_dsn: str):
        api = start("api", dsn=shop_dsn)
        await api.until_healthy()

        with psycopg.connect(shop_dsn, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )

        assert (await api.ask("GET", "/api/items"))[0] == 200

    async def test_when_the_release_errs_then_only_its_work_fails_and_its_health_and_version_do_not(
        self, start: Start, shop_dsn: str
    ):
        api = start("api", "--error-rate", "1.0", dsn=shop_dsn)
        await api.until_healthy()

        assert (await api.ask("GET", "/api/items"))[0] == 500
        assert (await api.ask("GET", "/api/version"))[0] == 200
        assert (await api.ask("GET", "/health"))[0] == 200

    @pytest.mark.parametrize("body", [b"[]", b'{"quantity": "many"}', b'{"quantity": 0}', b"{"])
    async def test_when_an_order_makes_no_sense_then_it_is_refused(self, start: Start, shop_dsn: str, body: bytes):
        api = start("api", dsn=shop_dsn)
        await api.until_healthy()

        assert (await api.ask("POST", "/api/orders", body))[0] == 400


class TestGivenAReleaseThatDoesNotStart:
    async def test_then_it_exits_and_says_why(self, start: Start):
        broken = start("frontend", "--crash")

        assert await asyncio.to_thread(broken.process.wait, 5) == 1
        assert "fatal" in str(broken.lines()[-1]["message"])

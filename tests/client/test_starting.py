"""Real workers, started by their clients."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.client.http import HttpService, connect
from console.client.places import Places
from console.client.service import WorkerUnavailable
from console.client.starting import ensure_worker
from console.domain.errors import ConfigError, ExitCode, StoreTooNew
from console.domain.exchange import HistoryQuery
from console.server.lifecycle import HomeLock

pytestmark = pytest.mark.e2e


@contextmanager
def a_home() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="qd-", dir="/tmp"))
    (made / "config.toml").touch()
    yield made
    end_worker(Places(made))
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    with a_home() as made:
        yield made


@pytest.fixture(scope="module")
def busy_home() -> Iterator[Path]:
    """A home whose worker runs, for several tests."""
    with a_home() as made:
        ensure_worker(Places(made))
        yield made


def worker_pid(places: Places) -> int:
    return int(places.lock.read_text() or 0) if places.lock.exists() else 0


def end_worker(places: Places) -> None:
    pid = worker_pid(places)
    if pid:
        kill_and_wait(pid, signal.SIGKILL)


def kill_and_wait(pid: int, number: int) -> None:
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, number)
        import select

        assert select.select([handle], [], [], 20)[0], "the worker did not end"
    finally:
        os.close(handle)


class TestGivenNoWorker:
    async def test_when_several_clients_come_at_once_then_exactly_one_is_started(self, home):
        clients = await asyncio.gather(*(connect(home) for _ in range(5)))

        statuses = [await client.worker_status() for client in clients]

        for client in clients:
            await client.close()
        assert {status.pid for status in statuses} == {worker_pid(Places(home))}
        assert (home / "worker.log").read_text().count("is ready") == 1

    async def test_when_the_configuration_is_wrong_then_its_own_words_and_code_come(self, home):
        (home / "config.toml").write_text("[server]\nsocket_grup = 'x'\n[history]\nkeep_deployments = 'many'\n")

        with pytest.raises(ConfigError) as problem:
            await connect(home)

        assert problem.value.exit_code is ExitCode.USAGE
        assert len(problem.value.problems) == 2
        assert "config.toml:2" in str(problem.value)

    async def test_when_the_history_is_from_the_future_then_that_comes(self, home):
        connection = sqlite3.connect(home / "history.db")
        connection.execute("PRAGMA user_version = 99")
        connection.close()

        with pytest.raises(StoreTooNew, match="schema version 99"):
            await connect(home)

    async def test_when_it_dies_without_a_word_then_the_end_of_its_log_is_shown(self, home, monkeypatch):
        broken = home / "broken"
        broken.mkdir()
        (broken / "sitecustomize.py").write_text(
            "import sys\nif 'console.server' in sys.orig_argv:\n    sys.exit('no legs today')\n"
        )
        monkeypatch.syspath_prepend(str(broken))

        with pytest.raises(WorkerUnavailable) as problem:
            await connect(home)

        assert "ended with 1 before it was ready" in str(problem.value)
        assert "no legs today" in str(problem.value)

    async def test_when_its_home_is_long_then_it_is_found_all_the_same(self, home):
        deep = home / ("deep" * 30)
        deep.mkdir()
        (deep / "config.toml").touch()

        async with await connect(deep) as client:
            status = await client.worker_status()
            assert await client.history(HistoryQuery()) == ()

        end_worker(Places(deep))
        assert len(status.socket) < 107
        shutil.rmtree(Path(status.socket).parent)


class TestGivenAWorkerThatIsJustEnding:
    async def test_when_a_client_comes_then_it_waits_for_the_end_and_starts_the_next(self, home):
        places = Places(home)
        ending = HomeLock(places)
        ending.take()
        connecting = asyncio.ensure_future(connect(home))
        async with asyncio.timeout(60):
            while "running here already" not in await asyncio.to_thread(read_log, places):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

        ending.release()

        async with await connecting as client:
            assert (await client.worker_status()).pid == worker_pid(places)


def read_log(places: Places) -> str:
    return places.log.read_text() if places.log.exists() else ""


class TestGivenAWorker:
    @pytest.fixture
    async def client(self, home):
        async with await connect(home) as opened:
            yield opened

    async def test_when_it_is_told_to_stop_then_it_leaves_nothing_behind(self, home, client):
        pid = (await client.worker_status()).pid

        await asyncio.to_thread(kill_and_wait, pid, signal.SIGTERM)

        assert not (home / "worker.sock").exists()
        assert worker_pid(Places(home)) == 0
        assert "has stopped" in (home / "worker.log").read_text()

    async def test_when_it_is_killed_then_an_open_stream_brings_another_and_without_one_the_next_client(
        self, home, client
    ):
        stream = client.events()
        following = asyncio.ensure_future(anext(stream))
        first = (await client.worker_status()).pid
        async with asyncio.timeout(10):
            while (await client.worker_status()).clients == 0:  # noqa: ASYNC110 - nobody announces a reader
                await asyncio.sleep(0.02)

        await asyncio.to_thread(kill_and_wait, first, signal.SIGKILL)

        async with asyncio.timeout(40):
            while worker_pid(Places(home)) in (0, first):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        async with await connect(home) as again:
            second = (await again.worker_status()).pid
        await asyncio.to_thread(kill_and_wait, second, signal.SIGKILL)

        async with await connect(home) as again:
            assert (await again.worker_status()).pid not in (first, second)


@pytest.mark.xdist_group("a worker that stays")
class TestGivenAWorkerThatStays:
    async def test_then_it_belongs_to_no_terminal(self, busy_home):
        async with await connect(busy_home) as client:
            pid = (await client.worker_status()).pid

        assert os.getsid(pid) == pid
        os.kill(pid, signal.SIGHUP)
        async with await connect(busy_home, start=False) as client:
            assert (await client.worker_status()).pid == pid

    async def test_when_a_second_is_started_by_hand_then_it_is_refused_and_names_the_first(self, busy_home):
        pid = worker_pid(Places(busy_home))

        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "console.server", "--home", str(busy_home)],
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == ExitCode.REFUSED
        assert f"running here already (process {pid})" in done.stderr

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
    async def test_when_another_user_asks_then_the_kernel_says_who(self, busy_home):
        busy_home.chmod(0o711)
        (busy_home / "worker.sock").chmod(0o666)
        code = (
            "import os, socket, sys\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            "s.sendall(b'GET /v1/whoami HTTP/1.1\\r\\nHost: w\\r\\nConnection: close\\r\\n\\r\\n')\n"
            "data = b''\n"
            "while piece := s.recv(65536): data += piece\n"
            "print(data.decode())"
        )

        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code, str(busy_home / "worker.sock")], capture_output=True, text=True
        )

        assert '"actor": "nobody"' in done.stdout
        assert '"role": 1' in done.stdout


def test_a_client_is_a_service():
    from console.client.service import Service

    def use(service: Service) -> Service:
        return service

    assert use(HttpService(Places(Path("/nowhere")))) is not None

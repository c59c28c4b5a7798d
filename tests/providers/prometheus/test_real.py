"""The adapter against a real Prometheus that measures itself, where one is installed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.domain.errors import ProviderError, Rejected
from providers.opened import Opened
from providers.prometheus.adapter import open_connection
from providers.prometheus.settings import PrometheusSettings

PROGRAM = os.environ.get("PROMETHEUS", "") or shutil.which("prometheus") or ""
STEP = timedelta(seconds=1)
CONFIG = """
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: self
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""

pytestmark = pytest.mark.skipif(not PROGRAM, reason="no prometheus is installed (the Debian package has one)")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
async def prometheus(tmp_path: Path) -> AsyncIterator[Opened]:
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(CONFIG % port)
    arguments = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *arguments,
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        stderr=asyncio.subprocess.DEVNULL,
    )
    connection = open_connection("metrics", PrometheusSettings(base_url=f"http://127.0.0.1:{port}"))
    try:
        yield connection
    finally:
        await connection.close()
        process.terminate()
        await process.wait()


async def until_up(connection: Opened) -> None:
    """Until it has seen itself up for two whole steps; its first look at itself may come before it answers."""
    for _ in range(100):
        now = datetime.now(UTC)
        with contextlib.suppress(ProviderError):
            found = await connection.capabilities.queries.fetch_series("up", now - STEP * 2, now, STEP)
            if len(found) >= 2 and all(sample.value == 1.0 for sample in found):
                return
        await asyncio.sleep(0.1)
    raise AssertionError("it never measured itself")


class TestGivenARealPrometheus:
    async def test_when_it_is_asked_then_the_adapter_reads_what_it_says(self, prometheus):
        await until_up(prometheus)
        queries = prometheus.capabilities.queries
        now = datetime.now(UTC)

        assert (await queries.fetch_value("sum(up)")).value == 1.0
        assert (await queries.fetch_value("vector(0) / 0")) is None
        assert (await queries.fetch_value("scalar(sum(up))")).value == 1.0
        assert await queries.fetch_value('up{job="nobody"}') is None
        found = await queries.fetch_series("sum(up)", now - STEP * 2, now, STEP)
        assert {sample.value for sample in found} == {1.0}
        assert (await prometheus.capabilities.account.fetch_account()).identity.startswith("Prometheus ")
        for query, words in (("sum(", "parse error"), ("up[5m]", "matrix"), ("go_gc_duration_seconds", "series")):
            with pytest.raises(Rejected, match=words):
                await queries.fetch_value(query)

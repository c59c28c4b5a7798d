"""From the key to the edge: how long a rollback takes to call the router, and for all traffic to be back.

The worker reaches the edge through a relay of ours, which sees the call for the change arrive, and the edge's answer to
it. Beside it stands the same change made with `curl`, which is as fast as the edge itself can be.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.figures import Figure, median, percentile
from bench.start import QUARTERDECK
from console.client.http import connect
from console.client.service import Service
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.events import Control
from console.domain.exchange import ControlRequest
from console.domain.ids import DeploymentId, EnvironmentName, StepId
from console.domain.plan import Wish

ROUNDS = 20
CHANGES = (b"PATCH ", b"POST ", b"PUT ")
"""What watches the rollout reads all the time; only a change belongs to the way back."""


def measure(home: Path) -> list[Figure]:
    """Needs a playground under load in `home`. Takes ten seconds a round."""
    admin = tomllib.loads((home / "config.toml").read_text())["providers"]["edge"]["admin_url"]
    rounds = asyncio.run(_rounds(home, admin))
    called = [one.called for one in rounds]
    moved = [one.moved for one in rounds]
    back = [one.back for one in rounds]
    figures = [
        Figure("rollback · asked to first call of the edge, median", median(called) * 1000, "ms"),
        Figure("rollback · asked to first call of the edge, p95", percentile(called, 0.95) * 1000, "ms", 150.0),
        Figure("rollback · asked to weights moved, median", median(moved) * 1000, "ms"),
        Figure("rollback · asked to weights moved, p95", percentile(moved, 0.95) * 1000, "ms"),
        Figure("rollback · traffic fully back on record, p95", percentile(back, 0.95) * 1000, "ms", 1000.0),
    ]
    if shutil.which("curl"):
        by_hand = median([_curl(admin) for _ in range(ROUNDS)])
        figures.append(Figure("rollback · one change by curl, median", by_hand * 1000, "ms"))
        figures.append(Figure("rollback · weights moved against curl", median(moved) / by_hand, "×"))
    return figures


@dataclass(frozen=True)
class Round:
    """Seconds from asking: until the edge was called, its weights had moved, and the record said so."""

    called: float
    moved: float
    back: float


@dataclass
class Relay:
    """Passes bytes on to the edge's admin API, and remembers when changes were asked of it, and answered."""

    target: tuple[str, int]
    asked: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        with suppress(asyncio.CancelledError, OSError):
            open_changes: list[float] = []
            await asyncio.gather(
                self._forward(reader, far_writer, open_changes), self._back(far_reader, writer, open_changes)
            )

    async def _forward(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, open_changes: list[float]
    ) -> None:
        while chunk := await source.read(65536):
            if chunk.startswith(CHANGES):
                open_changes.append(time.perf_counter())
                self.asked += open_changes
            sink.write(chunk)
        sink.close()

    async def _back(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, open_changes: list[float]) -> None:
        while chunk := await source.read(65536):
            if open_changes:
                open_changes.clear()
                self.answered.append(time.perf_counter())
            sink.write(chunk)
        sink.close()


@asynccontextmanager
async def _relayed(home: Path, admin: str) -> AsyncIterator[Relay]:
    """A relay that the configuration in `home` names, in front of `admin`; a worker starts with it, and stops."""
    parts = urlsplit(admin)
    relay = Relay((parts.hostname or "127.0.0.1", parts.port or 80))
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    own = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    file = home / "config.toml"
    before = file.read_text()
    _stop_worker(home)
    file.write_text(before.replace(admin, own))
    try:
        yield relay
    finally:
        _stop_worker(home)
        file.write_text(before)
        server.close()


def _stop_worker(home: Path) -> None:
    subprocess.run([QUARTERDECK, "--home", str(home), "worker", "stop"], check=False, capture_output=True)


async def _rounds(home: Path, admin: str) -> list[Round]:
    async with _relayed(home, admin) as relay:
        service = await asyncio.wait_for(connect(home), 30)
        return [await _round(service, relay) for _ in range(ROUNDS)]


async def _round(service: Service, relay: Relay) -> Round:
    wish = Wish(EnvironmentName("production"), release="v1.1")
    submitted = await service.deploy(wish, f"bench-{time.time_ns()}")
    await _until(service, submitted.deployment, _is_baking)
    relay.asked.clear()
    relay.answered.clear()
    asked = time.perf_counter()
    await service.control(submitted.deployment, ControlRequest(Control.ROLLBACK, reason="bench"))
    deployment = await _until(service, submitted.deployment, lambda d: d.status is DeploymentStatus.ROLLED_BACK)
    restored = deployment.rollback.traffic_restored_after if deployment.rollback is not None else None
    back = restored.total_seconds() if restored is not None else float("inf")
    return Round(relay.asked[0] - asked, relay.answered[0] - asked, back)


def _is_baking(deployment: Deployment) -> bool:
    if deployment.is_terminal:
        raise RuntimeError(f"{deployment.id} ended before it could be taken back: {deployment.failure}")
    return deployment.steps[StepId("backend.bake-10")].status is not StepStatus.PENDING


async def _until(service: Service, name: DeploymentId, reached: Callable[[Deployment], bool]) -> Deployment:
    while True:
        deployment = await service.deployment(name)
        if reached(deployment):
            return deployment
        await asyncio.sleep(0.1)


def _curl(admin: str) -> float:
    policy = json.dumps({"policy": "weighted_round_robin", "weights": [1, 0]})
    url = f"{admin}/id/backend/load_balancing/selection_policy"
    command = ["curl", "-s", "-X", "PATCH", "-H", "Content-Type: application/json", "-d", policy, url]
    before = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - before

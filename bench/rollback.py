"""From the key to the edge: how long a rollback takes to be asked of the router, and for all traffic to be back.

The router is watched from outside, by reading its weights every few milliseconds; beside it stands the same change
made with `curl`, which is as fast as the edge itself can be.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
import tomllib
from pathlib import Path

from bench.figures import Figure, median, percentile
from console.client.http import connect
from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control
from console.domain.exchange import ControlRequest
from console.domain.ids import EnvironmentName, StepId
from console.domain.plan import Wish

ROUNDS = 8
WATCH_PAUSE = 0.002


def measure(home: Path) -> list[Figure]:
    """Needs a playground under load and a worker that run in `home`. Takes half a minute a round."""
    admin = tomllib.loads((home / "config.toml").read_text())["providers"]["edge"]["admin_url"]
    first, back = asyncio.run(_rounds(home, admin))
    by_hand = [_curl(admin) for _ in range(ROUNDS)] if shutil.which("curl") else []
    figures = [
        Figure("rollback · asked to weights moved, median", median(first) * 1000, "ms"),
        Figure("rollback · asked to weights moved, p95", percentile(first, 0.95) * 1000, "ms", 150.0),
        Figure("rollback · traffic fully back on record, p95", percentile(back, 0.95) * 1000, "ms", 1000.0),
    ]
    if by_hand:
        ratio = median(first) / median(by_hand)
        figures.append(Figure("rollback · one change by curl, median", median(by_hand) * 1000, "ms"))
        figures.append(Figure("rollback · against curl", ratio, "×"))
    return figures


async def _rounds(home: Path, admin: str) -> tuple[list[float], list[float]]:
    service = await connect(home)
    first: list[float] = []
    back: list[float] = []
    for number in range(ROUNDS):
        wish = Wish(EnvironmentName("production"), release="v1.1")
        submitted = await service.deploy(wish, f"bench-{time.time_ns()}-{number}")
        while True:
            deployment = await service.deployment(submitted.deployment)
            if deployment.is_terminal:
                raise RuntimeError(f"{deployment.id} ended before it could be taken back: {deployment.failure}")
            if deployment.steps[StepId("backend.bake-10")].status is StepStatus.RUNNING:
                break
            await asyncio.sleep(0.1)
        asked = time.perf_counter()
        watching = asyncio.create_task(_until_moved(admin))
        await service.control(submitted.deployment, ControlRequest(Control.ROLLBACK, reason="bench"))
        first.append(await watching - asked)
        while True:
            deployment = await service.deployment(submitted.deployment)
            if deployment.status is DeploymentStatus.ROLLED_BACK:
                break
            await asyncio.sleep(0.1)
        assert deployment.rollback is not None
        restored = deployment.rollback.traffic_restored_after
        back.append(restored.total_seconds() if restored is not None else float("inf"))
    return first, back


async def _until_moved(admin: str) -> float:
    import httpx

    async with httpx.AsyncClient() as client:
        while True:
            answer = await client.get(f"{admin}/id/backend")
            if answer.json()["load_balancing"]["selection_policy"]["weights"][1] == 0:
                return time.perf_counter()
            await asyncio.sleep(WATCH_PAUSE)


def _curl(admin: str) -> float:
    policy = json.dumps({"policy": "weighted_round_robin", "weights": [1, 0]})
    url = f"{admin}/id/backend/load_balancing/selection_policy"
    command = ["curl", "-s", "-X", "PATCH", "-H", "Content-Type: application/json", "-d", policy, url]
    before = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - before

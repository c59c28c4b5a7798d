"""The demo's three deployments: a good one, one that takes itself back, and one that a person takes back.

Every claim that the demo makes is checked here against what was recorded and what the load generator counted.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from console.cli.following import follow, has_ended
from console.cli.session import Session
from console.cli.words import say_length, say_state
from console.client.service import ControlRequest, Service
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.events import Control, Trigger
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.plan import Wish

PRODUCTION = EnvironmentName("production")
GOOD, ERRING, ALSO_GOOD = "v1.1", "v1.3-errors", "v1.2"
REQUESTS_WANTED = 2000
TIMEOUT = 120.0
COUNT_EVERY = 0.25


@dataclass(frozen=True)
class Counts:
    """What the load generator saw since the playground came up; `reasons` are those of the newest failures."""

    requests: int
    failed: int
    reasons: tuple[str, ...] = ()


@dataclass
class Part:
    """One deployment of the story and what it claims; `broken` lists the claims that did not hold."""

    name: str
    deployment: str = ""
    status: str = ""
    duration_s: float = 0.0
    rollback_s: float | None = None
    requests: int = 0
    failed: int = 0
    trigger: str = ""
    reason: str = ""
    traffic_restored_s: float | None = None
    report: str = ""
    failures: dict[str, int] = field(default_factory=dict)
    has_ended: bool = False
    broken: list[str] = field(default_factory=list)

    def claim(self, holds: bool, words: str) -> None:
        if not holds:
            self.broken.append(words)


class Story:
    """Tells the three parts, one after the other.

    Args:
        count: Asks the playground what its traffic saw; blocks for some milliseconds.
        artifacts: Where the reports go.
    """

    def __init__(
        self,
        session: Session,
        service: Service,
        count: Callable[[], Counts],
        artifacts: Path,
        tell: Callable[[str], None],
    ) -> None:
        self._session = session
        self._service = service
        self._count = count
        self._artifacts = artifacts
        self._tell = tell
        self._pressing: set[asyncio.Task[None]] = set()

    async def good(self) -> Part:
        """A good release goes live while customers keep buying."""
        part = Part(f"{GOOD} goes live by blue-green")
        self._tell(f"1. {part.name}: every stage must prove itself before the next.")
        before = await self._counted()
        ended = await self._deploy(GOOD)
        part.claim(
            ended.status is DeploymentStatus.SUCCEEDED,
            f"it should have succeeded, and is {ended.status.value}: {ended.failure}",
        )
        await self._wait_for_customers()
        await self._close(part, ended, Counts(0, before.failed))
        part.claim(part.requests >= REQUESTS_WANTED, f"only {part.requests} requests came")
        part.claim(part.failed == 0, f"{part.failed} requests failed: {part.failures}")
        self._tell(
            f"   {say_state(part.status)} after {say_length(part.duration_s)}; "
            f"{part.requests} requests since the start, {part.failed} failed."
        )
        return part

    async def erring(self) -> Part:
        """A release that errs is found on a tenth of the traffic and taken back by itself."""
        part = Part(f"{ERRING} errs and is taken back by itself")
        self._tell(f"2. {part.name}: its health checks are fine, 8 % of its answers are not.")
        before = await self._counted()
        ended = await self._deploy(ERRING)
        await self._close(part, ended, before)
        part.claim(
            ended.status is DeploymentStatus.ROLLED_BACK,
            f"it should have been rolled back, and is {ended.status.value}: {ended.failure}",
        )
        part.claim(part.trigger == Trigger.AUTOMATIC.value, "nobody should have had to ask")
        self._tell_rollback(part)
        return part

    async def by_hand(self) -> Part:
        """A good release is taken back by a person in the middle of its rollout."""
        part = Part(f"{ALSO_GOOD} is taken back by hand at half of the traffic")
        self._tell(f"3. {part.name}: nothing is wrong with it, somebody changed their mind.")
        before = await self._counted()
        ended = await self._deploy(ALSO_GOOD, self._press_at_half())
        await self._close(part, ended, before)
        part.claim(
            ended.status is DeploymentStatus.ROLLED_BACK,
            f"it should have been rolled back, and is {ended.status.value}: {ended.failure}",
        )
        part.claim(part.trigger == Trigger.MANUAL.value, "a person should have asked")
        part.claim(part.failed == 0, f"{part.failed} requests failed: {part.failures}")
        self._tell_rollback(part)
        return part

    async def _deploy(self, release: str, told: Callable[[Deployment], None] | None = None) -> Deployment:
        wish = Wish(PRODUCTION, release, reason="the demo")
        submitted = await self._service.deploy(wish, uuid.uuid4().hex)
        return await follow(
            self._session, self._service, submitted.deployment, is_over=has_ended, timeout=TIMEOUT, told=told
        )

    def _press_at_half(self) -> Callable[[Deployment], None]:
        pressed = False

        def told(deployment: Deployment) -> None:
            nonlocal pressed
            shares = [weight for weights in deployment.weights.values() for weight in weights.values()]
            if not pressed and 50 in shares:
                pressed = True
                task = asyncio.get_running_loop().create_task(self._press(deployment.id))
                self._pressing.add(task)

        return told

    async def _press(self, deployment: DeploymentId) -> None:
        request = ControlRequest(Control.ROLLBACK, reason="changed my mind", requested_at=self._session.now())
        await self._service.control(deployment, request)

    async def _wait_for_customers(self) -> None:
        for _ in range(int(TIMEOUT / COUNT_EVERY)):
            if (await self._counted()).requests >= REQUESTS_WANTED:
                return
            await asyncio.sleep(COUNT_EVERY)

    async def _counted(self) -> Counts:
        return await asyncio.to_thread(self._count)

    async def _close(self, part: Part, ended: Deployment, before: Counts) -> None:
        now = await self._counted()
        part.deployment, part.status, part.has_ended = ended.id, ended.status.value, ended.is_terminal
        part.duration_s = round(ended.duration(self._session.now()).total_seconds(), 3)
        part.requests, part.failed = now.requests - before.requests, now.failed - before.failed
        part.failures = dict(Counter(now.reasons[-part.failed :])) if part.failed else {}
        if ended.rollback is not None:
            restored = ended.rollback.traffic_restored_after
            part.trigger, part.reason = ended.rollback.trigger.value, ended.rollback.reason
            part.traffic_restored_s = round(restored.total_seconds(), 3) if restored is not None else None
            whole = ended.rollback.duration
            part.rollback_s = round(whole.total_seconds(), 3) if whole is not None else None
            part.claim(restored is not None, "traffic should have come back")
        part.report = str(await self._write_report(ended.id))

    async def _write_report(self, deployment: DeploymentId) -> Path:
        text = await self._service.report(deployment, "html")
        path = self._artifacts / f"{deployment}.html"
        await asyncio.to_thread(self._artifacts.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(path.write_text, text, encoding="utf-8")
        return path

    def _tell_rollback(self, part: Part) -> None:
        who = "by itself" if part.trigger == Trigger.AUTOMATIC.value else "by hand"
        back = say_length(part.traffic_restored_s)
        self._tell(f"   {say_state(part.status)} {who}: {part.reason}")
        self._tell(
            f"   Traffic was back after {back}, everything after {say_length(part.rollback_s)}; "
            f"{part.failed} of {part.requests} requests failed meanwhile."
        )

"""Reviews of emergencies, shown at the source: one issue each, opened with the emergency, closed with its review.

It goes through the desk, so that it is in the audit and happens once. The deployment never waits for it: what fails is
tried again, and the review on record stands without it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from console.domain import events as ev
from console.domain.clock import Clock
from console.domain.deployment import Deployment
from console.domain.emergency import Emergency, Review
from console.domain.errors import ConsoleError
from console.domain.exchange import DeskWish
from console.domain.ids import DeploymentId
from console.server.desk import FrontDesk
from console.server.parts import EngineDoor
from console.storage.ledger import Ledger

log = logging.getLogger(__name__)

TRACK = "track"
LOOK_EVERY = 5.0
RETRY_FIRST, RETRY_MOST = timedelta(minutes=1), timedelta(hours=1)


class ReviewTracing:
    """Follows the reviews of one worker's deployments."""

    def __init__(
        self, source: str, ledger: Ledger, engine: EngineDoor, desk: FrontDesk, clock: Clock, worker: str
    ) -> None:
        """With an empty `source`, or one whose desk tracks nothing, nothing is done."""
        self._source = source
        self._ledger = ledger
        self._engine = engine
        self._desk = desk
        self._clock = clock
        self._worker = worker
        self._again: dict[DeploymentId, tuple[datetime, timedelta]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def is_offered(self) -> bool:
        if not self._source:
            return False
        (about,) = self._desk.providers(self._source)
        return any(entry.name == TRACK and entry.offered for entry in about.actions)

    async def start(self) -> None:
        if not self.is_offered:
            return
        self._task = asyncio.create_task(self._run(), name="review-tracing")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except ConsoleError as problem:
                log.warning("Reviews cannot be shown at %s: %s", self._source, problem)
            await self._clock.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Show every review that is not shown as it stands, where it is not too soon after a failure."""
        for line in await self._ledger.unfinished_reviews():
            wait_until, pause = self._again.get(line.id, (None, RETRY_FIRST))
            if wait_until is not None and self._clock.now() < wait_until:
                continue
            deployment = await self._engine.load(line.id)
            emergency = deployment.emergency
            if emergency is None or emergency.review is None or deployment.workers[-1:] != (self._worker,):
                continue
            if emergency.review.traced_at and not emergency.review.is_untold:
                continue
            try:
                await self._tell(deployment, emergency, emergency.review)
                self._again.pop(line.id, None)
            except ConsoleError as problem:
                log.warning("The review of %s is not shown at %s: %s", line.id, self._source, problem)
                self._again[line.id] = (self._clock.now() + pause, min(pause * 2, RETRY_MOST))

    async def _tell(self, deployment: Deployment, emergency: Emergency, review: Review) -> None:
        closing = not review.is_open
        actor = review.closed_by if closing and review.closed_by else deployment.requested_by
        wish = DeskWish(
            {
                "deployment": f"{deployment.id}-review",
                "title": f"Review the emergency deployment of {deployment.plan.release.name} "
                f"to {deployment.environment}",
                "about": _about(deployment, emergency),
                "progress": f"Reviewed by {review.closed_by}: {review.comment}" if closing else "Not reviewed yet.",
                "closed": closing,
            },
            request_id=f"review-{deployment.id}-{'close' if closing else 'open'}",
        )
        shown = await self._desk.act(self._source, TRACK, wish, actor)
        if shown.status == "running":
            return
        where = str(shown.outputs.get("url", "")) or shown.reference
        told = ev.ReviewTraced(where, closing)
        await self._engine.note(deployment.id, told, ev.SYSTEM, once=f"{wish.request_id}:told")


def _about(deployment: Deployment, emergency: Emergency) -> str:
    at = f"{deployment.requested_at:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"{emergency.asked_by[0]} asked for it at {at}: {emergency.reason}\n\n"
        f"It passed over {', '.join(emergency.skipped) or 'no gate'}. `quarterdeck show {deployment.id}` has it all. "
        f"Somebody else closes this with `quarterdeck review {deployment.id} --comment TEXT`."
    )

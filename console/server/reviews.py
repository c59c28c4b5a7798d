"""Reviews of emergencies: those that are open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from console.domain.exchange import OpenReview
from console.domain.ids import EnvironmentName
from console.domain.observations import DeploymentSummary, EnvironmentStatus
from console.server.parts import EngineDoor
from console.storage.ledger import Ledger

OPEN = "open"


def with_reviews(
    statuses: Sequence[EnvironmentStatus], waiting: Sequence[DeploymentSummary]
) -> tuple[EnvironmentStatus, ...]:
    """The environments with what waits there for a review."""
    return tuple(
        replace(
            status,
            reviews=tuple(line.id for line in waiting if line.review == OPEN and line.environment == status.name),
        )
        for status in statuses
    )


async def find_open(
    ledger: Ledger, engine: EngineDoor, environment: EnvironmentName | None
) -> AsyncIterator[OpenReview]:
    """Every open review, or those of one environment, oldest first."""
    for line in await ledger.unfinished_reviews():
        if line.review != OPEN or environment not in (None, line.environment):
            continue
        emergency = (await engine.load(line.id)).emergency
        if emergency is not None:
            yield OpenReview(line.id, line.environment, line.release, line.status, emergency)

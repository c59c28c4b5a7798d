"""Stay with a deployment until it has ended, telling every change on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import cast

from console.cli.progress import say_event
from console.cli.session import Session
from console.client.service import Pulse, Service
from console.domain.deployment import Deployment, DeploymentStatus, begin
from console.domain.errors import ExitCode
from console.domain.events import DeploymentRequested, Event
from console.domain.ids import DeploymentId

IsOver = Callable[[Deployment], bool]
Told = Callable[[Deployment], None]

DEPLOY_CODES = {
    DeploymentStatus.SUCCEEDED: ExitCode.GOOD,
    DeploymentStatus.ROLLED_BACK: ExitCode.ROLLED_BACK,
    DeploymentStatus.ABORTED: ExitCode.FAILED,
    DeploymentStatus.FAILED: ExitCode.FAILED,
}


def has_ended(deployment: Deployment) -> bool:
    return deployment.is_terminal


def was_taken_back(deployment: Deployment) -> bool:
    """Whether a rollback has ended; one that was asked for and not begun yet has not."""
    return deployment.is_terminal and deployment.rollback is not None and deployment.rollback.ended_at is not None


async def follow(
    session: Session,
    service: Service,
    deployment_id: DeploymentId,
    *,
    is_over: IsOver = has_ended,
    timeout: float | None = None,
    told: Told | None = None,
    since: datetime | None = None,
) -> Deployment:
    """Print one line a change on stderr until `is_over`; returns the deployment as it stands then.

    Args:
        timeout: Seconds after which the deployment is left to itself; the result is then not over.
        told: Also called after each event, for whoever acts on what happens.
        since: What happened before is not told.
    """
    # Both the record so far and the stream after it come from sequence numbers, so nothing falls between them.
    deployment: Deployment | None = None
    after = 0
    for event in await service.events_of(deployment_id):
        deployment = begin(event) if deployment is None else deployment.apply(event)
        after = event.seq
        if since is None or event.at >= since:
            _say(session, say_event(event, deployment))
    if deployment is not None and told is not None:
        told(deployment)
    if deployment is not None and is_over(deployment):
        return deployment
    try:
        async with asyncio.timeout(timeout), aclosing(_stream(service, after)) as events:
            async for item in events:
                if isinstance(item, Pulse) or item.deployment != deployment_id:
                    continue
                opens = isinstance(item.payload, DeploymentRequested)
                deployment = begin(item) if deployment is None or opens else deployment.apply(item)
                _say(session, say_event(item, deployment))
                if told is not None:
                    told(deployment)
                if is_over(deployment):
                    return deployment
    except TimeoutError:
        session.say(f"Still {_status(deployment)} after {timeout:g} s. {watch_words(deployment_id)}")
    return deployment or await service.deployment(deployment_id)


def _stream(service: Service, after: int) -> AsyncGenerator[Event | Pulse, None]:
    """The service's events as a generator that can be closed, so that leaving early ends the stream at once."""
    return cast("AsyncGenerator[Event | Pulse, None]", service.events(after))


def watch_words(deployment_id: DeploymentId) -> str:
    """How to find a deployment again that goes on without us."""
    return (
        f"The deployment goes on. Watch it with `quarterdeck show {deployment_id}`, or in the console; "
        f"take it back with `quarterdeck rollback {deployment_id}`."
    )


def _status(deployment: Deployment | None) -> str:
    return deployment.status.value.replace("_", " ") if deployment else "requested"


def _say(session: Session, line: str | None) -> None:
    if line is not None:
        session.say(line)

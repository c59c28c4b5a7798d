"""`plan` and `deploy`."""

from __future__ import annotations

from console.cli.session import Session
from console.cli.showing import plan_lines
from console.cli.submitting import agree, can_ask, check_emergency, refuse_rejected, show_plan, submit
from console.cli.times import parse_later
from console.client.service import Service
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Wish


async def plan(session: Session) -> int:
    """Show the plan; refusals are part of it and make the exit code."""
    service = await session.service()
    return await show_plan(session, service, read_wish(session))


async def deploy(session: Session) -> int:
    """Start it; with `--wait` stay until the end and print the deployment."""
    options = session.options
    if options.at:
        from console.cli.scheduling import add

        return await add(session)
    wish = read_wish(session)
    service = await session.service()
    digest = await confirm(session, service, wish)
    return await submit(session, service, wish, digest, wait=options.wait, request_id=options.request_id)


def read_wish(session: Session) -> Wish:
    options = session.options
    check_emergency(options)
    return Wish(
        environment=EnvironmentName(options.environment),
        release=options.release,
        strategy=options.strategy,
        services=tuple(ServiceName(name) for name in options.service),
        reason=options.reason,
        emergency=options.emergency,
        at=parse_later(options.at, session.now(), "option --at") if options.at else None,
    )


async def confirm(session: Session, service: Service, wish: Wish) -> str:
    """Where a person can answer, show the plan and ask; returns the digest of what was agreed to, else an empty one.

    Raises:
        PlanRejected: The plan that was shown has refusals.
        Refused: The answer was no.
    """
    if session.options.yes or not can_ask(session):
        return ""
    found = await service.preview(wish)
    session.say(*plan_lines(found))
    refuse_rejected(found)
    await agree(session, service, wish.environment)
    return found.digest

"""`plan` and `deploy`."""

from __future__ import annotations

import sys
import uuid

from console.cli.following import DEPLOY_CODES, follow, watch_words
from console.cli.output import show, show_json
from console.cli.session import Session
from console.cli.showing import deployment_json, deployment_lines, plan_lines
from console.cli.times import parse_later
from console.client.service import Service
from console.domain.errors import ExitCode, PlanRejected, Refused, UsageError
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Plan, Wish

CAREFUL_TIERS = frozenset({"production", "disaster-recovery"})


async def plan(session: Session) -> int:
    """Show the plan; refusals are part of it and make the exit code."""
    service = await session.service()
    found = await service.preview(read_wish(session))
    show(session, found, plan_lines(found))
    return ExitCode.REFUSED if found.refusals else ExitCode.GOOD


async def deploy(session: Session) -> int:
    """Start it; with `--wait` stay until the end and print the deployment."""
    options = session.options
    if options.at:
        from console.cli.scheduling import add

        return await add(session)
    wish = read_wish(session)
    service = await session.service()
    digest = ""
    if not options.yes and sys.stdin.isatty() and session.err.isatty():
        digest = await confirm(session, service, wish)
    request_id = options.request_id or uuid.uuid4().hex
    submitted = await service.deploy(wish, request_id, digest)
    deployment_id = submitted.deployment
    if submitted.again:
        session.say(f"This request had been made before: it is deployment {deployment_id}.")
    session.farewell = watch_words(deployment_id)
    if not options.wait:
        if session.form == "text":
            print(deployment_id, file=session.out)
            session.say(watch_words(deployment_id))
        else:
            show_json(session, deployment_json(await service.deployment(deployment_id), session.now()))
        return ExitCode.GOOD
    ended = await follow(session, service, deployment_id, timeout=options.timeout)
    if session.form == "text":
        show(session, ended, deployment_lines(ended, session.now()))
    else:
        show_json(session, deployment_json(ended, session.now()))
    return DEPLOY_CODES.get(ended.status, ExitCode.WAITING)


def read_wish(session: Session) -> Wish:
    options = session.options
    if options.emergency and not options.reason:
        raise UsageError(
            "An emergency needs a reason.",
            "option --emergency",
            "Say why, with --reason TEXT; it is kept in the history.",
        )
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
    """Show the plan and ask; returns the digest of what was agreed to, so that nothing else is run."""
    found: Plan = await service.preview(wish)
    session.say(*plan_lines(found))
    if found.refusals:
        raise PlanRejected(wish.environment, found.refusals)
    status = (await service.environments(wish.environment))[0]
    if status.tier in CAREFUL_TIERS:
        answer = _ask(session, f"Type {wish.environment} to go forward: ")
        agreed = answer == wish.environment
    else:
        agreed = _ask(session, "Go forward? [y/N] ").lower() in {"y", "yes"}
    if not agreed:
        raise Refused("Nothing was started.", "", "Use --yes to go forward without being asked.")
    return found.digest


def _ask(session: Session, question: str) -> str:
    print(question, end="", file=session.err, flush=True)
    return sys.stdin.readline().strip()

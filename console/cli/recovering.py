"""`recover`, and `promote` where it lifts a hold: small deployments of their own, shown and agreed to before."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from console.cli.finding import is_environment
from console.cli.following import DEPLOY_CODES, follow, watch_words
from console.cli.output import show, show_json
from console.cli.session import Session
from console.cli.showing import deployment_json, plan_lines
from console.cli.syncing import agree, show_ended
from console.client.service import Service
from console.domain.errors import ExitCode, PlanRejected
from console.domain.hold import LIFT_HOLD
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Plan, Wish
from console.domain.recovery import REDEPLOY, RESTART, SCALE, Recovery


async def recover(session: Session) -> int:
    """Restart, scale or deploy once more; the release stays."""
    options = session.options
    act = RESTART if options.restart else REDEPLOY if options.redeploy else SCALE
    strategy = Recovery(act, options.scale or 0).strategy
    services = tuple(ServiceName(name) for name in options.service)
    wish = Wish(EnvironmentName(options.environment), strategy=strategy, services=services, reason=options.reason)
    service = await session.service()
    plan = await _show(session, service, wish)
    await agree(session, service, wish.environment)
    return await _run(session, service, wish, plan.digest, wait=options.wait)


async def return_to(session: Session, service: Service) -> int:
    """`rollback --to`: forwards to a release that was live before; coming back asks nobody."""
    options = session.options
    here = await is_environment(service, options.target)
    environment = EnvironmentName(options.target) if here else (await service.deployment(options.target)).environment
    services = tuple(ServiceName(name) for name in options.service)
    wish = Wish(environment, release=options.to, services=services, reason=options.reason, returns=True)
    if options.preview:
        plan = await service.preview(wish)
        show(session, plan, plan_lines(plan))
        return ExitCode.REFUSED if plan.refusals else ExitCode.GOOD
    plan = await _show(session, service, wish)
    return await _run(session, service, wish, plan.digest, wait=options.wait)


async def lift_hold(session: Session, service: Service, environment: EnvironmentName) -> int:
    """Let pushes go live again; going forward with what runs asks nobody a second time."""
    wish = Wish(environment, strategy=LIFT_HOLD, reason=session.options.reason)
    plan = await _show(session, service, wish)
    return await _run(session, service, wish, plan.digest, wait=True)


async def _show(session: Session, service: Service, wish: Wish) -> Plan:
    plan = await service.preview(wish)
    if plan.refusals:
        raise PlanRejected(wish.environment, plan.refusals)
    session.say(*_lines(plan))
    return plan


async def _run(session: Session, service: Service, wish: Wish, digest: str, *, wait: bool) -> int:
    submitted = await service.deploy(wish, uuid.uuid4().hex, digest)
    session.farewell = watch_words(submitted.deployment)
    if not wait:
        if session.form == "text":
            print(submitted.deployment, file=session.out)
            session.say(watch_words(submitted.deployment))
        else:
            show_json(session, deployment_json(await service.deployment(submitted.deployment), session.now()))
        return ExitCode.GOOD
    ended = await follow(session, service, submitted.deployment, timeout=getattr(session.options, "timeout", None))
    show_ended(session, ended)
    return DEPLOY_CODES.get(ended.status, ExitCode.WAITING)


def _lines(plan: Plan) -> Iterator[str]:
    for number, step in enumerate(plan.steps, 1):
        back = f"undo: {step.undo.name}" if step.undo else step.no_undo
        yield f"{number:>3}  {step.name}" + (f"  ({back})" if back else "")
    yield from (f"note      {note}" for note in plan.notes)

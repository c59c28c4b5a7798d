"""`recover`, and `promote` where it lifts a hold: small deployments of their own, shown and agreed to before."""

from __future__ import annotations

from console.cli.finding import is_environment
from console.cli.output import show
from console.cli.session import Session
from console.cli.showing import plan_lines
from console.cli.submitting import carry_out
from console.client.service import Service
from console.domain.errors import ExitCode
from console.domain.hold import LIFT_HOLD
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Wish
from console.domain.recovery import REDEPLOY, RESTART, SCALE, Recovery


async def recover(session: Session) -> int:
    """Restart, scale or deploy once more; the release stays."""
    options = session.options
    act = RESTART if options.restart else REDEPLOY if options.redeploy else SCALE
    strategy = Recovery(act, options.scale or 0).strategy
    services = tuple(ServiceName(name) for name in options.service)
    wish = Wish(EnvironmentName(options.environment), strategy=strategy, services=services, reason=options.reason)
    return await carry_out(session, await session.service(), wish, wait=options.wait)


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
    return await carry_out(session, service, wish, wait=options.wait, asks=False)


async def lift_hold(session: Session, service: Service, environment: EnvironmentName) -> int:
    """Let pushes go live again; going forward with what runs asks nobody a second time."""
    wish = Wish(environment, strategy=LIFT_HOLD, reason=session.options.reason)
    return await carry_out(session, service, wish, wait=True, asks=False)

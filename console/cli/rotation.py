"""`secrets rotate`: show the rollout of a new secret, ask, start it, and stay until it has ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from console.cli.following import DEPLOY_CODES, follow, watch_words
from console.cli.output import show_json
from console.cli.session import Session
from console.cli.showing import deployment_json
from console.cli.syncing import agree, show_ended
from console.domain.errors import ExitCode, PlanRejected
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Plan, Wish
from console.domain.rotation import Rotation


async def rotate(session: Session) -> int:
    """Nothing is made before somebody agreed; what was shown is what is done."""
    options = session.options
    environment = EnvironmentName(options.environment)
    services = tuple(ServiceName(name) for name in options.service)
    strategy = Rotation(options.kind, options.name, options.provider).strategy
    wish = Wish(environment, strategy=strategy, services=services, reason=options.reason)
    service = await session.service()
    plan = await service.preview(wish)
    if plan.refusals:
        raise PlanRejected(environment, plan.refusals)
    session.say(*rotation_lines(plan))
    await agree(session, service, environment)
    submitted = await service.deploy(wish, uuid.uuid4().hex, plan.digest)
    session.farewell = watch_words(submitted.deployment)
    if not options.wait:
        if session.form == "text":
            print(submitted.deployment, file=session.out)
            session.say(watch_words(submitted.deployment))
        else:
            show_json(session, deployment_json(await service.deployment(submitted.deployment), session.now()))
        return ExitCode.GOOD
    ended = await follow(session, service, submitted.deployment, timeout=options.timeout)
    show_ended(session, ended)
    return DEPLOY_CODES.get(ended.status, ExitCode.WAITING)


def rotation_lines(plan: Plan) -> Iterator[str]:
    """Every step with what takes it back, and what is to be known before."""
    for number, step in enumerate(plan.steps, 1):
        back = f"undo: {step.undo.name}" if step.undo else step.no_undo
        yield f"{number:>3}  {step.name}" + (f"  ({back})" if back else "")
    yield from (f"note      {note}" for note in plan.notes)

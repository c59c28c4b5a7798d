"""`failover`: show what would be done, ask, do it, and say what it came to. A rehearsal only reads."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from console.cli.following import DEPLOY_CODES, follow, watch_words
from console.cli.output import show, show_json
from console.cli.session import Session
from console.cli.showing import deployment_json, deployment_lines, plan_lines
from console.cli.syncing import agree
from console.cli.words import say_length
from console.domain.deployment import Deployment
from console.domain.errors import ExitCode, PlanRejected, UsageError
from console.domain.failover import Failover, read_figures
from console.domain.ids import EnvironmentName
from console.domain.plan import Wish


async def failover(session: Session) -> int:
    """A rehearsal is followed to its end, since it is there to be read; a failover with `--wait`."""
    options = session.options
    if options.emergency and not options.reason:
        raise UsageError("An emergency needs a reason.", "option --emergency", "Say why, with --reason TEXT.")
    if options.rehearse and options.force:
        raise UsageError("A rehearsal has nothing to force.", "option --force", "Leave one of them away.")
    environment = EnvironmentName(options.environment)
    asked = Failover(back=options.back, rehearsal=options.rehearse, force=options.force)
    wish = Wish(environment, strategy=asked.strategy, reason=options.reason, emergency=options.emergency)
    service = await session.service()
    digest = ""
    if options.dry_run or not options.rehearse:
        plan = await service.preview(wish)
        if options.dry_run:
            show(session, plan, plan_lines(plan))
            return ExitCode.REFUSED if plan.refusals else ExitCode.GOOD
        session.say(*plan_lines(plan))
        if plan.refusals:
            raise PlanRejected(environment, plan.refusals)
        await agree(session, service, environment)
        digest = plan.digest
    submitted = await service.deploy(wish, options.request_id or uuid.uuid4().hex, digest)
    session.farewell = watch_words(submitted.deployment)
    if not (options.wait or options.rehearse):
        if session.form == "text":
            print(submitted.deployment, file=session.out)
            session.say(watch_words(submitted.deployment))
        else:
            show_json(session, deployment_json(await service.deployment(submitted.deployment), session.now()))
        return ExitCode.GOOD
    ended = await follow(session, service, submitted.deployment, timeout=options.timeout)
    if session.form == "text":
        show(session, ended, (*deployment_lines(ended, session.now()), *figure_lines(ended)))
    else:
        show_json(session, deployment_json(ended, session.now()))
    return DEPLOY_CODES.get(ended.status, ExitCode.WAITING)


def figure_lines(deployment: Deployment) -> Iterator[str]:
    """What a failover came to, or what a rehearsal expects; nothing for any other deployment."""
    figures = read_figures(deployment)
    if figures is None:
        return
    yield ""
    if figures["rehearsal"]:
        yield f"expected recovery time  {_length(figures.get('expected_rto_s'))}"
        yield f"expected loss           {_loss(figures.get('expected_rpo_s'), 'at-most')}"
        return
    yield f"recovery time  {_length(figures['rto_s'])}{_promised(figures['promised_rto_s'])}"
    yield f"loss           {_loss(figures['rpo_s'], str(figures['rpo']))}{_promised(figures['promised_rpo_s'])}"
    if figures["resolvers_s"]:
        yield f"resolvers      may keep the old address for {_length(figures['resolvers_s'])}"


def _length(seconds: object) -> str:
    return say_length(seconds) if isinstance(seconds, int | float) else "not measured"


def _loss(seconds: object, how: str) -> str:
    if not isinstance(seconds, int | float):
        return "unknown"
    return "none" if how == "exact" else f"at most {say_length(seconds)} of writes"


def _promised(seconds: object) -> str:
    return f" (promised {say_length(seconds)})" if isinstance(seconds, int | float) else ""

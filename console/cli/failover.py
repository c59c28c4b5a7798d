"""`failover`: show what would be done, ask, do it, and say what it came to. A rehearsal only reads."""

from __future__ import annotations

from console.cli.session import Session
from console.cli.submitting import check_emergency, look_and_agree, show_plan, submit
from console.domain.errors import UsageError
from console.domain.failover import Failover
from console.domain.ids import EnvironmentName
from console.domain.plan import Wish


async def failover(session: Session) -> int:
    """A rehearsal is followed to its end, since it is there to be read; a failover with `--wait`."""
    options = session.options
    check_emergency(options)
    if options.rehearse and options.force:
        raise UsageError("A rehearsal has nothing to force.", "option --force", "Leave one of them away.")
    environment = EnvironmentName(options.environment)
    asked = Failover(back=options.back, rehearsal=options.rehearse, force=options.force)
    wish = Wish(environment, strategy=asked.strategy, reason=options.reason, emergency=options.emergency)
    service = await session.service()
    if options.dry_run:
        return await show_plan(session, service, wish)
    digest = "" if options.rehearse else await look_and_agree(session, service, wish)
    wait = options.wait or options.rehearse
    return await submit(session, service, wish, digest, wait=wait, request_id=options.request_id)

"""`switch-over`: show what would be brought over and deployed, ask, do it, and say what it came to."""

from __future__ import annotations

from pathlib import Path

from console.cli.session import Session
from console.cli.submitting import look_and_agree, show_plan, submit
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Wish
from console.domain.switch_over import SWITCH_OVER, SwitchWish


async def switch_over(session: Session) -> int:
    """Nothing is read from the source, but its size, and nothing changed, before somebody agreed."""
    options = session.options
    environment = EnvironmentName(options.environment)
    wish = Wish(
        environment,
        release=options.release,
        strategy=SWITCH_OVER,
        services=tuple(map(ServiceName, options.service)),
        reason=options.reason,
        switch=SwitchWish(
            _whole(options.source),
            options.database,
            options.schema,
            _whole(options.rules) if options.rules else "",
            options.keep_case,
            options.leave_open,
            options.quarantine_ok,
            _whole(options.files) if options.files else "",
            _bucket(options.files, options.bucket),
            options.public,
            options.prefix,
            options.leave_ok,
            tuple(options.rewrite),
            tuple(options.old_prefix),
        ),
    )
    service = await session.service()
    if options.dry_run:
        return await show_plan(session, service, wish)
    digest = await look_and_agree(session, service, wish)
    return await submit(session, service, wish, digest, wait=options.wait, request_id=options.request_id)


def _bucket(folder: Path | None, named: str) -> str:
    return named or (folder.expanduser().resolve().name if folder else "")


def _whole(path: Path) -> str:
    """As the worker finds it, whose directory is another one."""
    return str(path.expanduser().resolve())

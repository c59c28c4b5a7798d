"""A backup before a database is migrated, proven before anything changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from console.domain.plan import Phase, Step, StepKind
from console.planning.draft import Draft


def plan_backup(draft: Draft, name: str, *, last: bool = False) -> Iterator[Step]:
    """The step, where the environment wants one and somebody knows the database's address.

    Args:
        last: It comes before migrations that wait until no older release serves.
    """
    own, reference = draft.environment.backups, draft.placement(name).database_url
    if not own.before_migrations or not reference:
        return
    base = draft.settings.file.parent if draft.settings.file else Path()
    arguments = {
        "name": f"{draft.wish.environment}/{name}",
        "address": reference,
        "identity": own.identity,
        "directory": str(base / own.directory) if own.directory else "",
        "leave_out": list(own.leave_out),
        "jobs": own.jobs,
        "recipients": list(own.recipients),
    }
    yield draft.step_of(
        name,
        "back-up-again" if last else "back-up",
        f"Back up {name}, and prove that it can be restored",
        StepKind.BACK_UP,
        Phase.DECOMMISSION if last else Phase.MIGRATE,
        arguments=arguments,
        time_limit=draft.environment.limits.transfer,
    )

"""The step that takes a backup before something may harm the data."""

from __future__ import annotations

from console.engine.executors.chore import carry_out, chores_of, follow_address
from console.engine.work import Outcome, Work


async def back_up(work: Work) -> Outcome:
    """Take a backup and prove it; what is damaged fails the step, and nothing after it begins."""
    given = dict(work.step.arguments)
    secrets = {"address": await follow_address(work)}
    reference = str(given.pop("identity", ""))
    if reference and work.variables is not None:
        secrets["identity"] = await work.variables.follow(reference, f"step {work.step.id}, its identity")
    root = str(given.pop("directory", "")) or str(chores_of(work).backups())
    more = {"root": root, "note": f"before the migrations of {work.deployment.id}"}
    return await carry_out(work, "back-up", {**given, **more}, secrets)

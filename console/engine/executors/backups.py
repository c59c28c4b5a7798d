"""Steps that take a backup, prove one, or put one back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.engine.executors.chore import carry_out, chores_of, follow_address
from console.engine.work import Outcome, Work


async def back_up(work: Work) -> Outcome:
    """Take a backup and prove it; what is damaged fails the step, and nothing after it begins."""
    note = str(work.argument("note", "")) or f"before the migrations of {work.deployment.id}"
    return await _carry_out(work, "back-up", {"note": note})


async def prove_backup(work: Work) -> Outcome:
    return await _carry_out(work, "prove-backup", {})


async def restore_data(work: Work) -> Outcome:
    """Save what is there, and put a backup in its place."""
    return await _carry_out(work, "restore-data", {"step": str(work.step.id)})


async def bring_back_data(work: Work) -> Outcome:
    """Put back what a restore saved, if it took place."""
    outputs = work.argument("outputs", {})
    saved = str(outputs.get("saved", "")) if isinstance(outputs, Mapping) else ""
    return await _carry_out(work, "bring-back-data", {"step": str(work.step.id), "saved": saved})


async def _carry_out(work: Work, task: str, more: Mapping[str, Any]) -> Outcome:
    given = dict(work.step.arguments)
    secrets = {"address": await follow_address(work)}
    reference = str(given.pop("identity", ""))
    if reference and work.variables is not None:
        secrets["identity"] = await work.variables.follow(reference, f"step {work.step.id}, its identity")
    root = str(given.pop("directory", "")) or str(chores_of(work).backups())
    return await carry_out(work, task, {**given, "root": root, **more}, secrets)

"""Steps that bring data and files over, and take the data back."""

from __future__ import annotations

from collections.abc import Mapping

from console.domain.plan import StepKind
from console.engine.executors.chore import carry_out, chores_of, follow_address
from console.engine.work import Outcome, Work

MARKING = frozenset({StepKind.TRANSFER_DATA, StepKind.TRANSFER_FILES})
"""Kinds that write rows over there, and say up to where they are ours."""


async def transfer_data(work: Work) -> Outcome:
    """Bring the source over."""
    secrets = {"address": await follow_address(work)}
    return await carry_out(work, str(work.argument("task")), work.step.arguments, secrets)


async def transfer_files(work: Work) -> Outcome:
    """Bring a folder into a bucket."""
    provider = str(work.step.provider)
    given = {**work.step.arguments, "provider": provider}
    secrets = {"provider": chores_of(work).opening(provider)}
    if given.get("rewrite"):
        secrets["address"] = await follow_address(work)
    return await carry_out(work, "files", given, secrets)


async def take_back_data(work: Work) -> Outcome:
    """Save what others wrote since, then drop what was brought over."""
    outputs = work.argument("outputs", {})
    transfer = outputs.get("transfer", "") if isinstance(outputs, Mapping) else ""
    more = {"transfer": transfer, "mark": _newest_mark(work), "saved": str(chores_of(work).saved(work.deployment.id))}
    secrets = {"address": await follow_address(work)}
    return await carry_out(work, "take-back", {**work.step.arguments, **more}, secrets)


async def fence_source(work: Work) -> Outcome:
    return await carry_out(work, "fence-source", work.step.arguments)


async def open_source(work: Work) -> Outcome:
    return await carry_out(work, "open-source", work.step.arguments)


def _newest_mark(work: Work) -> str:
    """The mark of the last step that changed what was brought over; empty where none came to its end."""
    marked = [
        state
        for state in work.deployment.steps.values()
        if state.step.kind in MARKING and state.outputs.get("mark") and state.ended_at is not None
    ]
    marked.reverse()  # of two that ended at the same moment the later one in the plan counts
    newest = max(marked, key=lambda state: state.ended_at or work.clock.now(), default=None)
    return str(newest.outputs["mark"]) if newest is not None else ""

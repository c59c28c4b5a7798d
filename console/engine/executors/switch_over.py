"""Steps that bring data over and take it back: each is a chore in a process of its own.

A chore's key and its process go on record first. What a worker that died has left of one is ended, and the same order
is given again: a chore goes on from its own record, and doing it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from console.chores.lines import Beat, Order, Told
from console.chores.lines import Done as ChoreDone
from console.chores.lines import Failed as ChoreFailed
from console.domain import events as ev
from console.domain.errors import ConsoleError, UsageError
from console.domain.plan import StepKind
from console.engine.chores import Chores
from console.engine.variables import Variables
from console.engine.work import Done, Failed, Outcome, Work
from providers.contract import Unsupported
from providers.redaction import redact

SHORTEST_PAUSE = timedelta(seconds=2)
PART_OF_PASSED = 0.02
"""Between two words on how it goes lies this part of the time passed: an hour of it makes some two hundred events."""


MARKING = frozenset({StepKind.TRANSFER_DATA, StepKind.TRANSFER_FILES})
"""Kinds that write rows over there, and say up to where they are ours."""


class TooLong(ConsoleError):
    """The step's time is over."""


async def transfer_data(work: Work) -> Outcome:
    """Bring the source over."""
    secrets = {"address": await _address(work)}
    return await _carry_out(work, str(work.argument("task")), work.step.arguments, secrets)


async def transfer_files(work: Work) -> Outcome:
    """Bring a folder into a bucket."""
    provider = str(work.step.provider)
    given = {**work.step.arguments, "provider": provider}
    secrets = {"provider": _chores(work).opening(provider)}
    if given.get("rewrite"):
        secrets["address"] = await _address(work)
    return await _carry_out(work, "files", given, secrets)


async def prepare_bucket(work: Work) -> Outcome:
    """See to it that there is a bucket; one that is there stays as it is."""
    action = work.connection().desk.actions.get("create-bucket")
    if action is None or isinstance(action, Unsupported):
        why = action or Unsupported("This kind of provider has no buckets.")
        return Failed(why.reason, f"provider {work.step.provider}", why.remedy)
    request = action.request(
        project=work.argument("project"), bucket=work.argument("bucket"), public=work.argument("public", False)
    )
    ended = await work.perform(action.actuator, request, f"make the bucket {work.argument('bucket')}")
    return ended if isinstance(ended, Failed) else Done(ended.detail, ended.outputs)


async def take_back_data(work: Work) -> Outcome:
    """Save what others wrote since, then drop what was brought over."""
    outputs = work.argument("outputs", {})
    transfer = outputs.get("transfer", "") if isinstance(outputs, Mapping) else ""
    more = {"transfer": transfer, "mark": _newest_mark(work), "saved": str(_chores(work).saved(work.deployment.id))}
    secrets = {"address": await _address(work)}
    return await _carry_out(work, "take-back", {**work.step.arguments, **more}, secrets)


async def fence_source(work: Work) -> Outcome:
    return await _carry_out(work, "fence-source", work.step.arguments)


async def open_source(work: Work) -> Outcome:
    return await _carry_out(work, "open-source", work.step.arguments)


async def _carry_out(
    work: Work, task: str, arguments: Mapping[str, Any], secrets: Mapping[str, str] | None = None
) -> Outcome:
    chores = _chores(work)
    known = work.state.operation
    if known is not None and known.reference:
        chores.end_left(known.reference)
    key = known.key if known is not None else f"{work.deployment.id}/{work.step.id}/{work.deployment.seq}"
    if known is None:
        await work.record(ev.OperationIntended(work.step.id, key, task))

    async def started(name: str) -> None:
        await work.record(ev.OperationStarted(work.step.id, key, name))

    given = {name: value for name, value in arguments.items() if name not in ("outputs", "also_undoes", "task")}
    order = Order(task, str(chores.folder(work.deployment.id)), given, secrets or {})
    teller = _Teller(work)
    ended = await chores.run(order, started, teller.told)
    hidden = list(order.secrets.values())
    match ended:
        case ChoreDone(detail, outputs):
            return Done(redact(detail, hidden), outputs)
        case ChoreFailed(what, where, remedy, again):
            place = where or f"step {work.step.id}"
            return Failed(redact(what, hidden), redact(place, hidden), remedy, again)
        case _:
            return Failed(f"{task} was stopped from outside.", f"step {work.step.id}", "It goes on where it was.", True)


async def back_up(work: Work) -> Outcome:
    """Take a backup and prove it; what is damaged fails the step, and nothing after it begins."""
    given = dict(work.step.arguments)
    secrets = {"address": await _address(work)}
    reference = str(given.pop("identity", ""))
    if reference and work.variables is not None:
        secrets["identity"] = await work.variables.follow(reference, f"step {work.step.id}, its identity")
    root = str(given.pop("directory", "")) or str(_chores(work).backups())
    more = {"root": root, "note": f"before the migrations of {work.deployment.id}"}
    return await _carry_out(work, "back-up", {**given, **more}, secrets)


class _Teller:
    """Records how a chore goes: a new phase at once, then ever more rarely."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._phase = ""
        self._next: datetime | None = None

    async def told(self, line: Told | Beat) -> None:
        work, now = self._work, self._work.clock.now()
        if now >= work.deadline:
            limit = work.step.time_limit
            raise TooLong(f"It did not end within {limit}.", f"step {work.step.id}", "Raise limits.transfer.")
        if isinstance(line, Beat) or (line.phase == self._phase and self._next is not None and now < self._next):
            return
        passed = now - (work.state.started_at or now)
        self._phase, self._next = line.phase, now + max(SHORTEST_PAUSE, passed * PART_OF_PASSED)
        await work.progress(say(line))


def say(told: Told) -> str:
    """One line on how it goes: `load orders: 120,000 of 1,000,000 (41,000/s, 21 s left)`."""
    words = f"{told.phase} {told.about}".strip()
    if not told.total and not told.done:
        return words
    counted = f"{told.done:,} of {told.total:,}" if told.total else f"{told.done:,}"
    speed = [f"{told.rate:,.0f}/s"] if told.rate else []
    left = [f"{_span(told.left_s)} left"] if told.left_s is not None else []
    return f"{words}: {counted}" + (f" ({', '.join([*speed, *left])})" if speed else "")


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


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


async def _address(work: Work) -> str:
    variables: Variables | None = work.variables
    if variables is None:
        raise UsageError("This worker follows no references.", f"step {work.step.id}")
    return await variables.follow(str(work.argument("address")), f"step {work.step.id}, its database")


def _chores(work: Work) -> Chores:
    if work.chores is None:
        raise UsageError("This worker has no chores done.", f"step {work.step.id}")
    return work.chores

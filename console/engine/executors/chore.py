"""A step that is a chore: long work in a process of its own, which tells how it goes.

A chore's key and its process go on record first. What a worker that died has left of one is ended, and the same order
is given again: a chore goes on from its own record, and doing it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from console.chores.lines import Beat, Order, Told
from console.chores.lines import Done as ChoreDone
from console.chores.lines import Failed as ChoreFailed
from console.domain import events as ev
from console.domain.errors import ConsoleError, UsageError
from console.domain.plan import Phase
from console.domain.waiting import WAITING_FOR
from console.engine.chores import Chores, Ended
from console.engine.variables import Variables
from console.engine.work import Done, Failed, Outcome, Work
from providers.redaction import redact

LONGEST_AWAY = timedelta(minutes=10)
"""How long a database or a platform may give no answer before the deployment goes back."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
SHORTEST_PAUSE = timedelta(seconds=2)
PART_OF_PASSED = 0.02
"""Between two words on how it goes lies this part of the time passed: an hour of it makes some two hundred events."""


class TooLong(ConsoleError):
    """The step's time is over."""


async def carry_out(
    work: Work, task: str, arguments: Mapping[str, Any], secrets: Mapping[str, str] | None = None
) -> Outcome:
    """Have a task of `console.chores` done, or go on with what a worker that died has left of it.

    Args:
        secrets: What the chore is told and nobody else; taken out of whatever it says.
    """
    chores = chores_of(work)
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
    hidden = list(order.secrets.values())
    ended = await _run_through(work, order, started, hidden)
    match ended:
        case ChoreDone(detail, outputs):
            return Done(redact(detail, hidden), outputs)
        case ChoreFailed(what, where, remedy, again, passes):
            place = where or f"step {work.step.id}"
            return Failed(redact(what, hidden), redact(place, hidden), remedy, again and not passes)
        case _:
            return Failed(f"{task} was stopped from outside.", f"step {work.step.id}", "It goes on where it was.", True)


async def _run_through(
    work: Work, order: Order, started: Callable[[str], Awaitable[None]], hidden: Sequence[str]
) -> Ended:
    """Give the order again while somebody's answer is lacking: an undo as long as it may take, others for a while."""
    pause, since = FIRST_PAUSE, None
    while True:
        teller = Teller(work)
        ended = await chores_of(work).run(order, started, teller.told)
        if not (isinstance(ended, ChoreFailed) and ended.passes):
            return ended
        now = work.clock.now()
        if teller.moved or since is None:
            since, pause = now, FIRST_PAUSE
        until = work.deadline if work.step.phase is Phase.ROLLBACK else min(work.deadline, since + LONGEST_AWAY)
        if now + pause > until:
            return ended
        await work.progress(f"{WAITING_FOR}an answer: {redact(ended.what, hidden)}")
        await work.sleep(pause.total_seconds())
        pause = min(2 * pause, LONGEST_PAUSE)


async def follow_address(work: Work) -> str:
    """The address of the database that the step names by reference. Raises UsageError where it leads nowhere."""
    variables: Variables | None = work.variables
    if variables is None:
        raise UsageError("This worker follows no references.", f"step {work.step.id}")
    return await variables.follow(str(work.argument("address")), f"step {work.step.id}, its database")


def chores_of(work: Work) -> Chores:
    if work.chores is None:
        raise UsageError("This worker has no chores done.", f"step {work.step.id}")
    return work.chores


class Teller:
    """Records how a chore goes: a new phase at once, then ever more rarely."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._phase = ""
        self._next: datetime | None = None
        self.moved = False
        """Whether anything was done since it began to listen."""

    async def told(self, line: Told | Beat) -> None:
        work, now = self._work, self._work.clock.now()
        if now >= work.deadline:
            limit = work.step.time_limit
            raise TooLong(f"It did not end within {limit}.", f"step {work.step.id}", "Raise limits.transfer.")
        self.moved = self.moved or (isinstance(line, Told) and line.done > 0)
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

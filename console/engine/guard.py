"""Who watches a release while nothing else does: between two stages, and until the old arm is stopped.

A stage is judged by its own step. A deployment that is paused, or waits for a person or for other services, has none,
and its release serves visitors all the same; so do the instances that were updated while the next batch changes. It is
judged on from what the last stage left, or asked on where nobody counts; only what takes a release back counts here,
since nobody is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from console.analysis.judge import judge
from console.domain import events as ev
from console.domain.codec import to_json
from console.domain.deployment import Deployment, StepState, StepStatus, is_rollback_step
from console.domain.errors import ConsoleError
from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind
from console.domain.verdict import Verdict
from console.engine.board import Board
from console.engine.executors.judgement import collector_of
from console.engine.executors.measures import feeding
from console.engine.executors.uncounted import answers_of
from console.engine.executors.unrouted import Asker, asker_of
from console.engine.work import Failed, Work
from console.watch.judgement import judge_settings

HOLDS = frozenset({StepKind.BAKE, StepKind.VERIFY})
MOVES = frozenset({StepKind.SHIFT, StepKind.SUSPEND, *HOLDS})
SETTLED = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED})


async def stand_guard(board: Board, work_of: Callable[[Step], Work]) -> None:
    """Guard every service that no step watches, for as long as the deployment runs. Ends when it is cancelled."""
    guards: dict[StepId, asyncio.Task[None]] = {}
    try:
        while True:
            wanted = {state.step.id: state.step for state in find_unwatched(board.deployment)}
            for step_id in guards.keys() - wanted.keys():
                await _end(guards.pop(step_id))
            for step_id in wanted.keys() - guards.keys():
                guard = _guard(board, work_of(wanted[step_id]))
                guards[step_id] = asyncio.create_task(guard, name=f"guard {step_id}")
            await board.change()
    finally:
        for task in guards.values():
            task.cancel()
        await asyncio.gather(*guards.values(), return_exceptions=True)


def find_unwatched(deployment: Deployment) -> tuple[StepState, ...]:
    """The last stage of every service that serves the new release while no step of its own is under way."""
    if deployment.is_terminal or deployment.rollback is not None:
        return ()
    return tuple(_unwatched(deployment))


def _unwatched(deployment: Deployment) -> Iterator[StepState]:
    begun: dict[str, list[StepState]] = {}
    for state in deployment.steps.values():
        if state.step.kind in MOVES and state.step.service and state.started_at and not is_rollback_step(state):
            begun.setdefault(state.step.service, []).append(state)
    for states in begun.values():
        last = states[-1]
        is_over = all(state.status in SETTLED for state in states)
        is_retired = any(state.step.phase is Phase.DECOMMISSION for state in states)
        if is_over and not is_retired and _can_be_watched(last.step):
            yield last


def _can_be_watched(step: Step) -> bool:
    """What a stage stood for, or the shift that leads a batch away from the instances before it.

    A service in one place, without a router, has nothing left of what was there before: it was watched to its end.
    """
    if step.kind not in HOLDS:
        return "judge" in step.arguments
    return "route" in step.arguments or "updated" in step.arguments


async def _guard(board: Board, work: Work) -> None:
    rules: Mapping[str, Any] = work.argument("judge", {})
    if rules.get("dry_run"):
        return
    if work.argument("uncounted", False):
        asker: Asker | Failed | None = answers_of(work)
    elif "route" not in work.step.arguments:
        asker = asker_of(work)
    else:
        await _guard_by_counts(board, work, rules)
        return
    if asker is not None and not isinstance(asker, Failed):
        await _guard_by_asking(board, work, asker)


async def _guard_by_asking(board: Board, work: Work, asker: Asker) -> None:
    while True:
        await work.sleep(asker.period)
        try:
            verdict = await asker.ask()
        except ConsoleError:
            continue  # silence of a platform is no evidence against the release
        if verdict.is_fail:
            await work.record(ev.StageJudged(work.step.id, verdict, work.step.service))
            _raise_alarm(board, work, verdict)
            return


async def _guard_by_counts(board: Board, work: Work, rules: Mapping[str, Any]) -> None:
    collector = collector_of(work)
    if isinstance(collector, Failed):
        return
    settings = judge_settings(rules)
    interval = float(rules.get("interval_s", 1.0))
    async with feeding(work, collector, settings) as feeds:
        # The next step mostly begins at once, and then has the counts to itself.
        await work.sleep(interval)
        await collector.enter(int(work.argument("weight")))
        while True:
            feeds.look()
            verdict = judge(await collector.sample(), settings)
            if verdict.is_fail:
                counts = to_json(collector.evidence)
                await work.record(ev.StageJudged(work.step.id, verdict, work.step.service, counts))
                _raise_alarm(board, work, verdict)
                return
            await work.sleep(interval)


def _raise_alarm(board: Board, work: Work, verdict: Verdict) -> None:
    board.alarm = f"{work.step.service} is taken back while nobody watched it: {verdict.explanation}"
    board.wake.set()


async def _end(task: asyncio.Task[None]) -> None:
    """Wait until it has let go of the counts, which the next step goes on with."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

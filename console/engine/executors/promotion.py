"""Who promoted a stage, and stages that wait for somebody to do so though they passed (`promotion = "manual"`).

While one waits it is judged as before: a failed verdict takes the release back at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from console.domain import events as ev
from console.domain.deployment import StepStatus
from console.domain.events import Control
from console.domain.plan import StepKind
from console.domain.verdict import Verdict
from console.engine.work import Done, Failed, Outcome, Work

PROMOTES = frozenset({Control.PROMOTE, Control.PROMOTE_FULL})
WAITS = "waits for promote: "


def promoted_by(work: Work) -> str:
    """Who wanted this stage to end; empty for nobody."""
    for record in work.deployment.controls:
        if record.control in PROMOTES and record.step in {None, work.step.id} and _was_held_at(work, record.at):
            return record.actor
    return ""


def _was_held_at(work: Work, at: datetime) -> bool:
    """Whether this was the stage at that moment, and not one before it that it ended."""
    began = work.state.started_at
    if began is None or at < began:
        return False
    return not any(
        state.started_at is not None and state.ended_at is not None and state.started_at <= at <= state.ended_at
        for state in work.deployment.steps.values()
        if state.step.service == work.step.service and state.step.kind is StepKind.BAKE
    )


def is_waiting(work: Work) -> bool:
    """Whether it passed once, and only a person or the time ends it."""
    state = work.state
    manual = bool(work.argument("manual", False))
    return manual and state.status is StepStatus.WAITING and state.waiting_until is not None


async def hold_back(work: Work, outcome: Outcome | None, verdict: Verdict, undecided: str) -> Outcome | None:
    """Let a stage that would go on by itself wait for a person, where the plan says so.

    Args:
        outcome: How the stage would end now; None while it goes on.
        undecided: What follows when nobody comes in time: `promote` goes on, anything else takes the release back.
    """
    if not work.argument("manual", False) or (verdict.is_fail and isinstance(outcome, Failed)):
        return outcome
    until = work.state.waiting_until
    if until is None or not is_waiting(work):
        if isinstance(outcome, Done):
            limit = timedelta(seconds=float(work.argument("promotion_s", 0.0)))
            await work.record(ev.StageJudged(work.step.id, verdict, work.step.service))
            await work.record(ev.StepWaiting(work.step.id, WAITS + outcome.detail, work.clock.now() + limit))
            return None
        return outcome
    promoter = promoted_by(work)
    if promoter:
        return Done(f"promoted by {promoter}: {verdict.explanation}")
    if work.clock.now() < until:
        return None
    if undecided == "promote":
        return Done(f"nobody promoted it in time, goes on by judge.undecided: {verdict.explanation}")
    return Failed(
        f"Nobody promoted it by {until:%Y-%m-%d %H:%M:%S} UTC. {verdict.explanation}",
        f"step {work.step.id}",
        "The release is taken back. limits.approval says how long a stage waits.",
    )

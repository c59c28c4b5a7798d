"""Steps that ask whether to begin: the commit's checks, and people."""

from __future__ import annotations

from datetime import timedelta

from console.domain import events as ev
from console.domain.verdict import VerdictKind
from console.engine.work import Done, Failed, Outcome, Work
from providers.contract import Unsupported

CHECK_PAUSE = 10.0
"""Seconds between two looks at checks that are still running."""

APPROVAL_PAUSE = 3600.0


async def check_commit(work: Work) -> Outcome:
    """Wait for running checks until the time limit; failed, missing and undecided ones close the gate."""
    source = work.capabilities().checks
    if isinstance(source, Unsupported):
        return Failed(source.reason, f"step {work.step.id}", source.remedy)
    commit = str(work.argument("commit"))
    required = bool(work.argument("required", True))
    while True:
        verdict = await work.steadily(lambda: source.fetch_verdict(commit))
        if verdict.kind is not VerdictKind.INCONCLUSIVE or work.clock.now() >= work.deadline:
            break
        await work.progress(verdict.explanation)
        await work.sleep(CHECK_PAUSE)
    await work.record(ev.StageJudged(work.step.id, verdict))
    if verdict.is_pass or not required:
        return Done(verdict.explanation)
    return Failed(
        f"The commit's checks do not let it pass ({verdict.kind.value}): {verdict.explanation}",
        f"commit {commit[:8]}",
        "Look at the checks, then deploy again; gates.checks says which answer is needed.",
    )


async def approval(work: Work) -> Outcome:
    """Wait until enough people other than the one who asked have approved, each counted once."""
    needed = int(work.argument("approvals", 1))
    until = (work.state.started_at or work.clock.now()) + timedelta(
        seconds=float(work.argument("wait_s", work.step.time_limit.total_seconds()))
    )
    while True:
        approvers = {
            record.actor
            for record in work.deployment.controls
            if record.control is ev.Control.APPROVE and record.actor != work.deployment.requested_by
        }
        if len(approvers) >= needed:
            return Done(f"approved by {', '.join(sorted(approvers))}")
        if work.clock.now() >= until:
            return Failed(f"{needed - len(approvers)} approvals were missing when the time was over.", "", "Ask again.")
        missing = needed - len(approvers)
        reason = f"waits for {missing} approval{'s' if missing > 1 else ''}"
        if work.state.detail != reason:
            await work.record(ev.StepWaiting(work.step.id, reason, until))
        await work.controlled(min(APPROVAL_PAUSE, max((until - work.clock.now()).total_seconds(), 0.0)))

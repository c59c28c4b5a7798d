"""Steps that hold a stage and judge it: the counts of both arms, again and again, until they say enough.

A failed verdict ends the step at once. When the bake time is over, only a pass lets the rollout go on; doubt holds it
for more evidence, then does what the configuration says: wait for a person, take it back, or go on. Damage that is to
pause the rollout holds it for a person at once. In a dry run everything is judged and recorded, and nothing follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from console.analysis.evidence import Evidence
from console.analysis.final import summarise
from console.analysis.following import Next, what_follows
from console.analysis.judge import NOT_MEASURED, judge
from console.analysis.settings import Action, JudgeSettings
from console.domain import events as ev
from console.domain.codec import from_json, to_json
from console.domain.deployment import StepStatus
from console.domain.plan import StepKind
from console.domain.verdict import Verdict
from console.engine.executors.measures import feeding
from console.engine.executors.promotion import WAITS, hold_back, is_waiting, promoted_by
from console.engine.executors.sides import sides_of
from console.engine.executors.uncounted import hold_uncounted
from console.engine.executors.unrouted import hold_unrouted
from console.engine.executors.weights import WeightWatch
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from console.watch.collector import RolloutCollector
from console.watch.feeds.feeding import Feeding
from console.watch.judgement import judge_settings
from providers.contract import Unsupported

TELL_EVERY = timedelta(seconds=2)
"""How often a stage says where it stands: often enough to watch, seldom enough to read years later."""

TELL_WAITING = timedelta(minutes=1)
"""How often while it waits for a person, which may take a day."""

PAUSED, UNDECIDED = "paused: ", "undecided: "


async def hold(work: Work) -> Outcome:
    """Bake and verify: judge by the router's counts where there is one, else by asking the public address."""
    if work.argument("uncounted", False):
        return await hold_uncounted(work)
    return await _hold_counted(work) if "route" in work.step.arguments else await hold_unrouted(work)


async def _hold_counted(work: Work) -> Outcome:
    collector = collector_of(work)
    if isinstance(collector, Failed):
        return collector
    rules: Mapping[str, Any] = work.argument("judge", {})
    settings = judge_settings(rules)
    async with feeding(work, collector, settings) as feeds:
        return await _hold_fed(work, collector, settings, rules, feeds)


async def _hold_fed(
    work: Work, collector: RolloutCollector, settings: JudgeSettings, rules: Mapping[str, Any], feeds: Feeding
) -> Outcome:
    interval, undecided = float(rules.get("interval_s", 1.0)), str(rules.get("undecided", "wait"))
    began = work.state.started_at or work.clock.now()
    until = began + timedelta(seconds=float(work.argument("duration_s")))
    patience = until + timedelta(seconds=float(rules.get("hold_s", 600.0)))
    await collector.enter(int(work.argument("weight")))
    watch = WeightWatch(work)
    told: Verdict | None = None
    told_at = began
    is_dry, is_paused = bool(rules.get("dry_run")), work.state.detail.startswith(PAUSED)
    while True:
        if await watch.look() and watch.share:
            await collector.enter(watch.share)
        feeds.look()
        verdict = judge(await collector.sample(), settings)
        is_paused = is_paused or (_pauses(verdict) and not is_dry)
        now = work.clock.now() - watch.lost
        often = TELL_WAITING if is_waiting(work) else TELL_EVERY
        is_news = told is None or told.kind is not verdict.kind or now - told_at >= often
        if is_news and not watch.strange:
            head = PAUSED if is_paused else WAITS if is_waiting(work) else ""
            await work.progress(head + _words(collector, feeds, verdict, until, now))
            told, told_at = verdict, now
        if is_dry:
            outcome = _decide_dry(work, verdict, now, until)
        elif is_paused or watch.strange:
            outcome = _decide_paused(work, verdict)
        else:
            outcome = _decide(work, verdict, now, until, patience, undecided)
        outcome = await hold_back(work, outcome, verdict, undecided)
        if outcome is not None:
            await _judged_by(work, verdict, collector.evidence, settings)
            return _with_evidence(outcome, collector.evidence)
        if (is_paused or now >= patience) and work.state.status is not StepStatus.WAITING:
            await _judged_by(work, verdict, collector.evidence, settings)
            await work.record(ev.StepWaiting(work.step.id, (PAUSED if is_paused else UNDECIDED) + verdict.explanation))
        await work.controlled(interval)


async def _judged_by(work: Work, verdict: Verdict, evidence: Evidence, settings: JudgeSettings) -> None:
    """Put the verdict on record with what is computed only once, at the end of a stage."""
    said = replace(verdict, evidence={**verdict.evidence, **summarise(evidence, settings)})
    await work.record(ev.StageJudged(work.step.id, said, work.step.service, to_json(evidence)))


def _decide(
    work: Work, verdict: Verdict, now: datetime, until: datetime, patience: datetime, undecided: str
) -> Outcome | None:
    """How the stage ends on this verdict now; None while it goes on."""
    following = what_follows(verdict, is_over=now >= until, is_late=now >= patience, undecided=undecided)
    promoter = promoted_by(work)
    if promoter and following is not Next.TAKE_BACK:
        return Skipped(f"promoted by {promoter} before its time: {verdict.explanation}")
    match following:
        case Next.TAKE_BACK:
            return Failed(verdict.explanation, f"step {work.step.id}", "The release is taken back.")
        case Next.GO_ON:
            return Done(verdict.explanation)
        case Next.GIVE_UP:
            words = f"Still undecided: {verdict.explanation}"
            return Failed(words, f"step {work.step.id}", "judge.undecided is rollback.")
        case Next.LET_GO:
            return Done(f"undecided, promoted by judge.undecided: {verdict.explanation}")
        case Next.HOLD:
            return None


def _decide_dry(work: Work, verdict: Verdict, now: datetime, until: datetime) -> Outcome | None:
    """Go on when the time is over, and say what would have happened."""
    promoter = promoted_by(work)
    if promoter:
        return Skipped(f"promoted by {promoter} before its time: {verdict.explanation}")
    if now < until:
        return None
    would = "roll back" if verdict.is_fail else "go on" if verdict.is_pass else "hold"
    return Done(f"dry run, would {would}: {verdict.explanation}")


def _decide_paused(work: Work, verdict: Verdict) -> Outcome | None:
    """Only a person lets it go on; what is grave still takes it back."""
    if verdict.is_fail:
        return Failed(verdict.explanation, f"step {work.step.id}", "The release is taken back.")
    promoter = promoted_by(work)
    return None if not promoter else Skipped(f"promoted by {promoter} though paused: {verdict.explanation}")


def _pauses(verdict: Verdict) -> bool:
    return verdict.evidence.get("action") == Action.PAUSE.value


def _words(collector: RolloutCollector, feeds: Feeding, verdict: Verdict, until: datetime, now: datetime) -> str:
    if collector.trouble is not None:
        return f"the router's counters cannot be read: {collector.trouble.what}"
    left = (until - now).total_seconds()
    words = f"{verdict.explanation} {left:.0f} s to go." if left > 0 else verdict.explanation
    if verdict.evidence.get("trigger") == NOT_MEASURED:
        words += "".join(f" {name}: {trouble}" for name, trouble in feeds.troubles.items())
    return words


def _with_evidence(outcome: Outcome, evidence: Evidence) -> Outcome:
    """Keep the raw counts on record, so that the next stage goes on from them after a restart."""
    if isinstance(outcome, Done):
        return Done(outcome.detail, {"evidence": to_json(evidence)})
    return outcome


def collector_of(work: Work) -> RolloutCollector | Failed:
    """What counts for the step's service; after a restart it goes on from what the record has."""
    service = str(work.argument("service"))
    sides = sides_of(work)
    known = work.rollouts.get(service)
    if known is not None:
        known.compare(sides.candidate, sides.stable)
        return known
    counters = work.capabilities(str(work.argument("router"))).counters
    if isinstance(counters, Unsupported):
        return Failed(counters.reason, f"step {work.step.id}", counters.remedy)
    collector = RolloutCollector(
        counters,
        str(work.argument("route")),
        candidate=sides.candidate,
        stable=sides.stable,
        metrics=work.argument("metrics", {}),
        evidence=_recorded_evidence(work),
    )
    work.rollouts[service] = collector
    return collector


def _recorded_evidence(work: Work) -> Evidence | None:
    """What the stages before this one had counted, as the record has it."""
    recorded = [
        state.outputs["evidence"]
        for state in work.deployment.steps.values()
        if state.step.service == work.step.service and state.step.kind in {StepKind.BAKE, StepKind.VERIFY}
        if "evidence" in state.outputs
    ]
    return from_json(Evidence, recorded[-1]) if recorded else None

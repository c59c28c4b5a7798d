"""Measurements of a service while it is deployed: the check before traffic moves, and the feeds of a stage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from console.analysis.settings import JudgeSettings
from console.domain import events as ev
from console.domain.errors import UsageError
from console.domain.verdict import Verdict, VerdictKind
from console.engine.executors.trial import PROBES
from console.engine.work import Done, Failed, Outcome, Work
from console.watch.collector import RolloutCollector
from console.watch.feeds.chosen import Doors, arms_of, build_feeds, named_feeds
from console.watch.feeds.evaluating import Found, evaluate_all
from console.watch.feeds.feeding import Feeding
from providers.contract import Capabilities, Unsupported

TRY_FOR = timedelta(minutes=1)
TRY_EVERY = 5.0
"""A series may lack for a moment, as after a restart of what measures: it is asked again before the step fails."""


async def measure(work: Work) -> Outcome:
    """Evaluate every metric once on the arm that serves; one that never evaluates would be silent in every stage."""
    arms = arms_of(work.step.arguments)
    if arms is None:
        return Done("nothing runs beside it")
    feeds = named_feeds(work.step.arguments, _doors(work), work.clock)
    until = work.clock.now() + TRY_FOR
    while True:
        found = await evaluate_all(feeds, arms.stable)
        missing = [one for one in found if one.problem]
        if not missing or work.clock.now() >= until or not any(one.may_pass for one in missing):
            break
        await work.progress(f"not measured yet: {', '.join(one.name for one in missing)}")
        await work.sleep(TRY_EVERY)
    evidence = {one.name: one.value if not one.problem else one.problem for one in found}
    values = ", ".join(f"{one.name} {one.value:g}" for one in found if one.value is not None)
    if not missing:
        words = f"Measured of {arms.stable.arm}: {values}."
        await work.record(ev.StageJudged(work.step.id, Verdict(VerdictKind.PASS, words, evidence), work.step.service))
        return Done(words)
    words = " ".join(_say(one) for one in missing)
    await work.record(ev.StageJudged(work.step.id, Verdict(VerdictKind.NOT_RUN, words, evidence), work.step.service))
    environment = work.deployment.environment
    remedy = " ".join(dict.fromkeys(filter(None, (one.remedy for one in missing))))
    return Failed(
        words,
        f"step {work.step.id} · [environments.{environment}.metrics]",
        f"{remedy} `quarterdeck metrics {environment} --check` measures again.".strip(),
    )


def _say(found: Found) -> str:
    return f"The metric {found.name} never evaluated: {found.problem}"


@asynccontextmanager
async def feeding(work: Work, collector: RolloutCollector, settings: JudgeSettings) -> AsyncIterator[Feeding]:
    """Have everything measured that the plan names, for as long as a stage is held."""
    service = str(work.argument("service"))
    measured = f"{service} {arms_of(work.step.arguments)}"  # instances take turns, arms stay the same
    feeds = work.feeds.get(measured)
    if feeds is None:
        requested = work.deployment.requested_at
        feeds = work.feeds[measured] = build_feeds(work.step.arguments, _doors(work), work.clock, requested)
    rules = {rule.name: rule for rule in settings.metrics}
    since = work.state.started_at or work.clock.now()
    running = Feeding(feeds, collector, work.clock, since, rules)
    try:
        yield running
    finally:
        await running.close()


def _doors(work: Work) -> Doors:
    """A provider that is configured no longer measures nothing; that shows as a metric that nobody measured."""

    def capabilities_of(name: str) -> Capabilities:
        try:
            return work.capabilities(name)
        except UsageError as problem:
            return _without(problem)

    return Doors(capabilities_of, capabilities_of(PROBES).probes)


def _without(problem: UsageError) -> Capabilities:
    reason = Unsupported(problem.what, problem.remedy)
    return Capabilities(queries=reason, reports=reason, counters=reason, metrics=reason)

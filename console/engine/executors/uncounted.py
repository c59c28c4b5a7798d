"""Steps that hold a stage on a route whose router counts nothing: the new release is asked itself, again and again.

That shows whether it answers, not what visitors get; the plan says so beforehand. Where there is nothing to ask either,
only a person, or what the configuration says of undecided stages, ends the stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from console.domain import events as ev
from console.domain.deployment import StepStatus
from console.domain.verdict import Verdict, VerdictKind
from console.engine.executors.promotion import hold_back, promoted_by
from console.engine.executors.trial import PROBES
from console.engine.executors.weights import WeightWatch
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from console.watch.probes import build_request, probe_all, say
from providers.contract import ProbeRequest, ProbeSource, Unsupported

ASK_EVERY = 1.0
BAD_IN_A_ROW = 3
LOOK_EVERY = 5.0
"""Seconds between two looks at the weights: a router that counts nothing is one that counts questions."""


class _Answers:
    """What the new release answered in this stage."""

    period = ASK_EVERY

    def __init__(self, source: ProbeSource, requests: Sequence[ProbeRequest]) -> None:
        self._source = source
        self._requests = requests
        self._asked = self._failed = self.in_a_row = 0
        self._last = ""

    async def ask(self) -> Verdict:
        request, result = await probe_all(self._source, self._requests)
        self._asked += 1
        self._failed += not result.ok
        self.in_a_row = 0 if result.ok else self.in_a_row + 1
        self._last = say(result)
        evidence = {"asked": self._asked, "failed": self._failed, "last": self._last}
        if self.in_a_row >= BAD_IN_A_ROW:
            words = f"{request.url} does not answer as it should: {self._last}."
            return Verdict(VerdictKind.FAIL, words, evidence)
        named = ", ".join(one.url for one in self._requests)
        words = f"{self._asked - self._failed} of {self._asked} answers of {named} were as they should be."
        return Verdict(VerdictKind.INCONCLUSIVE if self.in_a_row else VerdictKind.PASS, words, evidence)


async def hold_uncounted(work: Work) -> Outcome:
    """Hold for the step's time, and judge by the candidate's own answers."""
    answers = answers_of(work)
    if isinstance(answers, Failed):
        return answers
    rules: Mapping[str, Any] = work.argument("judge", {})
    undecided, is_dry = str(rules.get("undecided", "wait")), bool(rules.get("dry_run"))
    began = work.state.started_at or work.clock.now()
    until = began + timedelta(seconds=float(work.argument("duration_s")))
    watch = WeightWatch(work, LOOK_EVERY)
    while True:
        await watch.look()
        verdict = await answers.ask() if answers else NOTHING_TO_ASK
        now = work.clock.now() - watch.lost
        outcome = _decide(work, verdict, now >= until and not watch.strange, undecided, is_dry)
        outcome = await hold_back(work, outcome, verdict, undecided)
        if outcome is not None:
            await work.record(ev.StageJudged(work.step.id, verdict, work.step.service))
            return outcome
        if now >= until and answers is None and work.state.status is not StepStatus.WAITING:
            await work.record(ev.StageJudged(work.step.id, verdict, work.step.service))
            await work.record(ev.StepWaiting(work.step.id, verdict.explanation))
        await work.controlled(ASK_EVERY)


NOTHING_TO_ASK = Verdict(
    VerdictKind.NOT_RUN, "The router counts nothing and no health check is configured: promote it, or roll back."
)


def answers_of(work: Work) -> _Answers | Failed | None:
    """Who asks the new release; None where there is nothing to ask."""
    health: Mapping[str, Any] = work.argument("health", {})
    urls: Sequence[str] = [url for url in work.argument("urls", []) or [work.argument("url", "")] if url]
    if not health or not urls:
        return None
    source = work.capabilities(PROBES).probes
    if isinstance(source, Unsupported):
        return Failed(source.reason, f"step {work.step.id}", source.remedy)
    return _Answers(source, [build_request(url, health) for url in urls])


def _decide(work: Work, verdict: Verdict, is_over: bool, undecided: str, is_dry: bool) -> Outcome | None:
    if verdict.is_fail and not is_dry:
        return Failed(verdict.explanation, f"step {work.step.id}", "The release is taken back.")
    promoter = promoted_by(work)
    if promoter:
        return Skipped(f"promoted by {promoter} before its time: {verdict.explanation}")
    if not is_over:
        return None
    if is_dry:
        would = "roll back" if verdict.is_fail else "go on" if verdict.is_pass else "hold"
        return Done(f"dry run, would {would}: {verdict.explanation}")
    if verdict.is_pass:
        return Done(verdict.explanation)
    if verdict.kind is VerdictKind.NOT_RUN and undecided == "rollback":
        return Failed(verdict.explanation, f"step {work.step.id}", "judge.undecided is rollback.")
    if verdict.kind is VerdictKind.NOT_RUN and undecided == "promote":
        return Done(f"undecided, promoted by judge.undecided: {verdict.explanation}")
    return None

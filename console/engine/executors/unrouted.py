"""Steps that hold what no router divides: by asking its address, or where it has none by its platform's own word.

The latter shows whether a release still runs, not how it works; the plan says so beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol

from console.domain import events as ev
from console.domain.plan import StepKind
from console.domain.verdict import Verdict, VerdictKind
from console.engine.executors.promotion import promoted_by
from console.engine.executors.trial import PROBES
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from console.watch.probes import build_request, probe_all, say
from providers.contract import Inventory, ProbeRequest, ProbeSource, Target, Unsupported

PROBE_EVERY = 1.0
LOOK_EVERY = 5.0
"""Seconds between two looks at a platform, which counts questions."""

BAD_IN_A_ROW = 3
"""Bad answers in a row after which a service counts as down."""


class Asker(Protocol):
    """Says how what is on trial is, as far as asking it tells. It fails by several bad answers in a row."""

    @property
    def period(self) -> float:
        """Seconds between two questions."""
        ...

    async def ask(self) -> Verdict: ...


class PublicAnswers:
    """What the addresses answer that everybody uses."""

    period = PROBE_EVERY

    def __init__(self, source: ProbeSource, requests: Sequence[ProbeRequest]) -> None:
        self._source = source
        self._requests = requests
        self._asked = self._failed = self._in_a_row = 0

    async def ask(self) -> Verdict:
        request, result = await probe_all(self._source, self._requests)
        self._asked += 1
        self._failed += not result.ok
        self._in_a_row = 0 if result.ok else self._in_a_row + 1
        evidence = {"asked": self._asked, "failed": self._failed, "last": say(result)}
        if self._in_a_row >= BAD_IN_A_ROW:
            words = f"{request.url} does not answer as it should: {say(result)}."
            return Verdict(VerdictKind.FAIL, words, evidence)
        words = f"{self._asked - self._failed} of {self._asked} public requests were answered as they should."
        return Verdict(VerdictKind.INCONCLUSIVE if self._in_a_row else VerdictKind.PASS, words, evidence)


class PlatformWord:
    """What the platform says of the targets, which is whether the release still runs there, not how it works."""

    period = LOOK_EVERY

    def __init__(self, work: Work, inventory: Inventory) -> None:
        self._work = work
        self._inventory = inventory
        self._targets: Mapping[str, str] = work.argument("targets")
        self._looks = self._in_a_row = 0

    async def ask(self) -> Verdict:
        wrong = ""
        for name, target in self._targets.items():
            seen = await self._work.steadily(partial(self._inventory.fetch_target, target))
            wrong = wrong or _find_wrong(self._work, name, seen)
        self._looks += 1
        self._in_a_row = self._in_a_row + 1 if wrong else 0
        evidence = {"looked": self._looks, "last": wrong or "live"}
        if self._in_a_row >= BAD_IN_A_ROW:
            return Verdict(VerdictKind.FAIL, wrong, evidence)
        words = f"{', '.join(self._targets)}: the platform still calls the release live. Nobody asked how it works."
        return Verdict(VerdictKind.INCONCLUSIVE if wrong else VerdictKind.PASS, words, evidence)


def asker_of(work: Work) -> Asker | Failed:
    """Who tells how a service is that no router divides."""
    urls: Sequence[str] = work.argument("urls", []) or [str(work.argument("url", ""))]
    if any(urls):
        source = work.capabilities(PROBES).probes
        if isinstance(source, Unsupported):
            return Failed(source.reason, f"step {work.step.id}", source.remedy)
        return PublicAnswers(source, [build_request(url, work.argument("health", {})) for url in urls])
    inventory = work.capabilities().inventory
    if isinstance(inventory, Unsupported):
        return Failed(inventory.reason, f"step {work.step.id}", inventory.remedy)
    return PlatformWord(work, inventory)


async def hold_unrouted(work: Work) -> Outcome:
    """Hold for the step's time. An address that does not answer, or a release that is gone, ends it at once."""
    asker = asker_of(work)
    if isinstance(asker, Failed):
        return asker
    began = work.state.started_at or work.clock.now()
    until = began + timedelta(seconds=float(work.argument("duration_s")))
    while True:
        verdict = await asker.ask()
        is_over = verdict.is_pass and (work.clock.now() >= until or _promoted(work))
        if verdict.is_fail or is_over:
            return await _ended(work, verdict)
        await work.controlled(asker.period)


def _find_wrong(work: Work, name: str, seen: Target) -> str:
    service, commit = work.step.service, work.deployment.plan.release.commit
    if seen.suspended:
        return f"{name} of {service} was suspended on its platform."
    if seen.live and seen.live != commit:
        return f"{name} of {service} runs {seen.live[:8]}, not what was deployed."
    return "" if seen.live or seen.live_deployment else f"Nothing runs on {name} of {service}."


def _promoted(work: Work) -> bool:
    return work.step.kind is StepKind.BAKE and bool(promoted_by(work))


async def _ended(work: Work, verdict: Verdict) -> Outcome:
    await work.record(ev.StageJudged(work.step.id, verdict, work.step.service))
    if verdict.is_fail:
        return Failed(verdict.explanation, f"step {work.step.id}", "The release is taken back.")
    promoter = promoted_by(work) if work.step.kind is StepKind.BAKE else ""
    words = verdict.explanation
    return Skipped(f"promoted by {promoter} before its time: {words}") if promoter else Done(words)

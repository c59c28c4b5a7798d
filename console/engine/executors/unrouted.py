"""Steps that hold what no router divides: by asking its address, or where it has none by its platform's own word.

The latter shows whether a release still runs, not how it works; the plan says so beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from console.domain import events as ev
from console.domain.plan import StepKind
from console.domain.verdict import Verdict, VerdictKind
from console.engine.executors.promotion import promoted_by
from console.engine.executors.trial import PROBES
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from console.watch.probes import build_request, probe_all, say
from providers.contract import ProbeSource, Target, Unsupported

PROBE_EVERY = 1.0
LOOK_EVERY = 5.0
"""Seconds between two looks at a platform, which counts questions."""

BAD_IN_A_ROW = 3
"""Bad answers in a row after which a service counts as down."""


async def hold_unrouted(work: Work) -> Outcome:
    """Hold for the step's time. An address that does not answer, or a release that is gone, ends it at once."""
    urls: Sequence[str] = work.argument("urls", []) or [str(work.argument("url", ""))]
    if not any(urls):
        return await _hold_by_platform(work)
    source = work.capabilities(PROBES).probes
    if isinstance(source, Unsupported):
        return Failed(source.reason, f"step {work.step.id}", source.remedy)
    return await _hold_probed(work, source, urls)


async def _hold_probed(work: Work, source: ProbeSource, urls: Sequence[str]) -> Outcome:
    requests = [build_request(url, work.argument("health", {})) for url in urls]
    began = work.state.started_at or work.clock.now()
    until = began + timedelta(seconds=float(work.argument("duration_s")))
    asked = failed = in_a_row = 0
    while True:
        request, result = await probe_all(source, requests)
        asked += 1
        in_a_row = 0 if result.ok else in_a_row + 1
        failed += not result.ok
        evidence = {"asked": asked, "failed": failed, "last": say(result)}
        if in_a_row >= BAD_IN_A_ROW:
            words = f"{request.url} does not answer as it should: {say(result)}."
            return await _ended(work, VerdictKind.FAIL, words, evidence)
        words = f"{asked - failed} of {asked} public requests were answered as they should."
        if (work.clock.now() >= until or _promoted(work)) and in_a_row == 0:
            return await _ended(work, VerdictKind.PASS, words, evidence)
        await work.controlled(PROBE_EVERY)


async def _hold_by_platform(work: Work) -> Outcome:
    inventory = work.capabilities().inventory
    if isinstance(inventory, Unsupported):
        return Failed(inventory.reason, f"step {work.step.id}", inventory.remedy)
    targets: Mapping[str, str] = work.argument("targets")
    began = work.state.started_at or work.clock.now()
    until = began + timedelta(seconds=float(work.argument("duration_s")))
    looks = in_a_row = 0
    while True:
        wrong = ""
        for name, target in targets.items():
            seen = await work.steadily(partial(inventory.fetch_target, target))
            wrong = wrong or _find_wrong(work, name, seen)
        looks, in_a_row = looks + 1, in_a_row + 1 if wrong else 0
        evidence = {"looked": looks, "last": wrong or "live"}
        if in_a_row >= BAD_IN_A_ROW:
            return await _ended(work, VerdictKind.FAIL, wrong, evidence)
        if (work.clock.now() >= until or _promoted(work)) and not wrong:
            words = f"{', '.join(targets)}: the platform still calls the release live. Nobody asked how it works."
            return await _ended(work, VerdictKind.PASS, words, evidence)
        await work.controlled(LOOK_EVERY)


def _find_wrong(work: Work, name: str, seen: Target) -> str:
    service, commit = work.step.service, work.deployment.plan.release.commit
    if seen.suspended:
        return f"{name} of {service} was suspended on its platform."
    if seen.live and seen.live != commit:
        return f"{name} of {service} runs {seen.live[:8]}, not what was deployed."
    return "" if seen.live or seen.live_deployment else f"Nothing runs on {name} of {service}."


def _promoted(work: Work) -> bool:
    return work.step.kind is StepKind.BAKE and bool(promoted_by(work))


async def _ended(work: Work, kind: VerdictKind, words: str, evidence: Mapping[str, object]) -> Outcome:
    await work.record(ev.StageJudged(work.step.id, Verdict(kind, words, evidence), work.step.service))
    if kind is VerdictKind.FAIL:
        return Failed(words, f"step {work.step.id}", "The release is taken back.")
    promoter = promoted_by(work) if work.step.kind is StepKind.BAKE else ""
    return Skipped(f"promoted by {promoter} before its time: {words}") if promoter else Done(words)

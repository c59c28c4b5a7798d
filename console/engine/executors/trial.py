"""Steps that try a new release before anybody is served by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.domain import events as ev
from console.domain.verdict import Verdict
from console.engine.work import Done, Failed, Outcome, Work
from console.watch.benchmark import Benchmark, run_benchmark
from console.watch.probes import HealthCheck, check_health, check_integration, integration_checks
from providers.contract import ProbeSource, Unsupported

PROBES = "web"
"""Name under which the worker opens the provider that asks questions over HTTP."""


async def health(work: Work) -> Outcome:
    source = _probes(work)
    if isinstance(source, Failed):
        return source
    url = str(work.argument("url"))
    check = HealthCheck.of(url, work.step.arguments)
    return await _judged(work, await check_health(source, check, work.clock, work.progress))


async def integration(work: Work) -> Outcome:
    """`{commit}` and `{release}` in an expected text stand for what is being deployed."""
    source = _probes(work)
    if isinstance(source, Failed):
        return source
    release = work.deployment.plan.release
    requests: list[Mapping[str, Any]] = [
        {**item, "expect_text": _fill(str(item.get("expect_text", "")), release.commit, release.name)}
        for item in work.argument("requests")
    ]
    checks = integration_checks(str(work.argument("url")), requests)
    return await _judged(work, await check_integration(source, checks, work.progress))


async def benchmark(work: Work) -> Outcome:
    """Too uneven to say is noted and goes on: what is slow in earnest is found by the rollout's own judgement."""
    source = _probes(work)
    if isinstance(source, Failed):
        return source
    verdict = await run_benchmark(source, Benchmark.of(work.step.arguments), work.progress)
    await work.record(ev.StageJudged(work.step.id, verdict, work.step.service))
    return _failed(work, verdict) if verdict.is_fail else Done(verdict.explanation)


async def _judged(work: Work, verdict: Verdict) -> Outcome:
    await work.record(ev.StageJudged(work.step.id, verdict, work.step.service))
    return Done(verdict.explanation) if verdict.is_pass else _failed(work, verdict)


def _failed(work: Work, verdict: Verdict) -> Failed:
    return Failed(verdict.explanation, f"step {work.step.id}", "Look at the release's own logs.")


def _probes(work: Work) -> ProbeSource | Failed:
    source = work.capabilities(PROBES).probes
    return Failed(source.reason, f"step {work.step.id}", source.remedy) if isinstance(source, Unsupported) else source


def _fill(text: str, commit: str, release: str) -> str:
    return text.replace("{commit}", commit).replace("{release}", release)

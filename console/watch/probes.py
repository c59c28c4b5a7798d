"""Is a new release alive, and does it answer as it should? Asked at its own address, before it gets any traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from console.domain.clock import Clock
from console.domain.verdict import Verdict, VerdictKind
from providers.contract import ProbeRequest, ProbeResult, ProbeSource

Told = Callable[[str], Awaitable[None]]


async def tell_nobody(words: str) -> None:
    """Where nobody follows the attempts."""


@dataclass(frozen=True)
class HealthCheck:
    """Good answers in a row that are needed, within a number of attempts. `interval` is seconds between two."""

    request: ProbeRequest
    attempts: int = 30
    interval: float = 1.0
    successes: int = 2

    @classmethod
    def of(cls, url: str, arguments: Mapping[str, Any]) -> HealthCheck:
        """Build it from a plan's arguments: `path`, `expect_status`, `attempts`, `interval_s`, `successes`, …"""
        return cls(
            build_request(url, arguments),
            int(arguments.get("attempts", 30)),
            float(arguments.get("interval_s", 1.0)),
            int(arguments.get("successes", 2)),
        )


@dataclass(frozen=True)
class IntegrationCheck:
    name: str
    request: ProbeRequest


def integration_checks(url: str, items: Sequence[Mapping[str, Any]]) -> tuple[IntegrationCheck, ...]:
    """Build the checks from a plan's `requests` arguments."""
    requests = [(build_request(url, item), item) for item in items]
    return tuple(
        IntegrationCheck(str(item.get("name") or f"{request.method} {request.url}"), request)
        for request, item in requests
    )


async def probe_all(source: ProbeSource, requests: Sequence[ProbeRequest]) -> tuple[ProbeRequest, ProbeResult]:
    """Ask all at the same time; the first one that did not answer as it should, else the last."""
    results = await asyncio.gather(*(source.probe(request) for request in requests))
    pairs = list(zip(requests, results, strict=True))
    return next((pair for pair in pairs if not pair[1].ok), pairs[-1])


def build_request(url: str, arguments: Mapping[str, Any]) -> ProbeRequest:
    """Ask `path` at `url`, expecting what the arguments say."""
    path = str(arguments.get("path", "/"))
    return ProbeRequest(
        url.rstrip("/") + "/" + path.lstrip("/"),
        str(arguments.get("method", "GET")),
        int(arguments.get("expect_status", 200)),
        str(arguments.get("expect_text", "")),
        timedelta(seconds=float(arguments.get("timeout_s", 5.0))),
        dict(arguments.get("headers", {})),
    )


async def check_health(source: ProbeSource, check: HealthCheck, clock: Clock, tell: Told = tell_nobody) -> Verdict:
    """Ask until enough answers in a row were good, or the attempts are used up."""
    in_a_row, last = 0, ProbeResult(False, 0.0, reason="never asked")
    for attempt in range(1, check.attempts + 1):
        last = await source.probe(check.request)
        in_a_row = in_a_row + 1 if last.ok else 0
        if in_a_row >= check.successes:
            words = f"Healthy: {in_a_row} good answers in a row, the last after {last.latency * 1000:.0f} ms."
            return Verdict(VerdictKind.PASS, words, _evidence(check, attempt, in_a_row, last))
        await tell(_progress(check, attempt, in_a_row, last))
        if attempt < check.attempts:
            await clock.sleep(check.interval)
    words = f"Not healthy after {check.attempts} attempts at {check.request.url}: {say(last)}."
    return Verdict(VerdictKind.FAIL, words, _evidence(check, check.attempts, in_a_row, last))


async def check_integration(
    source: ProbeSource, checks: Sequence[IntegrationCheck], tell: Told = tell_nobody
) -> Verdict:
    """Ask each once; every one must answer as expected. Nothing to ask is *not run*."""
    if not checks:
        return Verdict(VerdictKind.NOT_RUN, "No integration requests are configured.")
    answers: dict[str, str] = {}
    failures: list[str] = []
    for number, check in enumerate(checks, start=1):
        result = await source.probe(check.request)
        answers[check.name] = say(result)
        if not result.ok:
            failures.append(f"{check.name}: {say(result)}")
        await tell(f"{number} of {len(checks)} requests tried")
    evidence = {"requests": len(checks), "failed": len(failures), "answers": answers}
    if failures:
        words = f"{len(failures)} of {len(checks)} requests were not answered as expected: {'; '.join(failures)}."
        return Verdict(VerdictKind.FAIL, words, evidence)
    return Verdict(VerdictKind.PASS, f"All {len(checks)} requests were answered as expected.", evidence)


def say(result: ProbeResult) -> str:
    """One answer in words: `HTTP 200 in 12 ms`, or why there was none."""
    status = f"HTTP {result.status}" if result.status is not None else ""
    if result.ok:
        return f"{status or 'answered'} in {result.latency * 1000:.0f} ms"
    if result.reason.startswith("HTTP"):
        return result.reason
    return ", ".join(part for part in (status, result.reason) if part) or "no answer"


def _progress(check: HealthCheck, attempt: int, in_a_row: int, last: ProbeResult) -> str:
    return f"attempt {attempt} of {check.attempts}: {say(last)}; {in_a_row} of {check.successes} in a row"


def _evidence(check: HealthCheck, attempts: int, in_a_row: int, last: ProbeResult) -> dict[str, object]:
    return {
        "url": check.request.url,
        "attempts": attempts,
        "in_a_row": in_a_row,
        "needed": check.successes,
        "status": last.status,
        "latency": last.latency,
        "reason": last.reason,
    }

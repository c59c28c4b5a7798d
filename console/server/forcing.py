"""Does a header reach the arm that it names, whatever the weights? Tried with one request to the public address.

Told by the router's own counters: only a request that was forced there can reach an arm that gets no traffic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from console.config.settings import PlacementSettings, Settings, TrafficSettings
from console.domain.errors import ProviderError
from console.domain.exchange import Condition, Finding
from providers.contract import Connection, CounterSource, ProbeRequest, ProbeSource, Router, Unsupported

LOOKS = 10
LOOK_EVERY = 0.1
"""Seconds; routers count a request a moment after it was answered."""

REMEDY = "docs/caddy.md and docs/haproxy.md have the rule; until it is there, leave force_header out."


@dataclass(frozen=True)
class _Forced:
    """A service whose configuration says that its arms can be reached by a header."""

    topic: str
    placement: PlacementSettings
    traffic: TrafficSettings
    path: str


async def examine_forcing(settings: Settings, connection: Connection, probes: Connection | None) -> list[Finding]:
    """One finding for each service that this router is to force the way to."""
    source = probes.capabilities.probes if probes else Unsupported("Nothing asks addresses.")
    router, counters = connection.capabilities.router, connection.capabilities.counters
    findings = []
    for forced in _forced(settings, connection.name):
        if isinstance(router, Unsupported) or isinstance(counters, Unsupported) or isinstance(source, Unsupported):
            words = f"whether {forced.traffic.force_header} works cannot be told: the router counts nothing"
            findings.append(Finding(connection.name, forced.topic, Condition.WARN, words, REMEDY))
            continue
        try:
            condition, words = await _try(forced, router, counters, source)
        except ProviderError as problem:
            condition, words = Condition.WARN, f"could not be tried: {problem.what}"
        remedy = "" if condition is Condition.GOOD else REMEDY
        findings.append(Finding(connection.name, forced.topic, condition, words, remedy))
    return findings


def _forced(settings: Settings, router: str) -> Iterator[_Forced]:
    for environment, place in settings.environments.items():
        for name, placement in place.services.items():
            traffic = placement.traffic
            if traffic is not None and traffic.router == router and traffic.force_header and placement.url:
                health = settings.services[name].health if name in settings.services else None
                path = health.path if health else "/"
                yield _Forced(f"header to {name} in {environment}", placement, traffic, path)


async def _try(forced: _Forced, router: Router, counters: CounterSource, probes: ProbeSource) -> tuple[Condition, str]:
    traffic = forced.traffic
    weights = await router.fetch_weights(traffic.route)
    arm = next((arm for arm in forced.placement.arms if not weights.get(arm)), None)
    if arm is None:
        return Condition.WARN, "every arm gets traffic now, so that nobody can tell whom the header reached"
    before = await _count(counters, traffic, arm)
    url = forced.placement.url.rstrip("/") + "/" + forced.path.lstrip("/")
    result = await probes.probe(ProbeRequest(url, headers=forced_by(traffic, arm)))
    for _ in range(LOOKS):
        if await _count(counters, traffic, arm) > before:
            return Condition.GOOD, f"{traffic.force_header}: {arm} reaches {arm}, which gets no other traffic"
        await asyncio.sleep(LOOK_EVERY)
    answered = f"HTTP {result.status}" if result.status else result.reason
    return Condition.BAD, f"a request with {traffic.force_header}: {arm} did not reach {arm} ({answered})"


def forced_by(traffic: TrafficSettings, arm: str) -> Mapping[str, str]:
    return {traffic.force_header: arm}


async def _count(counters: CounterSource, traffic: TrafficSettings, arm: str) -> int:
    totals = await counters.fetch_counters(traffic.route)
    found = totals.get(arm) or totals.get(traffic.metrics.replace("{arm}", arm))
    return found.requests if found else 0

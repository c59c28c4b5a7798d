"""Steps that move requests between the arms of a service, or between its instances."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from console.domain import events as ev
from console.domain.ids import ServiceName
from console.domain.plan import Phase
from console.domain.traffic import (
    Weights,
    busy_arms,
    checked_weights,
    divide_alike,
    divide_evenly,
    is_even,
    say_weights,
)
from console.engine.executors.sides import sides_of
from console.engine.executors.trial import PROBES
from console.engine.executors.weights import run_outputs
from console.engine.work import Done, Failed, Outcome, Work
from console.watch.probes import build_request, say
from providers.contract import ProbeResult, Router, ShiftTraffic, Unsupported

LOOK_EVERY = 1.0
"""Seconds between two looks at an arm that is not well enough to take its traffic back."""


async def shift(work: Work) -> Outcome:
    """Set the weights, read them back, and record what the router really does."""
    capabilities = work.capabilities(str(work.argument("router", work.step.provider or "")))
    route = str(work.argument("route"))
    service = str(work.argument("service", route))
    router = capabilities.router
    if isinstance(router, Unsupported):
        return Failed(router.reason, f"step {work.step.id}", router.remedy)
    counted = work.rollouts.get(service)
    if counted is not None and work.step.phase is not Phase.ROLLBACK:
        await counted.close_stage()
    wanted = await _await_fit(work, service)
    if isinstance(wanted, Failed):
        return wanted
    if wanted is None:
        return Done("nobody else is well enough to take over: traffic stays as it is")
    words = say_weights(wanted)
    ended = await work.perform(capabilities.shift_traffic, ShiftTraffic(route, wanted), f"set {route} to {words}")
    if isinstance(ended, Failed):
        return ended
    return await _read_back(work, router, wanted, words)


async def _read_back(work: Work, router: Router, wanted: Weights, words: str) -> Outcome:
    route = str(work.argument("route"))
    service = str(work.argument("service", route))
    actual = dict(await work.steadily(lambda: router.fetch_weights(route)))
    await work.record(ev.TrafficShifted(ServiceName(service), actual))
    if not divide_alike(actual, wanted) and not _is_part(work, actual):
        return Failed(
            f"The router shows {actual} where {dict(wanted)} was set.",
            f"route {route}",
            "Somebody else moves this route. Find out who, then deploy again.",
        )
    counted = work.rollouts.get(service)
    if counted is not None and "updated" in work.step.arguments:
        sides = sides_of(work)
        counted.compare(sides.candidate, sides.stable)
        await counted.enter(sides.share)
    run = {} if work.step.phase is Phase.ROLLBACK else await run_outputs(router, route)
    return Done(words, {"weights": actual, **run})


def _is_part(work: Work, actual: Weights) -> bool:
    """Whether a process that died had divided it among those who were well then, which others may be now."""
    planned: Weights = work.argument("weights")
    is_chosen = work.step.phase is Phase.ROLLBACK and bool(work.argument("guards", []))
    return is_chosen and busy_arms(actual).keys() <= busy_arms(planned).keys() and is_even(busy_arms(actual))


async def _await_fit(work: Work, service: str) -> Weights | Failed | None:
    """Give no traffic to whoever is not well: what serves keeps it until they are, or the time is over.

    Waits for the step's own time limit, not for the day that other undos have: meanwhile nobody can deploy a remedy.
    The argument `fit` says what is enough: that `all` are well who are to get some, or that somebody is (`well`); with
    `stay` nothing is waited for. None says that traffic is to stay where it is.
    """
    wanted = checked_weights(work.argument("weights"))
    guard: Mapping[str, Any] = work.argument("guard", {})
    guards: Sequence[Mapping[str, Any]] = [guard] if guard else work.argument("guards", [])
    begun = work.state.operation
    if not guards or (begun is not None and begun.reference and not guard):
        return wanted
    fit = str(work.argument("fit", "all"))
    until = (work.state.started_at or work.clock.now()) + work.step.time_limit
    while True:
        ill = await _find_ill(work, guards)
        if not ill:
            return wanted
        well = [arm for arm, weight in wanted.items() if weight and arm not in ill]
        is_late = work.clock.now() >= until
        if well and (fit != "all" or (is_late and work.step.phase is Phase.ROLLBACK)):
            await work.progress(f"{_names(ill, service)}, so others share the traffic")
            return divide_evenly(tuple(wanted), well)
        if fit == "stay":
            return None
        words = f"{_names(ill, service)}, so it gets no traffic: what serves now goes on serving."
        if is_late:
            arms = ", ".join(ill)
            remedy = f"Bring {arms} of {service} back, then retry; or deploy a release that is well."
            return Failed(words, f"step {work.step.id}", remedy)
        if work.state.detail != words:
            await work.record(ev.StepWaiting(work.step.id, words, until))
        await work.sleep(LOOK_EVERY)


async def _find_ill(work: Work, guards: Sequence[Mapping[str, Any]]) -> dict[str, ProbeResult]:
    """Those that do not answer as they should, with what they said; nobody where nothing can be asked."""
    source = work.capabilities(PROBES).probes
    if isinstance(source, Unsupported):
        return {}
    results = await asyncio.gather(*(source.probe(build_request(str(guard["url"]), guard)) for guard in guards))
    return {str(guard["arm"]): result for guard, result in zip(guards, results, strict=True) if not result.ok}


def _names(ill: Mapping[str, ProbeResult], service: str) -> str:
    return ", ".join(f"{arm} of {service} is not well ({say(result)})" for arm, result in ill.items())

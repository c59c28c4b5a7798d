"""Steps that move requests between the arms of a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.domain import events as ev
from console.domain.ids import ServiceName
from console.domain.plan import Phase
from console.domain.traffic import checked_weights, divide_alike, say_weights
from console.engine.executors.trial import PROBES
from console.engine.executors.weights import run_outputs
from console.engine.work import Done, Failed, Outcome, Work
from console.watch.probes import build_request, say
from providers.contract import ShiftTraffic, Unsupported

LOOK_EVERY = 1.0
"""Seconds between two looks at an arm that is not well enough to take its traffic back."""


async def shift(work: Work) -> Outcome:
    """Set the weights, read them back, and record what the router really does."""
    capabilities = work.capabilities(str(work.argument("router", work.step.provider or "")))
    route = str(work.argument("route"))
    wanted: Mapping[str, int] = checked_weights(work.argument("weights"))
    service = str(work.argument("service", route))
    counted = work.rollouts.get(service)
    if counted is not None and work.step.phase is not Phase.ROLLBACK:
        await counted.close_stage()
    unfit = await _await_fit(work, service)
    if unfit is not None:
        return unfit
    words = say_weights(wanted)
    ended = await work.perform(capabilities.shift_traffic, ShiftTraffic(route, wanted), f"set {route} to {words}")
    if isinstance(ended, Failed):
        return ended
    router = capabilities.router
    if isinstance(router, Unsupported):
        return Failed(router.reason, f"step {work.step.id}", router.remedy)
    actual = dict(await work.steadily(lambda: router.fetch_weights(route)))
    await work.record(ev.TrafficShifted(ServiceName(service), actual))
    if not divide_alike(actual, wanted):
        return Failed(
            f"The router shows {actual} where {dict(wanted)} was set.",
            f"route {route}",
            "Somebody else moves this route. Find out who, then deploy again.",
        )
    run = {} if work.step.phase is Phase.ROLLBACK else await run_outputs(router, route)
    return Done(words, {"weights": actual, **run})


async def _await_fit(work: Work, service: str) -> Failed | None:
    """Give no traffic back to an arm that is not well: what serves keeps it until the arm is, or the time is over.

    Waits for the step's own time limit, not for the day that other undos have: meanwhile nobody can deploy a remedy.
    """
    guard: Mapping[str, Any] = work.argument("guard", {})
    if not guard:
        return None
    source = work.capabilities(PROBES).probes
    if isinstance(source, Unsupported):
        return None
    request = build_request(str(guard["url"]), guard)
    until = (work.state.started_at or work.clock.now()) + work.step.time_limit
    while not (result := await source.probe(request)).ok:
        words = (
            f"{guard['arm']} of {service} is not well ({say(result)}), so it gets no traffic: "
            "what serves now goes on serving."
        )
        if work.clock.now() >= until:
            remedy = f"Bring {guard['arm']} of {service} back, then retry; or deploy a release that is well."
            return Failed(words, f"step {work.step.id}", remedy)
        if work.state.detail != words:
            await work.record(ev.StepWaiting(work.step.id, words, until))
        await work.sleep(LOOK_EVERY)
    return None

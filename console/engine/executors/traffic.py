"""Steps that move requests between the arms of a service."""

from __future__ import annotations

from collections.abc import Mapping

from console.domain import events as ev
from console.domain.ids import ServiceName
from console.domain.plan import Phase
from console.domain.traffic import checked_weights
from console.engine.work import Done, Failed, Outcome, Work
from providers.contract import ShiftTraffic, Unsupported


async def shift(work: Work) -> Outcome:
    """Set the weights, read them back, and record what the router really does."""
    capabilities = work.capabilities(str(work.argument("router", work.step.provider or "")))
    route = str(work.argument("route"))
    wanted: Mapping[str, int] = checked_weights(work.argument("weights"))
    service = str(work.argument("service", route))
    counted = work.rollouts.get(service)
    if counted is not None and work.step.phase is not Phase.ROLLBACK:
        await counted.close_stage()
    words = " · ".join(f"{arm} {weight} %" for arm, weight in wanted.items())
    ended = await work.perform(capabilities.shift_traffic, ShiftTraffic(route, wanted), f"set {route} to {words}")
    if isinstance(ended, Failed):
        return ended
    router = capabilities.router
    if isinstance(router, Unsupported):
        return Failed(router.reason, f"step {work.step.id}", router.remedy)
    actual = dict(await work.steadily(lambda: router.fetch_weights(route)))
    await work.record(ev.TrafficShifted(ServiceName(service), actual))
    if {arm: weight for arm, weight in actual.items() if weight} != {arm: w for arm, w in wanted.items() if w}:
        return Failed(
            f"The router shows {actual} where {dict(wanted)} was set.",
            f"route {route}",
            "Somebody else moves this route. Find out who, then deploy again.",
        )
    return Done(words, {"weights": actual})

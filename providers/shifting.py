"""Moving weights where the router keeps no history: they are set, read back, and what it shows is the truth.

A reference is `<route>@<weights as JSON>`, which any connection can look up. An operation whose weights somebody else
has replaced since is FAILED, and says what the router shows instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from console.domain.traffic import Weights, checked_weights, divide_alike, say_weights
from providers.contract import Operation, OperationKey, OperationStatus, ShiftTraffic

NOT_ALONE = "somebody else sets it too"


@dataclass(frozen=True)
class Shown:
    """What a router shows: whole percent by arm, a remark on it, and why it may differ from a wish."""

    weights: Weights
    remark: str = ""
    why: str = NOT_ALONE


class Mover(Protocol):
    """One router, as far as its weights go.

    `move` makes it divide so, harmlessly where it does already, and reads back. `look` is None for an unknown route.
    """

    async def move(self, route: str, wanted: Weights) -> Shown: ...

    async def look(self, route: str) -> Shown | None: ...


class Shifts:
    """`Actuator[ShiftTraffic]`. Repeats harmlessly by nature.

    Args:
        router: The router's name as people say it.
        place: What it calls a route.
    """

    def __init__(self, mover: Mover, router: str, place: str) -> None:
        self._mover = mover
        self._router = router
        self._place = place

    async def start(self, request: ShiftTraffic, key: OperationKey) -> Operation:
        wanted = checked_weights(request.weights)
        return self._judge(_refer(request.route, wanted), wanted, await self._mover.move(request.route, wanted))

    async def observe(self, reference: str) -> Operation:
        route, wanted = _parse(reference)
        shown = await self._mover.look(route) if wanted else None
        if shown is None:
            return Operation(reference, OperationStatus.LOST, f"{self._router} knows no such {self._place}")
        return self._judge(reference, wanted, shown)

    async def find(self, request: ShiftTraffic, key: OperationKey) -> Operation | None:
        found = await self.observe(_refer(request.route, checked_weights(request.weights)))
        return found if found.status is OperationStatus.SUCCEEDED else None

    def _judge(self, reference: str, wanted: Weights, shown: Shown) -> Operation:
        words = say_weights(shown.weights)
        if divide_alike(shown.weights, wanted):
            return Operation(reference, OperationStatus.SUCCEEDED, f"{words}{shown.remark}")
        return Operation(reference, OperationStatus.FAILED, f"{self._router} shows {words}; {shown.why}")


def _refer(route: str, weights: Weights) -> str:
    return f"{route}@{json.dumps(weights, sort_keys=True, separators=(',', ':'))}"


def _parse(reference: str) -> tuple[str, dict[str, int]]:
    """The route and its weights; no weights for anything else."""
    route, _, written = reference.rpartition("@")
    try:
        weights = json.loads(written)
    except ValueError:
        return route, {}
    fits = route and isinstance(weights, dict) and all(type(weight) is int for weight in weights.values())
    return route, weights if fits else {}

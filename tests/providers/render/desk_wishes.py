"""What the contract suite asks of Render's desk: one wish an action, one request a reading."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from console.domain.codec import to_json
from providers.contract import Nothing, OperationKey
from providers.render import maintenance, scaling, services
from tests.providers.subject import Wish

BLUE, GREEN = "srv-d4blue0k7v1c9m2e5fg0", "srv-d4green0k7v1c9m2e5fg"
NOWHERE = "srv-unknown"

ASKS: dict[str, Any] = {
    "services": services.Services(),
    "service": services.OneService(BLUE),
    "platform-maintenance": Nothing(),
}


def reference_of(request: Any, *leaving_out: str) -> str:
    """The reference that a `Setting` gives to a request."""
    told = {name: value for name, value in to_json(request).items() if name not in leaving_out}
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


async def before(subject: Any, action: str, request: Any) -> Any:
    """Do something that a wish needs to have been done, and let it end."""
    connection = subject.open()
    ended = await connection.desk.actions[action].actuator.start(request, OperationKey("before", subject.now()))
    await connection.close()
    await subject.clock.advance(10)
    return ended


def simple(request: Any, change: str, unknown: Any) -> Callable[[Any], Awaitable[Wish]]:
    """A wish that needs nothing to have happened; `unknown` is one about what Render does not know."""

    async def make(subject: Any) -> Wish:
        return Wish(request, lambda: subject.count(change), (reference_of(unknown),))

    return make


async def _fixed(subject: Any) -> Wish:
    await before(subject, "set-autoscaling", scaling.SetAutoscaling(BLUE, 1, 3, cpu=60))
    unknown = reference_of(scaling.RemoveAutoscaling(NOWHERE))
    return Wish(scaling.RemoveAutoscaling(BLUE), lambda: subject.count("autoscaling"), (unknown,))


async def _maintenance_off(subject: Any) -> Wish:
    await before(subject, "maintenance-on", maintenance.MaintenanceOn(BLUE))
    unknown = reference_of(maintenance.MaintenanceOff(NOWHERE))
    return Wish(maintenance.MaintenanceOff(BLUE), lambda: subject.count("update"), (unknown,))


async def _lift(subject: Any) -> Wish:
    await before(subject, "hold-auto-deploy", services.HoldAutoDeploy(BLUE))
    unknown = reference_of(services.LiftAutoDeploy(NOWHERE))
    return Wish(services.LiftAutoDeploy(BLUE), lambda: subject.count("update"), (unknown,))


WISHES: dict[str, Callable[[Any], Awaitable[Wish]]] = {
    "scale": simple(scaling.Scale(BLUE, 2), "scale", scaling.Scale(NOWHERE, 2)),
    "set-autoscaling": simple(
        scaling.SetAutoscaling(BLUE, 1, 3, cpu=60), "autoscaling", scaling.SetAutoscaling(NOWHERE, 1, 3, cpu=60)
    ),
    "remove-autoscaling": _fixed,
    "maintenance-on": simple(maintenance.MaintenanceOn(BLUE), "update", maintenance.MaintenanceOn(NOWHERE)),
    "maintenance-off": _maintenance_off,
    "hold-auto-deploy": simple(services.HoldAutoDeploy(BLUE), "update", services.HoldAutoDeploy(NOWHERE)),
    "lift-auto-deploy": _lift,
}


async def wish(subject: Any, action: str) -> Wish:
    return await WISHES[action](subject)

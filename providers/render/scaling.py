"""How many instances a service has: a fixed number, or what autoscaling makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from console.domain.errors import Rejected
from providers.ensuring import Setting
from providers.http import segment
from providers.render.services import Autoscaling, ServiceId, ServiceReader

UNWATCHED_PERCENT = 70
"""Render wants a percentage also for what is not watched; recorded traffic sends one."""


@dataclass(frozen=True)
class Scale:
    service: ServiceId
    instances: Annotated[int, "how many, from 1 to 100"]


@dataclass(frozen=True)
class SetAutoscaling:
    service: ServiceId
    min: Annotated[int, "fewest instances"]
    max: Annotated[int, "most instances"]
    cpu: Annotated[int | None, "percent of CPU to aim at; leave out not to watch it"] = None
    memory: Annotated[int | None, "percent of memory to aim at; leave out not to watch it"] = None


@dataclass(frozen=True)
class RemoveAutoscaling:
    service: ServiceId


def make_scale(reader: ServiceReader) -> Setting[Scale]:
    async def holds(request: Scale) -> bool | None:
        service = await reader.find_service(request.service)
        return None if service is None else service.instances == request.instances

    async def write(request: Scale) -> None:
        service = await reader.find_service(request.service)
        if service is not None and service.autoscaling is not None:
            raise Rejected(
                reader.client.http.provider,
                f"{request.service} is scaled automatically, so Render would ignore a number of instances.",
                "scale",
                "Change its limits with `set-autoscaling`, or remove them with `remove-autoscaling` first.",
            )
        path = f"/services/{segment(request.service)}/scale"
        await reader.client.http.send("POST", path, json={"numInstances": request.instances}, repeatable=True)

    return Setting(Scale, holds=holds, write=write, say=lambda request: f"{request.instances} instances")


def make_autoscaling(reader: ServiceReader) -> Setting[SetAutoscaling]:
    def wanted(request: SetAutoscaling) -> Autoscaling:
        return Autoscaling(request.min, request.max, request.cpu, request.memory)

    async def holds(request: SetAutoscaling) -> bool | None:
        service = await reader.find_service(request.service)
        return None if service is None else service.autoscaling == wanted(request)

    async def write(request: SetAutoscaling) -> None:
        body = {
            "enabled": True,
            "min": request.min,
            "max": request.max,
            "criteria": {"cpu": _criterion(request.cpu), "memory": _criterion(request.memory)},
        }
        await reader.client.http.send("PUT", f"/services/{segment(request.service)}/autoscaling", json=body)

    def say(request: SetAutoscaling) -> str:
        return f"{request.min} to {request.max} instances by itself"

    return Setting(SetAutoscaling, holds=holds, write=write, say=say)


def make_fixed(reader: ServiceReader) -> Setting[RemoveAutoscaling]:
    async def holds(request: RemoveAutoscaling) -> bool | None:
        service = await reader.find_service(request.service)
        return None if service is None else service.autoscaling is None

    async def write(request: RemoveAutoscaling) -> None:
        await reader.client.http.send("DELETE", f"/services/{segment(request.service)}/autoscaling", accept=(404,))

    return Setting(RemoveAutoscaling, holds=holds, write=write, say=lambda _: "no autoscaling")


def _criterion(percent: int | None) -> dict[str, object]:
    return {"enabled": percent is not None, "percentage": UNWATCHED_PERCENT if percent is None else percent}

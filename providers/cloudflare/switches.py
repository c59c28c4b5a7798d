"""Pools and origins by hand: on, off, and for how long visitors may stay at one that went off.

Cloudflare replaces a pool's list of origins whole, so that it is read, changed and sent back, with everything in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from providers.ensuring import Setting

if TYPE_CHECKING:
    from providers.cloudflare.client import CloudflareClient
    from providers.cloudflare.wire import Origin

PoolName = Annotated[str, "name or id of the pool"]
TOLD_ONLY = frozenset({"disabled_at"})
"""Fields of an origin that Cloudflare answers with and does not take."""


@dataclass(frozen=True)
class OnePool:
    pool: PoolName


@dataclass(frozen=True)
class OneOrigin:
    pool: PoolName
    origin: Annotated[str, "name of the origin"]


@dataclass(frozen=True)
class DrainTime:
    load_balancer: Annotated[str, "hostname or id of the load balancer"]
    lasts: Annotated[timedelta, "how long visitors who stick to an origin may stay once it is off"]


def make_pool_switch(client: CloudflareClient, on: bool) -> Setting[OnePool]:
    async def holds(request: OnePool) -> bool | None:
        pool = await client.find_pool(request.pool)
        return None if pool is None else pool.enabled is on

    async def write(request: OnePool) -> None:
        if (pool := await client.find_pool(request.pool)) is not None:
            await client.patch_pool(pool.id, {"enabled": on})

    return Setting(OnePool, holds=holds, write=write, say=lambda _: "on" if on else "off")


def make_origin_switch(client: CloudflareClient, on: bool) -> Setting[OneOrigin]:
    async def holds(request: OneOrigin) -> bool | None:
        origin = await _find_origin(client, request)
        return None if origin is None else origin.enabled is on

    return Setting(OneOrigin, holds=holds, write=_write_origin(client, on), say=lambda _: "on" if on else "off")


def make_drain_time(client: CloudflareClient) -> Setting[DrainTime]:
    async def holds(request: DrainTime) -> bool | None:
        balancer = await client.find_load_balancer(request.load_balancer)
        return None if balancer is None else balancer.drain_s == request.lasts.total_seconds()

    async def write(request: DrainTime) -> None:
        balancer = await client.fetch_load_balancer(request.load_balancer)
        attributes = {**balancer.affinity_attributes, "drain_duration": round(request.lasts.total_seconds())}
        await client.patch_load_balancer(balancer.id, {"session_affinity_attributes": attributes})

    return Setting(DrainTime, holds=holds, write=write, say=lambda r: f"drains for {r.lasts.total_seconds():.0f} s")


def _write_origin(client: CloudflareClient, on: bool) -> Callable[[OneOrigin], Awaitable[None]]:
    async def write(request: OneOrigin) -> None:
        pool = await client.find_pool(request.pool)
        if pool is None or not any(one.name == request.origin for one in pool.origins):
            return
        origins = [
            {
                **{name: value for name, value in one.raw.items() if name not in TOLD_ONLY},
                **({"enabled": on} if one.name == request.origin else {}),
            }
            for one in pool.origins
        ]
        await client.patch_pool(pool.id, {"origins": origins})

    return write


async def _find_origin(client: CloudflareClient, request: OneOrigin) -> Origin | None:
    pool = await client.find_pool(request.pool)
    return next((one for one in pool.origins if one.name == request.origin), None) if pool else None

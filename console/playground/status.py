"""Ask every part of a playground how it stands."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import psycopg

from console.domain.errors import ConsoleError
from console.playground.hosting import Instance
from console.playground.processes import Identity, cpu_seconds, identify, memory_bytes
from console.playground.scene import SERVICES, PlatformService
from console.playground.seed import MigrationChanges, count_changes
from console.playground.status_shape import Status
from console.playground.traffic import LATENCY_BOUNDS_MS
from console.playground.world import World


async def gather_status(world: World, faults: Mapping[str, dict[str, Any]]) -> Status:
    """Ask every part how it stands."""
    traffic, weights, migrations, services = await asyncio.gather(
        _traffic(world), world.edge.weights(), _migrations(world), _services(world)
    )
    services["backend"]["weights"] = weights
    return Status(
        requests_total=traffic["requests"],
        requests_failed=traffic["failed"],
        requests_held_back=traffic["held_back"],
        rps=traffic["rps"],
        keep_alive_share=traffic["keep_alive_share"],
        latency_ms={f"p{share:.0%}".rstrip("%"): quantile(traffic["latency_ms"], share) for share in (0.5, 0.95, 0.99)},
        by_release=traffic["by_release"],
        failures=[{**failure, "at": _moment(failure["at"])} for failure in traffic["failures"]],
        releases=[{"name": one.name, "about": one.about, "commit": one.commit} for one in world.catalogue.releases],
        services=services,
        changes=_changes(world, migrations.values()),
        kinds={name: one.kinds for name, one in world.emulators.items()},
        answers={name: {"came": one.came, "spoilt": dict(one.spoilt)} for name, one in world.faulty.items()},
        limits={
            name: {bucket: asdict(demand) for bucket, demand in one.demands.items()}
            for name, one in world.emulators.items()
        },
        migrations={name: {"applied": one.applied, "reverted": one.reverted} for name, one in migrations.items()},
        faults=dict(faults),
        edge_url=world.edge.url,
        config=str(world.home.config),
        processes=[
            {"what": one.what, "pid": one.pid, "memory_bytes": memory_bytes(one.pid), "cpu_s": cpu_seconds(one.pid)}
            for one in (*world.children(), *_myself())
        ],
    )


def _changes(world: World, migrations: Iterable[MigrationChanges]) -> dict[str, int]:
    """What each platform was made to do. A migration reaches the database directly, and is Supabase's all the same."""
    changes = {name: one.changes for name, one in world.emulators.items()} | {"caddy": world.admin.changes}
    changes["supabase"] += sum(one.applied + one.reverted for one in migrations)
    return changes


def quantile(counts: list[int], share: float) -> float | None:
    """Give the upper bound in ms of the bucket in which a share (0..1) of all requests is reached; None without any."""
    total, seen = sum(counts), 0
    if not total:
        return None
    for bound, count in zip((*LATENCY_BOUNDS_MS, float("inf")), counts, strict=True):
        seen += count
        if seen >= share * total:
            return float(bound) if bound != float("inf") else None
    return None


async def _traffic(world: World) -> dict[str, Any]:
    try:
        return await world.traffic.tell()
    except ConsoleError:
        empty = [0] * (len(LATENCY_BOUNDS_MS) + 1)
        return {
            "requests": 0,
            "failed": 0,
            "held_back": 0,
            "rps": 0.0,
            "keep_alive_share": 0.0,
            "latency_ms": empty,
            "by_release": {},
            "failures": [],
        }


async def _migrations(world: World) -> dict[str, MigrationChanges]:
    async def count(dsn: str) -> MigrationChanges:
        try:
            return await count_changes(dsn)
        except (psycopg.Error, OSError):
            return MigrationChanges(0, 0)

    dsns = world.dsns()
    counted = await asyncio.gather(*(count(dsn) for dsn in dsns.values()))
    return dict(zip(dsns, counted, strict=True))


async def _services(world: World) -> dict[str, dict[str, Any]]:
    instances = world.hosting.instances()
    healthy = await asyncio.gather(*(world.hosting.healthy(one) for one in instances))
    services: dict[str, dict[str, Any]] = {"database": {"weights": {}, "instances": [_database(world)]}}
    for cast in SERVICES:
        entry = services.setdefault(_plain_name(cast), {"weights": {}, "instances": []})
        entry["instances"] += [
            _instance(one, cast, is_healthy)
            for one, is_healthy in zip(instances, healthy, strict=True)
            if one.service == cast.name
        ]
    return services


def _plain_name(cast: PlatformService) -> str:
    return cast.service if cast.environment == "production" else f"{cast.environment}-{cast.service}"


def _instance(instance: Instance, cast: PlatformService, is_healthy: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": instance.id,
        "release": instance.release,
        "pid": instance.pid,
        "port": instance.port,
        "healthy": is_healthy,
    }
    return {**told, "arm": cast.arm} if cast.arm else told


def _database(world: World) -> dict[str, Any]:
    pid = world.postgres.pid
    port = int(world.postgres.dsn.rpartition(":")[2].partition("/")[0])
    return {"id": "postgres", "release": None, "pid": pid, "port": port, "healthy": pid is not None}


def _myself() -> tuple[Identity, ...]:
    me = identify(os.getpid(), "supervisor")
    return () if me is None else (me,)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()

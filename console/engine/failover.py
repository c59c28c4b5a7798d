"""How both sides of a failover stand, before it is planned and again while it runs. Reads only.

What cannot be read becomes a problem of its part, in words: half of the world may be gone when somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

from console.config.failover import MoveSettings, PairSettings
from console.config.settings import Settings
from console.domain.clock import Clock
from console.domain.errors import ConsoleError, UsageError
from console.domain.failover import Failover
from console.domain.ids import EnvironmentName
from console.domain.observations import Lock
from console.domain.plan import Wish
from console.domain.standby import FailoverFacts, Pair, Pointer, Server, StandbyService
from console.engine.survey import Survey
from console.engine.variables import Variables
from console.planning.live import Live, LiveService
from providers.contract import Connection, Standbys, Unsupported

CATCH_UP_S = 3.0
"""How long a standby is given to replay what the primary had written when it was asked."""
LOOK_EVERY_S = 0.2


async def fetch_failover(
    settings: Settings,
    connections: Mapping[str, Connection],
    variables: Variables | None,
    survey: Survey,
    clock: Clock,
    wish: Wish,
    asked: Failover,
    locks: Iterable[Lock],
) -> FailoverFacts:
    """Ask both sides everything that a plan depends on; nothing where the environment has no standby."""
    failover = settings.environments[wish.environment].failover
    if failover is None or failover.to not in settings.environments:
        return FailoverFacts()
    here, there = wish.environment, EnvironmentName(failover.to)
    new, old = (here, there) if asked.back else (there, here)
    pairs, pointers, live, left = await asyncio.gather(
        asyncio.gather(*(_fetch_pair(variables, pair, clock, asked) for pair in failover.databases.values())),
        asyncio.gather(*(fetch_pointer(connections, move) for move in failover.services.values())),
        survey.fetch_live(new, {}),
        survey.fetch_live(old, {}),
    )
    names = [name for name in settings.environments[here].services if name in settings.environments[there].services]
    services = await asyncio.gather(*(_service(settings, variables, new, name, live.of(name)) for name in names))
    return FailoverFacts(
        databases=dict(zip(failover.databases, pairs, strict=True)),
        services=dict(zip(names, services, strict=True)),
        pointers=dict(zip(failover.services, pointers, strict=True)),
        left=_commits(left, names),
        held=next((_told(lock) for lock in locks if lock.environment == failover.to), ""),
    )


async def fetch_addresses(variables: Variables, pair: PairSettings, *, back: bool) -> tuple[str, str]:
    """The addresses of the server that is left and of the one that takes over; secrets.

    Raises:
        UsageError: A reference leads nowhere.
    """
    where = "[environments.ENV.failover.databases.NAME]"
    primary = await variables.follow(pair.primary, f"{where} primary")
    standby = await variables.follow(pair.standby, f"{where} standby")
    return (standby, primary) if back else (primary, standby)


async def look(standbys: Standbys, address: str) -> Server:
    """One server; that it cannot be asked is an answer, too."""
    try:
        return await standbys.look(address)
    except ConsoleError as problem:
        return Server(problem=problem.what)


async def measure(standbys: Standbys, old_address: str, new_address: str, clock: Clock) -> Pair:
    """Ask the old side how far it is, then wait a moment for the new side to come there, and take the time."""
    old = await look(standbys, old_address)
    began = clock.now()
    while True:
        new = await look(standbys, new_address)
        waited = (clock.now() - began).total_seconds()
        if old.problem or new.problem or not new.in_recovery:
            return Pair(old, new, lag_since_commit(new))
        if new.position >= old.position:
            return Pair(old, new, waited)
        if waited >= CATCH_UP_S:
            return Pair(old, new, lag_since_commit(new))
        await clock.sleep(LOOK_EVERY_S)


def lag_since_commit(new: Server, until: datetime | None = None) -> float | None:
    """Seconds since the last commit that a standby has; where nothing was written meanwhile, nothing is missing."""
    end = until or new.asked_at
    if new.problem or new.last_commit_at is None or end is None:
        return None
    return max((end - new.last_commit_at).total_seconds(), 0.0)


async def fetch_pointer(connections: Mapping[str, Connection], move: MoveSettings) -> Pointer:
    """Where visitors are led now."""
    try:
        if move.traffic is not None:
            router = _connection(connections, move.traffic.router).capabilities.router
            if isinstance(router, Unsupported):
                return Pointer(problem=router.reason)
            return Pointer(weights=dict(await router.fetch_weights(move.traffic.route)))
        if move.dns is not None:
            names = _connection(connections, move.dns.provider).capabilities.names
            if isinstance(names, Unsupported):
                return Pointer(problem=names.reason)
            found = await names.fetch_names(move.dns.domain, move.dns.name, move.dns.type)
            kept = [record.ttl for record in found if record.ttl is not None]
            return Pointer(values=tuple(record.value for record in found), ttl_s=max(kept, default=None))
    except ConsoleError as problem:
        return Pointer(problem=problem.what)
    return Pointer()


async def find_missing(variables: Variables | None, environment: str, service: str, target: str) -> tuple[str, ...]:
    """Variables that the configuration wants there and the platform does not have, or whose secret leads nowhere.

    Raises:
        ProviderError: The platform cannot be read.
    """
    if variables is None or not variables.wants(environment, service):
        return ()
    wanted = await variables.fetch_wanted(environment, service)
    provider = variables.provider_of(service)
    actual = await variables.fetch_actual(provider, target)
    return tuple(sorted({*wanted.unresolved, *(name for name in wanted.values if name not in actual)}))


async def _fetch_pair(variables: Variables | None, pair: PairSettings, clock: Clock, asked: Failover) -> Pair:
    if variables is None or variables.standbys is None:
        nobody = Server(problem="This worker asks no databases.")
        return Pair(nobody, nobody)
    try:
        old, new = await fetch_addresses(variables, pair, back=asked.back)
    except UsageError as problem:
        return Pair(Server(problem=problem.what), Server(problem=problem.what))
    return await measure(variables.standbys, old, new, clock)


async def _service(
    settings: Settings, variables: Variables | None, environment: str, name: str, live: LiveService
) -> StandbyService:
    placement = settings.environments[environment].services[name]
    first = next((place.id for place in placement.places.values()), placement.id)
    target = placement.places[live.stable_arm].id if live.stable_arm else first
    if live.problem:
        return StandbyService(target=target, problem=live.problem)
    try:
        missing = await find_missing(variables, environment, name, target)
    except ConsoleError as problem:
        return StandbyService(live.live_commit, target, problem=problem.what)
    suspended = live.arms[live.stable_arm].suspended if live.stable_arm else live.suspended
    return StandbyService(live.live_commit, target, missing, "it is suspended." if suspended else "")


def _commits(live: Live, names: Iterable[str]) -> dict[str, str]:
    found = {name: live.of(name) for name in names}
    return {name: each.live_commit for name, each in found.items() if each.live_commit and not each.problem}


def _connection(connections: Mapping[str, Connection], name: str) -> Connection:
    connection = connections.get(name)
    if connection is None:
        raise UsageError(f"No provider is called {name!r}.", "[providers]", "Add it to the configuration.")
    return connection


def _told(lock: Lock) -> str:
    return (
        f"{lock.environment} is held by deployment {lock.deployment} of {lock.holder} since {lock.since:%H:%M:%S} UTC"
    )

"""How a release goes live: the built-in strategies, and the shape that settings give them for one service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from console.config.environments import EnvironmentSettings, PlacementSettings

BLUE_GREEN = "blue-green"
CANARY = "canary"
ROLLING = "rolling"
RECREATE = "recreate"
MANUAL = "manual"
CUSTOM = "pipeline:"
"""Before the name of a pipeline of the operator's own."""

SHIPPED_STAGES: Mapping[str, tuple[int, ...]] = {
    BLUE_GREEN: (10, 50, 100),
    CANARY: (5, 25, 100),
    RECREATE: (100,),
}
"""Percent of requests for the candidate, stage by stage, of each strategy that moves traffic by stages."""

BUILT_IN = (BLUE_GREEN, CANARY, ROLLING, RECREATE)


def known_strategies(pipelines: Iterable[str]) -> tuple[str, ...]:
    """Every strategy that an environment can name, given the names of the operator's own pipelines."""
    return (*BUILT_IN, *(CUSTOM + name for name in pipelines))


@dataclass(frozen=True)
class Stage:
    """A share of the requests in percent, and how long it is held before it may pass."""

    weight: int
    bake_time: timedelta


@dataclass(frozen=True)
class RolloutShape:
    """How one service goes live in one environment."""

    strategy: str
    stages: tuple[Stage, ...]
    is_manual: bool = False
    """Whether a stage that passed waits for a person."""

    def bake_time_at(self, weight: int) -> timedelta:
        """Of the first stage that gives at least so much; a pipeline may name weights that no stage has."""
        return next((stage for stage in self.stages if stage.weight >= weight), self.stages[-1]).bake_time


def find_shape(environment: EnvironmentSettings, service: str, wished: str = "") -> RolloutShape:
    """Resolve settings of the service over those of its environment over what is shipped.

    Instances go live by batches whatever the environment's other services do, unless it puts up a page or somebody
    wishes for another strategy. Their stages are the shares that updated ones have after each batch.

    Stages and bake times that the configuration gives belong to the strategy it names: one that somebody wishes for
    instead comes with its shipped stages, and with the environment's bake time where that is one for all stages.

    Args:
        wished: A strategy that goes before every configured one; empty for none.
    """
    placement = environment.services.get(service)
    configured = _configured(environment, placement)
    strategy = wished or configured
    stages = times = None
    if strategy == configured:
        own = placement.stages if placement else None
        inherited = environment.stages if environment.strategy == configured else None
        stages = own or inherited
    times = (placement.bake_time if placement else None) or environment.bake_time
    if strategy == ROLLING:
        stages = _shares(environment, placement)
    weights = stages or SHIPPED_STAGES.get(strategy, SHIPPED_STAGES[BLUE_GREEN])
    promotion = (placement.promotion if placement else "") or environment.promotion
    return RolloutShape(strategy, tuple(map(Stage, weights, _spread(times, len(weights)))), promotion == MANUAL)


def batch_size(environment: EnvironmentSettings, placement: PlacementSettings) -> int:
    """How many instances change at once: one at least, and never all of several."""
    batch, count = placement.batch or environment.batch, len(placement.instances)
    wanted = batch if isinstance(batch, int) else count * int(batch.removesuffix("%")) // 100
    return max(1, min(wanted, count - 1))


def _configured(environment: EnvironmentSettings, placement: PlacementSettings | None) -> str:
    if placement is None or placement.strategy:
        return placement.strategy if placement else environment.strategy
    return ROLLING if placement.instances and environment.strategy != RECREATE else environment.strategy


def _shares(environment: EnvironmentSettings, placement: PlacementSettings | None) -> tuple[int, ...]:
    """Percent of the requests that updated instances have after each batch."""
    if placement is None or not placement.instances:
        return (100,)
    count, size = len(placement.instances), batch_size(environment, placement)
    return tuple(100 * min(done, count) // count for done in range(size, count + size, size))


def _spread(times: timedelta | tuple[timedelta, ...], count: int) -> tuple[timedelta, ...]:
    """One time for each stage; where stages and times do not match, the longest for all."""
    if isinstance(times, timedelta):
        return (times,) * count
    return times if len(times) == count else (max(times),) * count

"""Faults of services that run as several instances at once, which change their release in batches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from console.config.environments import EnvironmentSettings, PlacementSettings
from console.config.faults import Fault, Key
from console.config.strategies import BLUE_GREEN, RECREATE, ROLLING, find_shape

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
MOST = 100
"""Each gets a whole percent of the requests."""


def check_instances(service: str, environment: EnvironmentSettings, kind: str, at: Key) -> Iterator[Fault]:
    """Faults of `instances`, and of what does not go with them."""
    placement = environment.services[service]
    where = (*at, "instances")
    yield from _check_names(service, placement, where)
    if placement.id:
        yield Fault((*at, "id"), f"{service} has an id and instances.", "Keep one of them.")
    if placement.arms:
        yield Fault(where, f"{service} has arms and instances.", "Keep blue and green, or instances.")
    if placement.strategy not in ("", ROLLING):
        what = f"{service} has instances, which do not go live by {placement.strategy}."
        yield Fault((*at, "strategy"), what, f'Write strategy = "{ROLLING}", or blue and green.')
    elif not placement.strategy and environment.strategy == RECREATE:
        what = f"{service} has instances, which change one batch after the other, also behind a page."
        yield Fault(where, what, f'Add strategy = "{ROLLING}" to it.')
    if isinstance(placement.batch, int) and placement.batch >= len(placement.instances) > 1:
        what = f"A batch of {placement.batch} is all of {service}: nothing would serve meanwhile."
        yield Fault((*at, "batch"), what, f"Write {len(placement.instances) - 1} at most.")
    if placement.traffic is not None and placement.traffic.force_header:
        what = "A header leads to an arm without traffic, and instances all have some."
        yield Fault((*at, "traffic", "force_header"), what, "Remove it.")
    if kind:
        yield Fault(at, f"A service on {kind} has no instances to name.", "Write id = … instead.")


def check_strategy_of_arms(service: str, environment: EnvironmentSettings, at: Key) -> Iterator[Fault]:
    """Blue and green take turns; there is no batch of them."""
    if find_shape(environment, service).strategy == ROLLING:
        what = f"{service} has two arms, and rolling changes instances."
        yield Fault(at, what, f'Add strategy = "{BLUE_GREEN}" to it, or write instances instead of blue and green.')


def _check_names(service: str, placement: PlacementSettings, where: Key) -> Iterator[Fault]:
    instances = placement.instances
    if len(instances) == 1:
        yield Fault(where, f"{service} has only one instance.", "Add another, or write id = ….")
    if len(instances) > MOST:
        yield Fault(where, f"{service} has {len(instances)} instances.", f"Write {MOST} at most.")
    for name in instances:
        if not NAME.fullmatch(name):
            yield Fault((*where, name), f"{name!r} is no name of an instance.", "Use a-z, 0-9, _ and -.")
    ids = Counter(instance.id for instance in instances.values())
    for name, instance in instances.items():
        if ids[instance.id] > 1:
            yield Fault((*where, name, "id"), f"{instance.id} is named twice.", "Each instance has an id of its own.")

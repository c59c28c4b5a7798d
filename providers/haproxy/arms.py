"""Which servers of a backend belong to which arm, and how percent become their weights. Pure.

HAProxy takes absolute weights of 0 to 256 for each server. (Its relative ones, `50%`, are of the *configured* weight,
and nothing for a server that begins with none.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from console.domain.traffic import whole_percents

if TYPE_CHECKING:
    from providers.haproxy.wire import Server

MOST = 256


def find_arms(servers: Sequence[str], arms: Sequence[str], pattern: str) -> dict[str, list[str]]:
    """Names of each arm's servers: all that fit the pattern with the arm's name in it.

    Raises:
        ValueError: An arm has none, or two arms claim one; says which.
    """
    found = {arm: [name for name in servers if fnmatchcase(name, pattern.replace("{arm}", arm))] for arm in arms}
    empty = [f"{arm} ({pattern.replace('{arm}', arm)})" for arm, names in found.items() if not names]
    if empty:
        raise ValueError(f"has no server for {', '.join(empty)}; it has {', '.join(servers) or 'none'}")
    claimed = [name for names in found.values() for name in names]
    twice = sorted({name for name in claimed if claimed.count(name) > 1})
    if twice:
        raise ValueError(f"has servers that belong to several arms: {', '.join(twice)}")
    return found


def divide(weights: Mapping[str, int], servers: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The weight of each server, so that the arms' sums are exactly as the percent are.

    Servers of an arm get the same weight, all as small as can be: round robin then alternates often. Where that would
    take more than 256, an arm's sum is spread over its servers as evenly as whole numbers allow.
    """
    common = math.gcd(*weights.values()) or 1
    parts = {arm: weights.get(arm, 0) // common for arm in servers}
    factor = math.lcm(*(len(names) // math.gcd(parts[arm], len(names)) for arm, names in servers.items()))
    largest = min((MOST * len(servers[arm]) // part for arm, part in parts.items() if part), default=1)
    factor = min(factor, largest)
    written: dict[str, int] = {}
    for arm, names in servers.items():
        each, more = divmod(parts[arm] * factor, len(names))
        written |= {name: each + (place < more) for place, name in enumerate(names)}
    return written


def read_percent(servers: Sequence[Server], arms: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Whole percent by arm that sum to 100; all nothing where nobody serves."""
    shares = {server.name: server.share for server in servers}
    sums = {arm: sum(shares.get(name, 0) for name in names) for arm, names in arms.items()}
    return dict(zip(sums, whole_percents(list(sums.values())), strict=True))

"""What Cloudflare's load balancing answers with, and what it takes in a change.

Source: developers.cloudflare.com/api, resources load_balancers and load_balancers/pools. Codes and words of refusals
are in no document; those here only have the envelope's form.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from console.playground.emulators.clock import iso
from console.playground.emulators.wire import Refusal

Json = dict[str, Any]

POLICIES = frozenset(
    {"off", "geo", "random", "dynamic_latency", "proximity", "least_outstanding_requests", "least_connections", ""}
)
AFFINITIES = frozenset({"none", "cookie", "ip_cookie", "header"})
ORIGIN_TAKES = frozenset(
    {"name", "address", "enabled", "weight", "header", "virtual_network_id", "port", "flatten_cname"}
)


@dataclass
class Pool:
    """A pool as it is kept. `ill` are the addresses that Cloudflare's checks find unhealthy, and why."""

    body: Json
    ill: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.body["id"])


def build_pool(identity: str, name: str, address: str, at: float) -> Pool:
    origin = {"name": f"{name}-1", "address": address, "enabled": True, "weight": 1, "header": {"Host": [address]}}
    return Pool(
        {
            "id": identity,
            "created_on": iso(at),
            "modified_on": iso(at),
            "name": name,
            "description": "",
            "enabled": True,
            "minimum_origins": 1,
            "monitor": "f1aba936b94213e5b8dca0c0dbf1f9cc",
            "origins": [origin],
            "origin_steering": {"policy": "random"},
        }
    )


def build_balancer(identity: str, name: str, pools: list[str], at: float) -> Json:
    """All requests to the first pool."""
    return {
        "id": identity,
        "created_on": iso(at),
        "modified_on": iso(at),
        "name": name,
        "description": "",
        "enabled": True,
        "proxied": True,
        "ttl": 30,
        "default_pools": pools,
        "fallback_pool": pools[-1],
        "region_pools": {},
        "country_pools": {},
        "pop_pools": {},
        "rules": [],
        "steering_policy": "random",
        "random_steering": {
            "default_weight": 1,
            "pool_weights": {pool: float(not place) for place, pool in enumerate(pools)},
        },
        "session_affinity": "none",
        "session_affinity_ttl": 82800,
        "session_affinity_attributes": {"drain_duration": 60, "samesite": "Auto", "secure": "Auto"},
    }


def build_health(pool: Pool) -> Json:
    """By data centre, each origin under its address."""
    origins = [
        {
            origin["address"]: {
                "healthy": origin["address"] not in pool.ill,
                "failure_reason": pool.ill.get(origin["address"], "No failures"),
                "response_code": 503 if origin["address"] in pool.ill else 200,
                "rtt": "12.1ms",
            }
        }
        for origin in pool.body["origins"]
        if origin["enabled"]
    ]
    well = sum(bool(check["healthy"]) for origin in origins for check in origin.values())
    healthy = pool.body["enabled"] and well >= pool.body["minimum_origins"]
    return {"pool_id": pool.id, "pop_health": {"Amsterdam, NL": {"healthy": healthy, "origins": origins}}}


def patch_balancer(balancer: Json, change: Json, pools: Mapping[str, Pool]) -> Json:
    """The load balancer as it is to be; each property that is named is replaced whole.

    Raises:
        Refusal: 400, a property is unknown or its value cannot be.
    """
    checks: dict[str, Callable[[Any], bool]] = {
        "default_pools": lambda given: isinstance(given, list) and bool(given) and set(given) <= set(pools),
        "fallback_pool": lambda given: given in pools,
        "steering_policy": lambda given: given in POLICIES,
        "random_steering": lambda given: _is_steering(given, pools),
        "session_affinity": lambda given: given in AFFINITIES,
        "session_affinity_ttl": _is_number,
        "session_affinity_attributes": lambda given: isinstance(given, dict),
        "enabled": lambda given: isinstance(given, bool),
        "proxied": lambda given: isinstance(given, bool),
        "ttl": _is_number,
        "description": lambda given: isinstance(given, str),
        "name": lambda given: isinstance(given, str) and bool(given),
        "rules": lambda given: isinstance(given, list),
    }
    return _patched(balancer, change, checks)


def patch_pool(pool: Json, change: Json, at: float) -> Json:
    """The pool as it is to be. An origin that goes off is told since when.

    Raises:
        Refusal: 400, as above.
    """
    checks: dict[str, Callable[[Any], bool]] = {
        "enabled": lambda given: isinstance(given, bool),
        "origins": lambda given: isinstance(given, list) and bool(given) and all(map(_is_origin, given)),
        "name": lambda given: isinstance(given, str) and bool(given),
        "description": lambda given: isinstance(given, str),
        "minimum_origins": _is_number,
        "monitor": lambda given: isinstance(given, str),
        "origin_steering": lambda given: isinstance(given, dict),
    }
    patched = _patched(pool, change, checks)
    before = {origin["name"]: origin for origin in pool["origins"]}
    for origin in patched["origins"]:
        origin.setdefault("enabled", True)
        origin.setdefault("weight", 1)
        if not origin["enabled"]:
            origin["disabled_at"] = before.get(origin["name"], {}).get("disabled_at", iso(at))
    return patched


def _patched(known: Json, change: Json, checks: Mapping[str, Callable[[Any], bool]]) -> Json:
    for name, given in change.items():
        if name not in checks or not checks[name](given):
            raise Refusal(400, f"{name}: validation failed", "1002")
    return {**deepcopy(known), **deepcopy(change)}


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and given >= 0


def _is_share(given: Any) -> bool:
    return _is_number(given) and given <= 1


def _is_steering(given: Any, pools: Mapping[str, Pool]) -> bool:
    if not isinstance(given, dict) or not set(given) <= {"default_weight", "pool_weights"}:
        return False
    weights = given.get("pool_weights", {})
    return (
        _is_share(given.get("default_weight", 1))
        and set(weights) <= set(pools)
        and all(map(_is_share, weights.values()))
    )


def _is_origin(given: Any) -> bool:
    if not isinstance(given, dict) or not set(given) <= ORIGIN_TAKES:
        return False
    return bool(given.get("name")) and bool(given.get("address")) and _is_share(given.get("weight", 1))

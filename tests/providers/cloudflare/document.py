"""Cloudflare's document of load balancing and DNS, as far as we use it: what may be asked, and what is answered.

Written down from developers.cloudflare.com/api (resources load_balancers, load_balancers/pools, zones, dns/records,
user/tokens), which is too large to keep. A name that is not in here is a mistake of ours until somebody has read it
there.
"""

import json
import re
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Any

import httpx

PLACE = r"/client/v4/(?:zones|accounts)/[0-9a-f]{32}/load_balancers"
POOLS = r"/client/v4/accounts/[0-9a-f]{32}/load_balancers/pools"
ID = r"[0-9a-f]{32}"

SHARE = {"minimum": 0, "maximum": 1}
BALANCER: dict[str, Any] = {
    "adaptive_routing": dict,
    "country_pools": dict,
    "default_pools": list,
    "description": str,
    "enabled": bool,
    "fallback_pool": str,
    "location_strategy": dict,
    "name": str,
    "networks": list,
    "pop_pools": dict,
    "proxied": bool,
    "random_steering": {"default_weight": SHARE, "pool_weights": {"*": SHARE}},
    "region_pools": dict,
    "rules": list,
    "session_affinity": str,
    "session_affinity_attributes": {
        "drain_duration": float,
        "headers": list,
        "require_all_headers": bool,
        "samesite": str,
        "secure": str,
        "zero_downtime_failover": str,
    },
    "session_affinity_ttl": float,
    "steering_policy": str,
    "ttl": float,
}
ORIGIN: dict[str, Any] = {
    "address": str,
    "enabled": bool,
    "flatten_cname": bool,
    "header": {"Host": list},
    "name": str,
    "port": float,
    "virtual_network_id": str,
    "weight": SHARE,
}
POOL: dict[str, Any] = {
    "check_regions": list,
    "description": str,
    "enabled": bool,
    "latitude": float,
    "load_shedding": dict,
    "longitude": float,
    "minimum_origins": float,
    "monitor": str,
    "name": str,
    "notification_email": str,
    "notification_filter": dict,
    "origin_steering": {"policy": str},
    "origins": [ORIGIN],
}
TOLD = {"id": str, "created_on": str, "modified_on": str}
ORIGIN_TOLD = {**ORIGIN, "disabled_at": str}
POOL_TOLD = {**POOL, **TOLD, "origins": [ORIGIN_TOLD], "disabled_at": str, "networks": list}
BALANCER_TOLD = {**BALANCER, **TOLD, "zone_name": str}
CHECK = {"failure_reason": str, "healthy": bool, "response_code": float, "rtt": str}
HEALTH_TOLD = {"pool_id": str, "pop_health": {"*": {"healthy": bool, "origins": [{"*": CHECK}]}}}
TOKEN_TOLD = {"id": str, "status": str, "expires_on": str, "not_before": str}

RECORD: dict[str, Any] = {
    "comment": str,
    "content": str,
    "name": str,
    "proxied": bool,
    "settings": dict,
    "tags": list,
    "ttl": float,
    "type": str,
}
RECORD_TOLD = {**RECORD, **TOLD, "comment": str | None, "meta": dict, "proxiable": bool}
BATCH = {
    "deletes": [{"id": str}],
    "patches": [{**RECORD, "id": str}],
    "puts": [{**RECORD, "id": str}],
    "posts": [RECORD],
}
BATCH_TOLD = {key: [RECORD_TOLD] for key in BATCH}
ZONE_TOLD = {"id": str, "name": str, "status": str, "paused": bool, "type": str}
PAGE_TOLD = dict.fromkeys(("page", "per_page", "count", "total_count", "total_pages"), float)
QUERIES = {
    "/client/v4/zones": {"name", "account.id", "page", "per_page"},
    "/dns_records": {"type", "name.exact", "content.exact", "page", "per_page"},
}
"""By the end of a path: the parameters that it takes."""

OPERATIONS: Sequence[tuple[str, str, Any, Any]] = (
    ("GET", r"/client/v4/user/tokens/verify", None, TOKEN_TOLD),
    ("GET", rf"/client/v4/accounts/{ID}/tokens/verify", None, TOKEN_TOLD),
    ("GET", POOLS, None, [POOL_TOLD]),
    ("GET", rf"{POOLS}/{ID}", None, POOL_TOLD),
    ("PATCH", rf"{POOLS}/{ID}", POOL, POOL_TOLD),
    ("GET", rf"{POOLS}/{ID}/health", None, HEALTH_TOLD),
    ("GET", PLACE, None, [BALANCER_TOLD]),
    ("GET", rf"{PLACE}/{ID}", None, BALANCER_TOLD),
    ("PATCH", rf"{PLACE}/{ID}", BALANCER, BALANCER_TOLD),
    ("GET", r"/client/v4/zones", None, [ZONE_TOLD]),
    ("GET", rf"/client/v4/zones/{ID}/dns_records", None, [RECORD_TOLD]),
    ("POST", rf"/client/v4/zones/{ID}/dns_records/batch", BATCH, BATCH_TOLD),
)


def strangers(sent: Iterable[httpx.Request]) -> Sequence[str]:
    """What was asked and the document does not allow."""
    return sorted({words for request in sent for words in _judge_request(request)})


def judge_answer(method: str, path: str, body: Any) -> Sequence[str]:
    """What an answer holds and the document does not know."""
    found = _find(method, path)
    if found is None:
        return [f"operation · {method} {path}"]
    envelope = {"success": bool, "errors": list, "messages": list, "result": found[3], "result_info": PAGE_TOLD}
    return [*_judge(envelope, body, "$")]


def _judge_request(request: httpx.Request) -> Sequence[str]:
    found = _find(request.method, request.url.path)
    if found is None:
        return [f"operation · {request.method} {request.url.path}"]
    known = next((names for end, names in QUERIES.items() if request.url.path.endswith(end)), set())
    if odd := sorted(set(request.url.params) - known):
        return [f"query · {request.url.path}: {', '.join(odd)}"]
    if found[2] is None:
        return [f"body · {request.url.path}"] if request.content else []
    return [f"body · {request.url.path} {words}" for words in _judge(found[2], json.loads(request.content), "$")]


def _find(method: str, path: str) -> tuple[str, str, Any, Any] | None:
    return next((one for one in OPERATIONS if one[0] == method and re.fullmatch(one[1], path)), None)


def _judge(shape: Any, given: Any, at: str) -> Iterable[str]:
    if shape is SHARE:
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
            yield f"{at}: {given!r} is no share"
    elif shape is float:
        if isinstance(given, bool) or not isinstance(given, int | float):
            yield f"{at}: {given!r} is no number"
    elif isinstance(shape, type | UnionType):
        if not isinstance(given, shape):
            yield f"{at}: {given!r} is no {shape}"
    elif isinstance(shape, list):
        if not isinstance(given, list):
            yield f"{at}: {given!r} is no list"
            return
        for place, one in enumerate(given):
            yield from _judge(shape[0], one, f"{at}[{place}]")
    elif not isinstance(given, dict):
        yield f"{at}: {given!r} is no object"
    else:
        for name, one in given.items():
            if name not in shape and "*" not in shape:
                yield f"{at}.{name} is unknown"
            else:
                yield from _judge(shape.get(name, shape.get("*")), one, f"{at}.{name}")

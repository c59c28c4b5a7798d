"""Read what Cloudflare's API answers about load balancers and pools.

Source of names: developers.cloudflare.com/api, resources load_balancers and load_balancers/pools. Everything comes in
an envelope `{success, errors, messages, result}`; these two lists are not paged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from providers.refusals import read_words
from providers.wire import ShapeError, flag, items, need_items, need_table, need_text, number, pick, table, text

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
RANDOM = "random"


@dataclass(frozen=True)
class Origin:
    """One server of a pool. `raw` is all that Cloudflare said, to be sent back when the list is replaced."""

    name: str
    address: str
    enabled: bool
    weight: float
    raw: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True)
class Pool:
    id: str
    name: str
    enabled: bool
    origins: tuple[Origin, ...]
    has_monitor: bool


@dataclass(frozen=True)
class LoadBalancer:
    """A hostname and the pools that share it. Weights are relative, `default_weight` is of pools without one.

    `overrides` names what may send requests elsewhere whatever the weights are.
    """

    id: str
    name: str
    enabled: bool
    proxied: bool
    steering: str
    pools: tuple[str, ...]
    fallback: str
    weights: Mapping[str, float]
    default_weight: float | None
    affinity: str
    affinity_ttl_s: float | None
    affinity_attributes: Mapping[str, object]
    ttl_s: float | None
    overrides: tuple[str, ...]

    def weight_of(self, pool: str) -> float:
        return self.weights.get(pool, 1.0 if self.default_weight is None else self.default_weight)

    @property
    def drain_s(self) -> float | None:
        return number(self.affinity_attributes, "drain_duration")


def unwrap(parse: Callable[[object], T]) -> Callable[[object], T]:
    """A parser of what the envelope holds."""

    def read(body: object) -> T:
        if flag(body, "success") is not True:
            raise ShapeError("it is no answer of Cloudflare's, or one without success")
        return parse(pick(body, "result"))

    return read


def parse_load_balancer(node: object) -> LoadBalancer:
    weights = {name: number(value) for name, value in table(node, "random_steering", "pool_weights").items()}
    return LoadBalancer(
        id=need_text(node, "id"),
        name=text(node, "name"),
        enabled=flag(node, "enabled") is not False,
        proxied=flag(node, "proxied") is True,
        steering=text(node, "steering_policy"),
        pools=tuple(text(pool) for pool in need_items(node, "default_pools")),
        fallback=text(node, "fallback_pool"),
        weights={name: value for name, value in weights.items() if value is not None},
        default_weight=number(node, "random_steering", "default_weight"),
        affinity=text(node, "session_affinity") or "none",
        affinity_ttl_s=number(node, "session_affinity_ttl"),
        affinity_attributes=table(node, "session_affinity_attributes"),
        ttl_s=number(node, "ttl"),
        overrides=tuple(name for name in ("rules", "pool_sets") if _is_on(items(node, name))),
    )


def _is_on(entries: Sequence[object]) -> bool:
    return any(flag(entry, "disabled") is not True for entry in entries)


def parse_pool(node: object) -> Pool:
    return Pool(
        id=need_text(node, "id"),
        name=text(node, "name"),
        enabled=flag(node, "enabled") is not False,
        origins=tuple(_parse_origin(origin) for origin in need_items(node, "origins")),
        has_monitor=bool(text(node, "monitor")) or bool(text(node, "monitor_group")),
    )


def _parse_origin(node: object) -> Origin:
    weight = number(node, "weight")
    return Origin(
        text(node, "name"),
        text(node, "address"),
        flag(node, "enabled") is not False,
        1.0 if weight is None else weight,
        need_table(node),
    )


def parse_list(parse: Callable[[object], T]) -> Callable[[object], Sequence[T]]:
    return lambda node: [parse(one) for one in need_items(node)]


def parse_health(node: object) -> Mapping[str, str]:
    """What Cloudflare's checks say of a pool by data centre; empty where nobody checks.

    The document has one entry without a name where real answers have one for each data centre.
    """
    told = table(need_table(node), "pop_health")
    places = {"all": told} if isinstance(pick(told, "healthy"), bool) else told
    return {place: _say(report) for place, report in places.items() if isinstance(report, Mapping)}


def _say(report: object) -> str:
    reasons = {
        text(check, "failure_reason")
        for origin in items(report, "origins")
        for check in table(origin).values()
        if flag(check, "healthy") is False
    }
    if flag(report, "healthy"):
        return "healthy"
    return f"unhealthy: {', '.join(sorted(filter(None, reasons)))}".removesuffix(": ")


def need_status(node: object) -> str:
    return need_text(node, "status")


def words_of(response: httpx.Response) -> str:
    """The errors of an envelope, with their codes."""
    try:
        body = response.json()
    except ValueError:
        return response.text
    told = [
        " ".join(filter(None, (text(error, "message"), f"({text(error, 'code')})"))) for error in items(body, "errors")
    ]
    return "; ".join(told) or read_words(response)

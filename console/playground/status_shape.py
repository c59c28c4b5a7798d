"""The shape of what `playground status` tells."""

from typing import Any, TypedDict


class Status(TypedDict):
    """What `playground status` tells.

    `requests_total` and `requests_failed` are what the load generator counted since the start, `requests_held_back`
    what it did not send because 64 were in flight already; `failures` are the last 20, `latency_ms` the bounds below
    which 50, 95 and 99 of 100 answers stayed.

    `services` are those of production by their plain name, others as `<environment>-<service>`: `weights` is whole
    percent by arm as read back from the edge, `instances` the running processes.

    `changes` counts what each platform was made to do; for `caddy` how often the weights changed, for `supabase`
    also each migration recorded or taken back over a direct connection. `kinds` tells the same by kind.

    `answers` counts by platform the requests that `came` and those `spoilt` by a fault, by its kind. `limits` tells by
    platform and limit what the busiest window (`window`, in seconds) took of it, and how many requests found none left.
    """

    requests_total: int
    requests_failed: int
    requests_held_back: int
    rps: float
    keep_alive_share: float
    latency_ms: dict[str, float | None]
    by_release: dict[str, dict[str, int]]
    failures: list[dict[str, Any]]
    releases: list[dict[str, Any]]
    services: dict[str, dict[str, Any]]
    changes: dict[str, int]
    kinds: dict[str, dict[str, int]]
    answers: dict[str, dict[str, Any]]
    limits: dict[str, dict[str, dict[str, Any]]]
    migrations: dict[str, dict[str, int]]
    faults: dict[str, dict[str, Any]]
    edge_url: str
    config: str
    processes: list[dict[str, Any]]

"""What an operator configures to reach HAProxy's runtime socket."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

ARMS = ("blue", "green")
BOUNDS_MS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000)
"""Each at most twice the one before, so that +20 % of latency moves requests across one of them."""


class RouteSettings(BaseModel):
    """One backend whose weights are moved; the route's name is the backend's.

    `metrics` names the servers of an arm, `{arm}` standing for the arm and `*` for anything: `{arm}-*` are
    `green-1` and `green-2`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    arms: tuple[str, ...] = ARMS
    metrics: str = "{arm}"


class HAProxySettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "haproxy"`.

    `socket` is `unix:///PATH` or `tcp://HOST:PORT`, of level admin. `state_file` is HAProxy's `server-state-file`,
    written after every change so that a reload keeps the weights; `config` its configuration, only read to check it.
    `latency_table` is a stick table in which answers are counted by server and time, `latency_bounds_ms` its bounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["haproxy"] = "haproxy"
    socket: str = Field("unix:///run/haproxy/admin.sock", pattern=r"^(unix:(//)?/.+|tcp://[^/:]+:\d+)$")
    state_file: str = ""
    config: str = ""
    latency_table: str = Field("{route}_latency", pattern=r"^[A-Za-z0-9_.:{}-]*$")
    latency_bounds_ms: tuple[int, ...] = BOUNDS_MS
    routes: Mapping[str, RouteSettings] = Field(default_factory=dict)

    def route(self, name: str) -> RouteSettings:
        """Of one route; what is usual where nothing is written about it."""
        return self.routes.get(name) or RouteSettings()

    @field_validator("latency_bounds_ms")
    @classmethod
    def _rise(cls, bounds: tuple[int, ...]) -> tuple[int, ...]:
        if not bounds or bounds[0] < 1 or any(a >= b for a, b in itertools.pairwise(bounds)):
            raise ValueError("the bounds must be whole milliseconds that rise")
        return bounds

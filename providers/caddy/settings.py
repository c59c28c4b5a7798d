"""What an operator configures to reach Caddy's admin API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

ARMS = ("blue", "green")


class RouteSettings(BaseModel):
    """One route whose weights are moved.

    `arms` names the arms in the order of the handler's upstreams, or gives each arm's dial address. `metrics` is the
    name of an arm's server in Caddy's counters, `{arm}` standing for the arm.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    arms: tuple[str, ...] | Mapping[str, str] = ARMS
    metrics: str = "{arm}"


class CaddySettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "caddy"`.

    Addresses are `http://HOST:PORT` or `unix:///PATH`. `metrics_url` is the admin API of another Caddy that counts the
    arms, where it is not the one that divides the traffic. `token` is for an admin API behind a proxy that asks for
    one; Caddy's own has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["caddy"] = "caddy"
    admin_url: str = "http://127.0.0.1:2019"
    metrics_url: str = ""
    token: SecretStr = SecretStr("")
    routes: Mapping[str, RouteSettings] = Field(default_factory=dict)

"""What an operator configures to reach Cloudflare's load balancing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

ARMS = ("blue", "green")


class RouteSettings(BaseModel):
    """One load balancer; the route's name is its hostname or its id. `metrics` is the name of an arm's pool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arms: tuple[str, ...] = ARMS
    metrics: str = "{arm}"


class CloudflareSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "cloudflare"`.

    `account` holds the pools, `zone` the load balancers; without a zone they are the account's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["cloudflare"] = "cloudflare"
    base_url: str = "https://api.cloudflare.com/client/v4"
    token: SecretStr
    account: str = Field(pattern=r"^[0-9a-f]{32}$")
    zone: str = Field("", pattern=r"^([0-9a-f]{32})?$")
    routes: Mapping[str, RouteSettings] = Field(default_factory=dict)

    def route(self, name: str) -> RouteSettings:
        """Of one route; what is usual where nothing is written about it."""
        return self.routes.get(name) or RouteSettings()

"""What an operator configures about probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class WebSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "web"`; every key has a default.

    Args:
        headers: Sent with every probe, e.g. the header that lets it through a deployment's protection.
        fresh_connections: Connect anew for each probe, so that name, TLS and listener are asked as well. Otherwise
            connections are kept and the latency is the service's own.
        verify: Whether certificates must be valid. Where they need not be, their age is not told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["web"] = "web"
    headers: Mapping[str, str] = Field(default_factory=dict)
    fresh_connections: bool = False
    verify: bool = True

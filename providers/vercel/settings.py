"""What an operator configures to reach Vercel."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr


class VercelSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "vercel"`; `token` arrives resolved.

    `team` (its id `team_…`, or its slug) goes with every call; without one the token's own account is meant.
    `url_scheme` is what stands in front of the host names that Vercel reports.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["vercel"] = "vercel"
    base_url: str = "https://api.vercel.com"
    token: SecretStr
    team: str = ""
    url_scheme: Literal["https", "http"] = "https"

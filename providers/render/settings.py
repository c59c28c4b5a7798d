"""What an operator configures to reach Render."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class RenderSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "render"`; `token` arrives resolved.

    `owner` is the workspace (`tea-…` or `usr-…`); without one, all that the token sees are listed. `poll_interval`
    is how often a deploy in progress is looked at; Render allows 400 reads a minute.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["render"] = "render"
    base_url: str = "https://api.render.com/v1"
    token: SecretStr
    owner: str = ""
    poll_interval: timedelta = Field(default=timedelta(seconds=2), gt=timedelta(0))

"""What an operator configures to reach Render."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr


class RenderSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "render"`; `token` arrives resolved.

    `owner` is the workspace (`tea-…` or `usr-…`); without one, all that the token sees are listed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["render"] = "render"
    base_url: str = "https://api.render.com/v1"
    token: SecretStr
    owner: str = ""

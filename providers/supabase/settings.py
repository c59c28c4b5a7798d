"""What an operator configures to reach Supabase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class SupabaseSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "supabase"`; `token` arrives resolved.

    `databases` gives the address of each project's database by the project's ref; it comes from the environments'
    `database_url`. Migrations need a direct or session-mode connection (port 5432).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["supabase"] = "supabase"
    base_url: str = "https://api.supabase.com"
    token: SecretStr
    databases: Mapping[str, SecretStr] = Field(default_factory=dict)

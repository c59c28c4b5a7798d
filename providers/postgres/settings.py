"""What an operator configures to reach databases on servers of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class PostgresSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "postgres"`: any PostgreSQL, wherever it runs.

    `databases` gives the address of each database by the `id` of its service; it comes from the environments'
    `database_url`. Migrations need a direct or session-mode connection.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["postgres"] = "postgres"
    databases: Mapping[str, SecretStr] = Field(default_factory=dict)

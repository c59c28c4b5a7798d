"""What an operator configures to learn of issues that users report."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class ReportsSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "reports"`: an API like Sentry's, or a file of JSON lines.

    Args:
        base_url: Where Sentry is, for one of your own; without `/api/0`.
        organization: Its short name there.
        token: A token with the scopes `event:read` and `org:read`.
        file: Absolute path of a file to which a collector appends a line of JSON for each report.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["reports"] = "reports"
    base_url: str = Field("https://sentry.io", pattern=r"^https?://[^/\s]+\S*$")
    organization: str = Field("", pattern=r"^[A-Za-z0-9_-]*$")
    token: SecretStr | None = None
    file: str = Field("", pattern=r"^(/.+)?$")

    @model_validator(mode="after")
    def _has_one_source(self) -> ReportsSettings:
        if bool(self.file) == bool(self.organization):
            raise ValueError("reports come from an organization at Sentry or from a file: write one of them")
        if self.organization and self.token is None:
            raise ValueError("an organization is asked with a token")
        return self

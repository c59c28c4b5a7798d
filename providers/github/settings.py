"""What an operator configures to reach GitHub."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class GitHubSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "github"`; `token` arrives resolved.

    `repository` is `owner/name`. GitHub Enterprise Server answers at `https://HOST/api/v3`. `required_checks` names
    checks that must have passed; without any, what GitHub lists for a commit is what counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["github"] = "github"
    base_url: str = "https://api.github.com"
    token: SecretStr
    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
    required_checks: tuple[str, ...] = ()

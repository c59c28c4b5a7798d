"""What an operator configures to reach GitHub."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class GitHubSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "github"`; `token` and `private_key` arrive resolved.

    `repository` is `owner/name`. GitHub Enterprise Server answers at `https://HOST/api/v3`. `required_checks` names
    checks that must have passed; without any, what GitHub lists for a commit is what counts.

    A token, or an App: its client id (or number) and a private key of it. `installation` is the number of the App's
    installation; GitHub tells it by the repository where it is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["github"] = "github"
    base_url: str = "https://api.github.com"
    token: SecretStr | None = None
    app: str = ""
    private_key: SecretStr | None = None
    installation: str = Field(default="", pattern=r"^\d*$")
    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
    required_checks: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way_in(self) -> GitHubSettings:
        if (self.token is None) is (self.private_key is None):
            raise ValueError("Give either a token, or an App's app and private_key")
        if (self.private_key is None) is bool(self.app):
            raise ValueError("An App takes both app and private_key")
        return self

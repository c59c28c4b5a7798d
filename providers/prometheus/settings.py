"""What an operator configures to reach a Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class PrometheusSettings(BaseModel):
    """One `[providers.NAME]` block with `kind = "prometheus"`.

    Args:
        base_url: Where `/api/v1` is, without it; Thanos, Mimir and VictoriaMetrics have a prefix here.
        token: Sent as a bearer token.
        username, password: Sent as basic authentication.
        headers: Sent with every question, as the tenant of a shared store.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["prometheus"] = "prometheus"
    base_url: str = Field(pattern=r"^https?://[^/\s]+\S*$")
    token: SecretStr | None = None
    username: str = ""
    password: SecretStr | None = None
    headers: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _authenticates_one_way(self) -> PrometheusSettings:
        if self.token is not None and self.username:
            raise ValueError("it is asked with a token or with a username and password: write one of them")
        if bool(self.username) != (self.password is not None):
            raise ValueError("username and password belong together")
        return self

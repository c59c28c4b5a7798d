"""Conditions of a pipeline's steps: a table whose lines must all hold, with `not` and `any`; no expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from console.config.environments import Tier
from console.config.shape import Section

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Outcome = Literal["succeeded", "failed", "always"]

HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"
_LIST_OF_TEXT: Mapping[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _choices(words: tuple[str, ...]) -> dict[str, Any]:
    one = {"enum": list(words)}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1), WithJsonSchema(dict(_LIST_OF_TEXT))]
Tiers = Annotated[
    tuple[Tier, ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    WithJsonSchema(_choices(tuple(tier.value for tier in Tier))),
]
Days = Annotated[tuple[Day, ...], BeforeValidator(_listed), Field(min_length=1), WithJsonSchema(_choices(DAYS))]


class Condition(Section):
    """Holds when every line of it holds. Everything it asks is fixed when the plan is made."""

    environment: Names | None = None
    """The environment is one of these."""
    tier: Tiers | None = None
    """The environment's tier is one of these."""
    service: Names | None = None
    """At least one of these services is part of the deployment."""
    release: Names | None = None
    """The release's name fits one of these patterns, where `*` stands for anything."""
    branch: Names | None = None
    """The branch that the environment deploys fits one of these patterns."""
    migrations: bool | None = None
    """Whether there are migrations to apply."""
    first: bool | None = None
    """Whether nothing of what is deployed was live before."""
    emergency: bool | None = None
    """Whether it is an emergency deployment."""
    weekday: Days | None = None
    """The day on which the plan is made is one of these, in `zone`."""
    hours: str | None = Field(None, pattern=HOURS)
    """The plan is made within these hours of the day, in `zone`: `08:00-18:00`; `22:00-06:00` goes past midnight."""
    zone: str = "UTC"
    """The time zone of `weekday` and `hours`, such as `Europe/Berlin`."""
    not_: Condition | None = Field(None, alias="not")
    """This must not hold."""
    any: tuple[Condition, ...] | None = Field(None, min_length=1)
    """At least one of these holds."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"zone"}:
            raise ValueError("a condition without a line says nothing")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {self.zone!r}") from None
        return self

    @property
    def between(self) -> tuple[time, time] | None:
        """The hours, from and until; None where they do not matter."""
        if self.hours is None:
            return None
        begin, _, end = self.hours.partition("-")
        return time.fromisoformat(begin), time.fromisoformat(end)


class When(Condition):
    """When a step is done."""

    outcome: Outcome = "succeeded"
    """`succeeded`: after the steps it needs. `failed`: only if the deployment is taken back. `always`: both."""


PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\.before)?\}")

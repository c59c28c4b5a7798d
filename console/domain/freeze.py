"""Freezes: stretches of time in which nothing goes forward in an environment, or of some services in it.

Coming back is never frozen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from console.domain.ids import Actor, EnvironmentName, ServiceName

FreezeId = NewType("FreezeId", str)


@dataclass(frozen=True)
class FreezeWish:
    """A freeze that somebody asks for. Both times are aware; it ends at `ends_at` by itself.

    `services` are the only ones it holds; empty for everything in the environment.
    """

    environment: EnvironmentName
    begins_at: datetime
    ends_at: datetime
    reason: str
    services: tuple[ServiceName, ...] = ()


@dataclass(frozen=True)
class FreezeSpan:
    """One stretch of time. One of the configuration has its `window` and no `id`; one of a person has `by` and `id`."""

    environment: EnvironmentName
    begins_at: datetime
    ends_at: datetime
    reason: str
    id: str = ""
    by: str = ""
    window: str = ""
    services: tuple[ServiceName, ...] = ()

    def holds_at(self, now: datetime) -> bool:
        return self.begins_at <= now < self.ends_at

    def concerns(self, services: Collection[str]) -> bool:
        """Whether it is about any of them; what names no service is about the whole environment."""
        return not self.services or not services or any(name in self.services for name in services)

    @property
    def scope(self) -> str:
        """` for api, worker`, or nothing where it holds everything."""
        return f" for {', '.join(self.services)}" if self.services else ""

    @property
    def source(self) -> str:
        """`ann, f-261122-061603-k3f9`, or the window of the configuration."""
        return f"{self.by}, {self.id}" if self.id else f"configured: {self.window}"


@dataclass(frozen=True)
class Freeze:
    """A freeze that was added by hand, as it is on record; a lifted one holds no longer."""

    id: FreezeId
    environment: EnvironmentName
    begins_at: datetime
    ends_at: datetime
    reason: str
    added_by: Actor
    added_at: datetime
    lifted_at: datetime | None = None
    lifted_by: Actor | None = None
    why_lifted: str = ""
    services: tuple[ServiceName, ...] = ()

    @property
    def span(self) -> FreezeSpan:
        return FreezeSpan(
            self.environment,
            self.begins_at,
            self.ends_at,
            self.reason,
            self.id,
            self.added_by,
            services=self.services,
        )


def find_holding(spans: Iterable[FreezeSpan], now: datetime) -> tuple[FreezeSpan, ...]:
    """Those that hold now, the one that ends last first."""
    return tuple(sorted((span for span in spans if span.holds_at(now)), key=lambda span: span.ends_at, reverse=True))


def find_next(spans: Iterable[FreezeSpan], now: datetime) -> FreezeSpan | None:
    """The first that is still to begin."""
    return min((span for span in spans if span.begins_at > now), key=lambda span: span.begins_at, default=None)


def say_until(span: FreezeSpan) -> str:
    """`frozen for api until 2026-11-30 08:00 UTC: Black Friday (ann, f-…)`."""
    return f"frozen{span.scope} until {span.ends_at:%Y-%m-%d %H:%M} UTC: {span.reason} ({span.source})"


def say_from(span: FreezeSpan) -> str:
    """`frozen from 2026-11-27 16:00 until 2026-11-30 08:00 UTC: the weekend (configured: …)`."""
    begin = f"{span.begins_at:%Y-%m-%d %H:%M}"
    return f"frozen{span.scope} from {begin} until {span.ends_at:%Y-%m-%d %H:%M} UTC: {span.reason} ({span.source})"

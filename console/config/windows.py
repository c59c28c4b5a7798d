"""Windows of time in settings: text that is checked when the configuration is read."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from console.config.shape import Duration, Section
from console.domain.windows import parse_window


def _window(text: str) -> str:
    parse_window(text)
    return text


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as problem:
        raise ValueError(f"{name!r} is no time zone known on this host, as Europe/Berlin") from problem
    return name


WindowText = Annotated[str, AfterValidator(_window)]
TimezoneName = Annotated[str, AfterValidator(_timezone)]


class FreezeSettings(Section):
    """`[[environments.NAME.freezes]]`: when nothing goes forward there. Coming back is never frozen."""

    window: WindowText
    """When: `fri 16:00-mon 08:00`, `daily 22:00-06:00`, `2026-12-20 18:00-2027-01-04 08:00`."""
    timezone: TimezoneName = "UTC"
    """Whose wall clock the window means, as `Europe/Berlin`."""
    reason: str = Field(min_length=1)
    """Why; whoever is refused reads it."""
    services: tuple[str, ...] = ()
    """The only services it holds; empty for everything in the environment."""


class ScheduleSettings(Section):
    """`[environments.NAME.schedule]`: deployments that begin at a moment to come."""

    grace: Duration = Field(timedelta(minutes=15), ge=timedelta())
    """How late one may begin, where the worker was down or a platform silent; later it is missed, and not started."""

"""Settings of holding pages: what they say, where they are put up, and when by themselves."""

from __future__ import annotations

from pydantic import Field, field_validator

from console.config.shape import Section
from console.config.windows import TimezoneName, WindowText


class PageSettings(Section):
    """The route before which the holding page of a service is put up, where that is not its traffic's."""

    router: str
    """Name of the provider that routes."""
    route: str
    """The router's name of the route."""


class MaintenanceSettings(Section):
    """`[environments.NAME.maintenance]`: what visitors see while it is in maintenance."""

    message: str = ""
    """What the page says; empty for a sentence of ours. Only a router's page can say it."""
    page: str = ""
    """Address of the page that a platform shows in its maintenance mode; empty for the platform's own."""
    open_paths: tuple[str, ...] = ()
    """Paths that still reach the service, as `/health` or `/internal/*`; only behind a router's page."""
    windows: tuple[WindowText, ...] = ()
    """When maintenance begins and ends by itself: `sun 02:00-04:00`, `daily 03:00-03:30`, `2026-12-01 22:00-02:00`."""
    timezone: TimezoneName = "UTC"
    """Whose wall clock the windows mean, as `Europe/Berlin`."""
    services: tuple[str, ...] = ()
    """Services of the windows; empty for all that can show a page."""
    stop_old: bool = Field(True)
    """Whether `recreate` stops the old arm before a schema changes; without it the old arm idles beside."""

    @field_validator("open_paths")
    @classmethod
    def _are_paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            if not path.startswith("/"):
                raise ValueError(f"{path!r} is no path: it begins with /")
        return paths

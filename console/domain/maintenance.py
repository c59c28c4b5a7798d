"""Maintenance of an environment: what is asked for, and the pages that are up by our own record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from console.domain.ids import Actor, DeploymentId, ServiceName

MAINTENANCE = "maintenance"
"""The strategy that puts pages up or takes them away, and deploys nothing."""

NO_PAGE_UP = "No service shows a holding page; there is nothing to take away."
"""The refusal of an end of maintenance where there is none."""


@dataclass(frozen=True)
class MaintenanceWish:
    """`until` is when the pages go away by themselves, None for never. `window` is a window of the configuration that
    has begun, empty for what a person asks for; `ends` a maintenance whose time is over.
    """

    on: bool
    until: datetime | None = None
    message: str = ""
    window: str = ""
    ends: DeploymentId | None = None


@dataclass(frozen=True)
class OpenPage:
    """A page that is up by our record, who had it put up and until when."""

    service: ServiceName
    since: datetime
    deployment: DeploymentId
    by: Actor
    until: datetime | None = None
    message: str = ""


def say_pages(pages: tuple[OpenPage, ...], unknown: tuple[ServiceName, ...] = ()) -> Iterator[str]:
    """One sentence for all that began together; `unknown` show a page that is not on our record."""
    for deployment in dict.fromkeys(page.deployment for page in pages):
        these = [page for page in pages if page.deployment == deployment]
        one = these[0]
        end = f"until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else "until somebody ends it"
        names = ", ".join(page.service for page in these)
        yield f"maintenance of {names} since {one.since:%Y-%m-%d %H:%M} UTC by {one.by}, {end}"
    if unknown:
        yield f"{', '.join(unknown)} shows a holding page that somebody put up elsewhere"

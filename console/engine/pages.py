"""Where the services of an environment can show a holding page, and whether they do. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from console.config.settings import Settings
from console.domain.errors import ConsoleError
from console.domain.ids import EnvironmentName, ServiceName
from console.planning.live import LivePage
from console.watch.pages import PagePlace, page_places
from providers.contract import Connection, Unsupported


async def fetch_pages(
    settings: Settings, connections: Mapping[str, Connection], environment: EnvironmentName
) -> dict[ServiceName, LivePage]:
    """By service, all that people could be shown a page instead of; a database is none."""
    places = page_places(settings, environment)
    found = await asyncio.gather(*(_fetch(connections, place) for place in places))
    return {place.service: page for place, page in zip(places, found, strict=True)}


async def _fetch(connections: Mapping[str, Connection], place: PagePlace) -> LivePage:
    page = LivePage(place.provider, place.target, place.by_router)
    connection = connections.get(place.provider)
    if connection is None:
        return replace(page, cannot=f"No provider is called {place.provider!r}.")
    can = connection.capabilities
    for offered in (can.maintain, can.pages):
        if isinstance(offered, Unsupported):
            return replace(page, cannot=" ".join(part for part in (offered.reason, offered.remedy) if part))
    if isinstance(can.pages, Unsupported):
        return page
    try:
        shown = await can.pages.fetch_page(place.target)
    except ConsoleError as problem:
        return replace(page, problem=" ".join(part for part in (problem.what, problem.remedy) if part))
    return replace(page, on=shown.on, cannot=shown.cannot)

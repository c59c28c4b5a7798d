"""A holding page before a route: 503 with a page for everybody, while the route behind it stays as it is.

The handler with the route's id is wrapped in a `subroute` with an id of its own, whose first route answers the page and
whose second holds the handler, id and all: weights can be read and moved meanwhile. Taking the page away puts the
handler back where it was. Both are one change of Caddy's configuration, refused when somebody else changed it since it
was read.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from console.domain.errors import Rejected
from providers.caddy.page import write_page
from providers.contract import Maintain, Page
from providers.ensuring import Setting
from providers.wire import items

if TYPE_CHECKING:
    from providers.caddy.client import CaddyClient, SeenNode

Json = dict[str, Any]

ROUNDS = 5
"""How often a change that met somebody else's is tried on what they left."""

RETRY_AFTER_S = 120
"""What a page without a known end tells browsers and crawlers."""


def page_id(route: str) -> str:
    """The id of what stands before the route while its page is up."""
    return f"{route}-holding-page"


class HoldingPages:
    """`PageSource`."""

    def __init__(self, client: CaddyClient) -> None:
        self._client = client

    async def fetch_page(self, target: str) -> Page:
        is_on = await self._client.fetch_node(page_id(target)) is not None
        if not is_on and await self._client.fetch_node(target) is None:
            raise Rejected(
                self._client.admin.provider,
                f"Caddy has no handler with the id {target!r}.",
                f"GET /id/{target}",
                f'Give the handler of the route "@id": "{target}" in Caddy\'s configuration.',
            )
        return Page(is_on)


def make_holding(client: CaddyClient) -> Setting[Maintain]:
    async def holds(request: Maintain) -> bool | None:
        seen = await client.fetch_node(page_id(request.target))
        if seen is not None:
            return request.on and _routes(client, seen)[0] == build_page_route(request)
        return None if await client.fetch_node(request.target) is None else not request.on

    async def write(request: Maintain) -> None:
        for _ in range(ROUNDS):
            if await (_put_up(client, request) if request.on else _take_away(client, request.target)):
                return

    def say(request: Maintain) -> str:
        return f"the holding page is {'up' if request.on else 'away'}"

    return Setting(Maintain, holds=holds, write=write, say=say)


async def _put_up(client: CaddyClient, request: Maintain) -> bool:
    """False when somebody else changed it meanwhile."""
    name = page_id(request.target)
    page = build_page_route(request)
    seen = await client.fetch_node(name)
    if seen is not None:
        shown, *behind_it = _routes(client, seen)
        return shown == page or await client.put_node(name, {**seen.node, "routes": [page, *behind_it]}, seen.tag)
    behind = await client.fetch_node(request.target)
    if behind is None:
        return True
    wrapped = {"@id": name, "handler": "subroute", "routes": [page, {"handle": [behind.node]}]}
    return await client.put_node(request.target, wrapped, behind.tag)


async def _take_away(client: CaddyClient, route: str) -> bool:
    seen = await client.fetch_node(page_id(route))
    if seen is None:
        return True
    behind = _routes(client, seen)[-1]["handle"][0]
    return await client.put_node(page_id(route), behind, seen.tag)


def build_page_route(request: Maintain) -> Json:
    """Caddy's route that answers the page, to all paths but those that stay open."""
    headers = {
        "Content-Type": ["text/html; charset=utf-8"],
        "Cache-Control": ["no-store"],
        "Retry-After": [format_datetime(request.until, usegmt=True) if request.until else str(RETRY_AFTER_S)],
    }
    answer = {
        "handler": "static_response",
        "status_code": 503,
        "headers": headers,
        "body": write_page(request.message, request.until),
    }
    route: Json = {"handle": [answer]}
    if request.open_paths:
        route["match"] = [{"not": [{"path": list(request.open_paths)}]}]
    return route


def _routes(client: CaddyClient, seen: SeenNode) -> list[Any]:
    """The page and what is behind it. Raises Rejected where something of this name is no page of ours."""
    routes = [*items(seen.node, "routes")]
    if len(routes) == 2 and items(routes[1], "handle"):
        return routes
    raise Rejected(
        client.admin.provider,
        "What stands before Caddy's route is no holding page: a page, and then the route's own handler.",
        f"GET /id/{seen.node.get('@id')}",
        "Put the route's handler back by hand in Caddy's configuration.",
    )

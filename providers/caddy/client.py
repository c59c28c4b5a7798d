"""The calls to Caddy's admin API, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from console.domain.errors import Rejected, UnexpectedReply
from providers.caddy.wire import Handler, parse_counters, parse_handler, parse_node, parse_run, parse_underway
from providers.http import ProviderHttp, segment
from providers.redaction import excerpt
from providers.wire import ShapeError

if TYPE_CHECKING:
    from providers.contract import ArmCounters

CHANGED_MEANWHILE = 412

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """A handler as it was read. A change that carries `tag` is refused once the handler has changed."""

    handler: Handler
    tag: str


@dataclass(frozen=True)
class SeenNode:
    """Any part of the configuration that has an id, as it was read, and the tag of that."""

    node: dict[str, Any]
    tag: str


class CaddyClient:
    """Raises the contract's errors, as `ProviderHttp` does.

    Args:
        admin: The Caddy that divides the traffic.
        metrics: The Caddy that counts; often the same.
    """

    def __init__(self, admin: ProviderHttp, metrics: ProviderHttp) -> None:
        self.admin = admin
        self.metrics = metrics
        self._seen: dict[str, Seen] = {}

    async def fetch_admin(self) -> None:
        """Ask for the smallest part of the configuration; what it holds does not matter."""
        await self.admin.send("GET", "/config/admin")

    async def fetch_handler(self, route: str) -> Seen:
        seen = await self.fetch_handler_or_none(route)
        if seen is None:
            raise Rejected(
                self.admin.provider,
                f"Caddy has no handler with the id {route!r}.",
                f"GET /id/{route}",
                f'Give the reverse_proxy handler of the route "@id": "{route}" in Caddy\'s configuration.',
            )
        return seen

    async def fetch_handler_or_none(self, route: str) -> Seen | None:
        self._seen.pop(route, None)
        reply = await self.admin.send("GET", f"/id/{segment(route)}", accept=(404,))
        if reply.status == 404:
            return None
        seen = Seen(self.admin.decode(reply, parse_handler), reply.headers.get("etag", ""))
        if seen.tag:
            self._seen[route] = seen
        return seen

    def recall_handler(self, route: str) -> Seen | None:
        """The handler as it was last read, good for a change that its tag guards; None where it is not known.

        A rollback saves a call: whoever watches a rollout has read the route a moment ago.
        """
        return self._seen.get(route)

    async def put_weights(self, route: str, weights: Sequence[int], tag: str) -> bool:
        """Replace a handler's weights in one step; False when it had changed since it was read."""
        reply = await self.admin.send(
            "PATCH",
            f"/id/{segment(route)}/load_balancing/selection_policy/weights",
            json=list(weights),
            headers={"if-match": tag} if tag else {},
            # A repetition of what took effect already is refused by its tag.
            repeatable=bool(tag),
            accept=(CHANGED_MEANWHILE,),
        )
        self._seen.pop(route, None)
        return reply.status != CHANGED_MEANWHILE

    async def fetch_node(self, name: str) -> SeenNode | None:
        """The handler with this id, whatever kind it is; None where nothing is called so."""
        reply = await self.admin.send("GET", f"/id/{segment(name)}", accept=(404,))
        if reply.status == 404:
            return None
        return SeenNode(self.admin.decode(reply, parse_node), reply.headers.get("etag", ""))

    async def put_node(self, name: str, node: Mapping[str, Any], tag: str) -> bool:
        """Put another handler into the place of the one with this id; False when it had changed since it was read."""
        self._seen.clear()
        reply = await self.admin.send(
            "PATCH",
            f"/id/{segment(name)}",
            json=node,
            headers={"if-match": tag} if tag else {},
            repeatable=bool(tag),
            accept=(CHANGED_MEANWHILE, 404),
        )
        return reply.status < 400

    async def fetch_counters(self) -> dict[str, ArmCounters]:
        return await self._fetch_page(self.metrics, parse_counters)

    async def fetch_underway(self) -> dict[str, int]:
        """Requests under way by the address of the upstream."""
        reply = await self.admin.send("GET", "/reverse_proxy/upstreams")
        return self.admin.decode(reply, parse_underway)

    async def fetch_run(self) -> str:
        return await self._fetch_page(self.admin, parse_run)

    async def _fetch_page(self, http: ProviderHttp, parse: Callable[[str], T]) -> T:
        reply = await http.send("GET", "/metrics", as_text=True)
        try:
            return parse(reply.text)
        except ShapeError as problem:
            shown = excerpt(http.redact(reply.text))
            raise UnexpectedReply(
                http.provider,
                f"Caddy sent an answer of a shape not known here: {problem}: {shown}",
                "GET /metrics",
                "Check the address of [providers] admin_url, and that nothing answers in Caddy's place.",
            ) from problem

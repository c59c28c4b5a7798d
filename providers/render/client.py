"""Render's HTTP calls that the engine needs, and how any list is read: one exchange or the pages of one list each.

What only the desk asks stands with its idea, in a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from providers.http import ProviderHttp, Reply, segment
from providers.render import wire

if TYPE_CHECKING:
    from providers.render.wire import Deploy, Event, LogPage, Page, Series, Service

T = TypeVar("T")

PAGE = 100
PAGES_AT_MOST = 50
CHANGES_COUNTED_BY_SERVICE = ("deploys", "suspend", "resume", "scale")
COUNTED_BY_THE_HOUR = {"custom-domains": "adding domains", "jobs": "running jobs"}


def limit_class(method: str, path: str) -> str:
    """Name the limit that a call counts against.

    Reading (400 a minute), changing (100 a minute), the ten a minute of one service, and those counted by the hour:
    domains that are added (50) and jobs that are run (2000).
    """
    if method == "GET":
        return "reading"
    parts = path.strip("/").split("/")
    own = parts[0] == "services" and len(parts) > 1
    if own and (method == "PATCH" or (len(parts) == 3 and parts[2] in CHANGES_COUNTED_BY_SERVICE)):
        return f"changing {parts[1]}"
    if own and method == "POST" and len(parts) == 3 and parts[2] in COUNTED_BY_THE_HOUR:
        return COUNTED_BY_THE_HOUR[parts[2]]
    return "changing"


def write_time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class RenderClient:
    """Raises the contract's errors, as `ProviderHttp` does."""

    def __init__(self, http: ProviderHttp) -> None:
        self.http = http

    async def fetch_user(self) -> str:
        return await self.http.fetch("/users", wire.parse_user)

    async def fetch_owners(self) -> Mapping[str, str]:
        """Workspaces that the token sees: id to name."""
        return dict(await self.fetch_list("/owners", "owner", wire.parse_owner))

    async def fetch_service(self, service: str) -> Service:
        return await self.http.fetch(f"/services/{segment(service)}", wire.parse_service)

    async def fetch_service_or_none(self, service: str) -> Service | None:
        return await self.http.fetch_or_none(f"/services/{segment(service)}", wire.parse_service)

    async def fetch_services(self, owner: str) -> Sequence[Service]:
        params = {"ownerId": owner} if owner else {}
        return await self.fetch_list("/services", "service", wire.parse_service, params)

    async def fetch_deploys(self, service: str, limit: int = PAGE, status: Sequence[str] = ()) -> Sequence[Deploy]:
        """The newest deploys, newest first; at most one page."""
        read = wire.parse_page("deploy", wire.parse_deploy)
        params = {"limit": limit, "status": list(status)}
        return (await self.http.fetch(f"/services/{segment(service)}/deploys", read, params)).items

    async def fetch_deploy_or_none(self, service: str, deploy: str) -> Deploy | None:
        path = f"/services/{segment(service)}/deploys/{segment(deploy)}"
        return await self.http.fetch_or_none(path, wire.parse_deploy)

    async def create_deploy(self, service: str, artifact: Mapping[str, str]) -> Deploy | None:
        """Deploy what is named by `commitId`, `imageUrl` or `buildId`.

        None when it was queued behind another deploy: Render's answer is then empty and names no id.
        """
        path = f"/services/{segment(service)}/deploys"
        return self._deploy_of(await self.http.send("POST", path, json=artifact))

    async def cancel_deploy(self, service: str, deploy: str) -> None:
        path = f"/services/{segment(service)}/deploys/{segment(deploy)}/cancel"
        await self.http.send("POST", path, repeatable=True)

    async def roll_back(self, service: str, deploy: str) -> Deploy | None:
        path = f"/services/{segment(service)}/rollback"
        return self._deploy_of(await self.http.send("POST", path, json={"deployId": deploy}))

    async def suspend(self, service: str) -> None:
        await self.http.send("POST", f"/services/{segment(service)}/suspend", repeatable=True)

    async def resume(self, service: str) -> None:
        await self.http.send("POST", f"/services/{segment(service)}/resume", repeatable=True)

    async def set_auto_deploy(self, service: str, on: bool) -> None:
        await self.update_service(service, {"autoDeploy": "yes" if on else "no"})

    async def update_service(self, service: str, changes: Mapping[str, object]) -> None:
        await self.http.send("PATCH", f"/services/{segment(service)}", json=changes, repeatable=True)

    async def fetch_events(self, service: str, types: Sequence[str], since: datetime | None = None) -> Sequence[Event]:
        """Newest first; at most one page a type, because the document takes one type a call."""
        read = wire.parse_page("event", wire.parse_event)
        path = f"/services/{segment(service)}/events"
        start = write_time(since) if since else None
        pages = [await self.http.fetch(path, read, {"type": kind, "startTime": start, "limit": PAGE}) for kind in types]
        return [event for page in pages for event in page.items]

    async def fetch_variables(self, service: str) -> Mapping[str, str]:
        return dict(await self.fetch_list(f"/services/{segment(service)}/env-vars", "envVar", wire.parse_variable))

    async def fetch_variables_or_none(self, service: str) -> Mapping[str, str] | None:
        path = f"/services/{segment(service)}/env-vars"
        found = await self.fetch_list_or_none(path, "envVar", wire.parse_variable)
        return None if found is None else dict(found)

    async def put_variable(self, service: str, name: str, value: str) -> None:
        await self.http.send("PUT", f"/services/{segment(service)}/env-vars/{segment(name)}", json={"value": value})

    async def delete_variable(self, service: str, name: str) -> None:
        """Deleting one that is gone already is fine."""
        path = f"/services/{segment(service)}/env-vars/{segment(name)}"
        await self.http.send("DELETE", path, accept=(404,))

    async def fetch_logs(self, owner: str, service: str, start: str, end: str, limit: int) -> LogPage:
        """One page, oldest first."""
        params = {
            "ownerId": owner,
            "resource": service,
            "startTime": start,
            "endTime": end,
            "direction": "forward",
            "limit": min(PAGE, limit),
        }
        return await self.http.fetch("/logs", wire.parse_logs, params)

    async def fetch_series(
        self, metric: str, service: str, start: datetime, end: datetime, extra: Mapping[str, Any]
    ) -> Sequence[Series]:
        params = {"resource": service, "startTime": write_time(start), "endTime": write_time(end), **extra}
        return await self.http.fetch(f"/metrics/{metric}", wire.parse_series, params)

    def _deploy_of(self, reply: Reply) -> Deploy | None:
        return self.http.decode(reply, wire.parse_deploy) if reply.text.strip() else None

    async def fetch_list(
        self, path: str, thing: str, parse: Callable[[object], T], params: Mapping[str, object] | None = None
    ) -> Sequence[T]:
        """Every page of a list. The last page is short, empty, or leads nowhere new."""
        return await self._pages(path, thing, parse, params or {}, ()) or ()

    async def fetch_list_or_none(
        self, path: str, thing: str, parse: Callable[[object], T], params: Mapping[str, object] | None = None
    ) -> Sequence[T] | None:
        """The same, with None where Render does not know what the list belongs to."""
        return await self._pages(path, thing, parse, params or {}, (404,))

    async def _pages(
        self,
        path: str,
        thing: str,
        parse: Callable[[object], T],
        params: Mapping[str, object],
        accept: Collection[int],
    ) -> Sequence[T] | None:
        read = wire.parse_page(thing, parse)
        found: list[T] = []
        cursor = ""
        for _ in range(PAGES_AT_MOST):
            asked = {**params, "limit": PAGE, "cursor": cursor or None}
            reply = await self.http.send("GET", path, params=asked, accept=accept)
            if reply.status == 404:
                return None
            page: Page[T] = self.http.decode(reply, read)
            found += page.items
            if len(page.items) < PAGE or page.cursor in ("", cursor):
                break
            cursor = page.cursor
        return found

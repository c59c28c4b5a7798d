"""What the platforms say of themselves on their status pages, so that "they are down" and "we broke it" differ.

All four answer `/api/v2/summary.json` in the form of Atlassian Statuspage, as incident.io does; Instatus has
`/summary.json` with `page.status`. No key is needed. A page is asked at most once a minute, its silence included.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

PAGES: Mapping[str, str] = {
    "render": "https://status.render.com",
    "vercel": "https://www.vercel-status.com",
    "supabase": "https://status.supabase.com",
    "github": "https://www.githubstatus.com",
}
"""Where the platform of each kind tells how it is, unless the configuration names another page."""

REMEMBERED_SECONDS = 60.0
ANSWER_SECONDS = 2.0
"""Whoever waits for this has an error to show, and traffic to bring back."""
FINE = frozenset({"none", "operational", "up"})
ENDED = frozenset({"resolved", "postmortem", "completed"})


@dataclass(frozen=True)
class PageReport:
    """What a page says. `indicator` is its own word: none, minor, major, critical, maintenance, HASISSUES, …"""

    page: str
    indicator: str
    description: str
    incidents: tuple[str, ...] = ()

    @property
    def is_incident(self) -> bool:
        return self.indicator.lower() not in FINE or bool(self.incidents)

    @property
    def words(self) -> str:
        """`status.render.com: Partial System Outage (Builds are delayed, identified)`."""
        details = f" ({'; '.join(self.incidents)})" if self.incidents else ""
        return f"{urlsplit(self.page).hostname}: {self.description or self.indicator}{details}"


class StatusPages:
    """Asks the pages.

    Args:
        transport: In the place of the network, for tests.
        monotonic: Seconds that only grow.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._monotonic = monotonic
        self._client: httpx.AsyncClient | None = None
        self._known: dict[str, tuple[float, PageReport | None, str]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def fetch(self, page: str) -> PageReport | None:
        """What the page at an address says; None for no address, or where nothing answers as one. Never raises."""
        if not page:
            return None
        page = page.rstrip("/")
        async with self._asking.setdefault(page, asyncio.Lock()):
            at, report, tag = self._known.get(page, (-REMEMBERED_SECONDS, None, ""))
            if self._monotonic() - at >= REMEMBERED_SECONDS:
                report, tag = await self._ask(page, report, tag)
                self._known[page] = (self._monotonic(), report, tag)
            return report

    async def fetch_incident(self, page: str) -> str:
        """The page's words while the platform has an incident; else empty."""
        report = await self.fetch(page)
        return report.words if report is not None and report.is_incident else ""

    async def _ask(self, page: str, before: PageReport | None, tag: str) -> tuple[PageReport | None, str]:
        headers = {"if-none-match": tag} if tag and before else {}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._http().get(f"{page}/api/v2/summary.json", headers=headers)
                if answer.status_code == httpx.codes.NOT_FOUND:
                    answer = await self._http().get(f"{page}/summary.json")
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return before, tag
            return read_summary(page, answer.raise_for_status().json()), answer.headers.get("etag", "")
        except (httpx.HTTPError, TimeoutError, ValueError):
            return None, ""

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport,
                headers={"user-agent": "quarterdeck", "accept": "application/json"},
                timeout=ANSWER_SECONDS,
                follow_redirects=True,
                trust_env=self._transport is None,
            )
        return self._client


def read_summary(page: str, body: Any) -> PageReport:
    """Read a page's summary in either form.

    Raises:
        ValueError: It is neither.
    """
    status = body.get("status") if isinstance(body, dict) else None
    inner = body.get("page") if isinstance(body, dict) else None
    if isinstance(status, dict) and status.get("indicator"):
        incidents = [one for one in body.get("incidents") or () if isinstance(one, dict)]
        named = (
            f"{one.get('name') or 'unnamed'}, {one.get('status') or 'unknown'}"
            for one in incidents
            if one.get("status") not in ENDED
        )
        return PageReport(page, str(status["indicator"]), str(status.get("description") or ""), tuple(named))
    if isinstance(inner, dict) and inner.get("status"):
        incidents = [one for one in body.get("activeIncidents") or () if isinstance(one, dict)]
        named = (f"{one.get('name') or 'unnamed'}, {str(one.get('status') or 'unknown').lower()}" for one in incidents)
        return PageReport(page, str(inner["status"]), "", tuple(named))
    raise ValueError(f"no summary of a status page: {json.dumps(body)[:80]}")

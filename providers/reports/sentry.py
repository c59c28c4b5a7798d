"""Issues of a service that speaks Sentry's API: each counts once, for the release in which it was first seen.

Events are not counted, since one visitor who tries again sends many. Nor is an issue counted for every release that has
it: a release with a twentieth of the visitors sees more than a twentieth of the kinds of trouble. In which release one
is seen first is what the share of the visitors decides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from providers.contract import AccountReport, UserReport
from providers.http import ProviderHttp, segment
from providers.wire import ShapeError, moment, need_items, need_text, text

PAGE = 100
MOST_PAGES = 10


class SentryReports:
    """`ReportSource`. `project` is the short name of a project; empty asks about all that the token sees."""

    def __init__(self, http: ProviderHttp, organization: str) -> None:
        self._http = http
        self._path = f"/api/0/organizations/{segment(organization)}"

    async def fetch_reports(self, project: str, releases: Collection[str], since: datetime) -> Sequence[UserReport]:
        found: dict[str, UserReport] = {}
        for release in sorted(releases):
            for report in await self._fetch(project, release, since):
                found.setdefault(report.id, report)
        return list(found.values())

    async def fetch_account(self) -> AccountReport:
        name = await self._http.fetch(f"{self._path}/", lambda body: need_text(body, "slug"))
        return AccountReport(
            identity=f"organization {name}", limits=self._http.describe_limits(), clock_skew=self._http.skew
        )

    async def _fetch(self, project: str, release: str, since: datetime) -> Sequence[UserReport]:
        begin = self._http.platform_time(since).astimezone(UTC)
        words = [f"project:{project}" if project else "", f'firstRelease:"{release}"']
        words.append(f"firstSeen:>={begin:%Y-%m-%dT%H:%M:%S}")
        params = {"query": " ".join(filter(None, words)), "limit": PAGE, "sort": "new", "statsPeriod": "14d"}
        found: list[UserReport] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            reply = await self._http.send("GET", f"{self._path}/issues/", params={**params, "cursor": cursor or None})
            found += self._http.decode(reply, lambda body: [_parse(one, release) for one in need_items(body)])
            cursor = _next_cursor(reply.headers.get("link", ""))
            if not cursor:
                break
        return [one for one in found if one.at >= begin.replace(microsecond=0)]


def _parse(node: object, release: str) -> UserReport:
    at = moment(node, "firstSeen")
    if at is None:
        raise ShapeError("it has no firstSeen")
    return UserReport(f"issue-{need_text(node, 'id')}", at, release, title=text(node, "title"))


def _next_cursor(link: str) -> str:
    """Where the next page begins: `rel="next"; results="true"; cursor="…"`; empty where its results are "false"."""
    for part in link.split(","):
        fields = dict(field.strip().partition("=")[::2] for field in part.split(";")[1:])
        if fields.get("rel") == '"next"' and fields.get("results") == '"true"':
            return fields.get("cursor", "").strip('"')
    return ""

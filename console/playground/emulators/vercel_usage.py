"""Vercel's figures: page views out of what the sites logged, and a bill that follows from them."""

import json
from collections import Counter
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock, iso, millis, parse_iso
from console.playground.emulators.vercel_app import Frontdoor
from console.playground.emulators.vercel_logs import LINES_AT_ONCE, REQUEST
from console.playground.emulators.vercel_parts import Json
from console.playground.emulators.vercel_state import Project
from console.playground.emulators.wire import Refusal, as_json, whole
from console.playground.hosting import Hosting
from console.playground.scene import VERCEL_TEAM

DAY_S = 86_400
A_MILLION_REQUESTS = 2.0
"""Dollars."""


class Figures:
    """Answers about usage and page views. `analytics` off: the project does not have Web Analytics."""

    def __init__(self, projects: list[Project], hosting: Hosting, clock: Clock) -> None:
        self._projects = projects
        self._hosting = hosting
        self._clock = clock
        self.analytics = True

    def routes(self, door: Frontdoor) -> list[Route]:
        base = "/v1/query/web-analytics/visits"
        return [
            door.route("GET", f"{base}/count", self._count),
            door.route("GET", f"{base}/aggregate", self._aggregate),
            door.route("GET", "/v1/billing/charges", self._charges),
        ]

    def _views(self, request: Request) -> tuple[int, int, list[str]]:
        name = request.query_params.get("projectId", "")
        project = next((one for one in self._projects if name in (one.id, one.name)), None)
        if project is None:
            raise Refusal(404, "Project not found", "not_found")
        if not self.analytics:
            raise Refusal(402, "Web Analytics is not enabled for this project", "payment_required")
        now = millis(self._clock.now())
        since, until = whole(request, "since", 0, 0, 10**15), whole(request, "until", now, 0, 10**15)
        return since, until, list(self._paths(project, since / 1000, until / 1000))

    def _paths(self, project: Project, since: float, until: float) -> Iterator[str]:
        for record in self._hosting.logs(project.name, limit=LINES_AT_ONCE):
            found = REQUEST.search(record.message)
            if found is not None and since <= record.time <= until:
                yield found.group(2)

    async def _count(self, request: Request) -> Response:
        since, until, paths = self._views(request)
        return self._answer(since, until, {"pageviews": len(paths), "visitors": min(len(paths), 1)})

    async def _aggregate(self, request: Request) -> Response:
        by = request.query_params.getlist("by")
        if not by:
            raise Refusal(400, "Invalid request: missing required property `by`.", "bad_request")
        since, until, paths = self._views(request)
        most = Counter(paths).most_common(whole(request, "limit", 10, 1, 1000))
        named = most if by[0] in ("requestPath", "route") else [("", len(paths))]
        return self._answer(since, until, [{by[0]: path, "pageviews": n, "visitors": min(n, 1)} for path, n in named])

    def _answer(self, since: int, until: int, data: Json | list[Json]) -> Response:
        query = {"since": iso(since / 1000), "until": iso(until / 1000), "limit": 10}
        return as_json({"version": 1, "query": query, "data": data})

    async def _charges(self, request: Request) -> Response:
        """One record a day and service, as FOCUS has them, one JSON a line."""
        try:
            start, end = (parse_iso(request.query_params[name]) for name in ("from", "to"))
        except (KeyError, ValueError) as error:
            raise Refusal(400, "Invalid request: `from` and `to` are needed.", "bad_request") from error
        if end - start > 366 * DAY_S:
            raise Refusal(400, "The range is longer than one year", "bad_request")
        lines = [json.dumps(record) for record in self._records(start, end)]
        return Response("".join(f"{line}\n" for line in lines), media_type="application/jsonl")

    def _records(self, start: float, end: float) -> Iterator[Json]:
        day = start - start % DAY_S
        while day < end:
            for project in self._projects:
                requests = sum(1 for _ in self._paths(project, max(start, day), min(end, day + DAY_S)))
                cost = requests / 1e6 * A_MILLION_REQUESTS
                yield {
                    "BillingAccountId": VERCEL_TEAM,
                    "BillingCurrency": "USD",
                    "ServiceName": "Edge Requests",
                    "ChargePeriodStart": iso(day),
                    "ChargePeriodEnd": iso(day + DAY_S),
                    "ConsumedQuantity": requests,
                    "ConsumedUnit": "Requests",
                    "BilledCost": cost,
                    "EffectiveCost": cost,
                    "Tags": {"ProjectId": project.id, "ProjectName": project.name},
                }
            day += DAY_S

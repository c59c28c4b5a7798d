"""What is used and who comes, at the desk: billed usage of the team, page views of a project.

Both are for plans and projects that have them; where they do not, the error carries Vercel's own reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from providers import wire
from providers.vercel.client import VercelClient, millis
from providers.vercel.projects import ProjectName
from providers.wire import ShapeError

MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Usage:
    since: Annotated[datetime | None, "from that day on; by default the last 30 days"] = None
    until: Annotated[datetime | None, "up to that day; by default today"] = None


@dataclass(frozen=True)
class Analytics:
    project: ProjectName
    by: Annotated[str, "one of requestPath, route, country, referrerHostname, deviceType, day …"] = "requestPath"
    since: Annotated[datetime | None, "from then on; by default the last 24 hours"] = None
    until: Annotated[datetime | None, "up to then; by default now"] = None
    most: Annotated[int, "how many lines; the rest is summed up"] = 10


@dataclass(frozen=True)
class Charge:
    """One service over the whole time. Costs in `currency`, quantities in `unit`."""

    service: str
    quantity: float
    unit: str
    billed: float
    effective: float
    currency: str


def parse_charges(text: str) -> Sequence[Charge]:
    """Sum up FOCUS records, one JSON a line, by service and unit.

    Raises:
        ShapeError: A line is no record.
    """
    sums: dict[tuple[str, str, str], list[float]] = {}
    for line in filter(str.strip, text.splitlines()):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ShapeError("a line is not JSON") from error
        service = wire.need_text(row, "ServiceName")
        unit = wire.text(row, "ConsumedUnit") or wire.text(row, "PricingUnit")
        total = sums.setdefault((service, unit, wire.text(row, "BillingCurrency")), [0.0, 0.0, 0.0])
        for place, names in enumerate((("ConsumedQuantity", "PricingQuantity"), ("BilledCost",), ("EffectiveCost",))):
            total[place] += next((n for name in names if (n := wire.number(row, name)) is not None), 0.0)
    return [
        Charge(service, round(quantity, 6), unit, round(billed, 6), round(effective, 6), currency)
        for (service, unit, currency), (quantity, billed, effective) in sorted(sums.items())
    ]


def parse_totals(body: object) -> Mapping[str, object]:
    data = wire.need_table(body, "data")
    return {"visitors": wire.whole(data, "visitors"), "pageviews": wire.whole(data, "pageviews")}


def parse_groups(body: object, by: str) -> Sequence[Mapping[str, object]]:
    return [
        {
            by: wire.text(row, by) or wire.text(row, "timestamp"),
            "visitors": wire.whole(row, "visitors"),
            "pageviews": wire.whole(row, "pageviews"),
        }
        for row in wire.need_items(body, "data")
    ]


class Figures:
    """The readings."""

    def __init__(self, client: VercelClient) -> None:
        self._client = client
        self._http = client.http

    async def fetch_usage(self, request: Usage) -> Sequence[Charge]:
        until = request.until or self._http.clock()
        since = request.since or until - MONTH
        params = {"from": _iso(since), "to": _iso(until)}
        reply = await self._http.send("GET", "/v1/billing/charges", params=params, as_text=True)
        return self._http.decode(replace(reply, json=reply.text), parse_charges)

    async def fetch_analytics(self, request: Analytics) -> Mapping[str, object]:
        project = await self._client.fetch_project(request.project)
        until = request.until or self._http.clock()
        since = request.since or until - timedelta(days=1)
        wanted = {"projectId": project.id, "since": millis(since), "until": millis(until)}
        path = "/v1/query/web-analytics/visits"
        totals = await self._http.fetch(f"{path}/count", parse_totals, wanted)
        groups = await self._http.fetch(
            f"{path}/aggregate",
            lambda body: parse_groups(body, request.by),
            {**wanted, "by": request.by, "limit": request.most},
        )
        return {"project": project.id, "since": since, "until": until, **totals, "by": groups}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

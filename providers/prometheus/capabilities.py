"""What Prometheus is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.domain.errors import Rejected
from providers.contract import AccountReport, Capabilities, Sample
from providers.prometheus.wire import Answer, parse_answer, parse_version

if TYPE_CHECKING:
    from providers.http import ProviderHttp

MOST_POINTS = 11_000
"""Prometheus refuses a range with more points in a line."""


class Queries:
    """`QuerySource`. Each query must answer with one line, or with none while nothing is measured."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http

    async def fetch_value(self, query: str) -> Sample | None:
        answer = await self._http.fetch("/api/v1/query", parse_answer, {"query": query})
        if answer.kind not in ("vector", "scalar"):
            raise self._refuse(query, f"answers with a {answer.kind}", "Write one that has a single value at a moment.")
        line = self._only_line(query, answer)
        return line[-1] if line else None

    async def fetch_series(self, query: str, since: datetime, until: datetime, step: timedelta) -> Sequence[Sample]:
        width = max(1, round(step.total_seconds()))
        first = math.ceil(since.timestamp() / width) * width
        last = math.floor(until.timestamp() / width) * width
        if last < first:
            return ()
        first = max(first, last - (MOST_POINTS - 1) * width)
        params = {"query": query, "start": first, "end": last, "step": width}
        answer = await self._http.fetch("/api/v1/query_range", parse_answer, params)
        return self._only_line(query, answer)

    def _only_line(self, query: str, answer: Answer) -> Sequence[Sample]:
        if len(answer.lines) > 1:
            raise self._refuse(
                query, f"answers with {len(answer.lines)} series", "Put them together, as with sum(…) or max(…)."
            )
        return answer.lines[0] if answer.lines else ()

    def _refuse(self, query: str, what: str, remedy: str) -> Rejected:
        return Rejected(self._http.provider, f"The query {what}; one value is needed.", f"query {query}", remedy)


class Account:
    """Whether it is there and lets us ask; it has no scopes to tell."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http

    async def fetch_account(self) -> AccountReport:
        version = await self._http.fetch_or_none("/api/v1/status/buildinfo", parse_version)
        return AccountReport(
            identity=f"Prometheus {version}" if version else "what speaks the API of Prometheus",
            clock_skew=self._http.skew,
        )


def build_capabilities(http: ProviderHttp) -> Capabilities:
    return Capabilities(account=Account(http), queries=Queries(http))

"""A small Prometheus that keeps series and answers selectors, sums and rates of nothing more."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LOOKBACK = 300.0
SELECTOR = re.compile(r'(?P<fold>sum|max)?\(?(?P<name>[a-z_]+)(?:\{arm="(?P<arm>[^"]*)"\})?\)?')
Series = list[tuple[float, float]]


class FakePrometheus:
    """`series` holds samples by name and arm; what is older than five minutes is stale."""

    def __init__(self, token: str, now: Callable[[], datetime]) -> None:
        self._token = token
        self._now = now
        self.series: dict[tuple[str, str], Series] = {}
        self.asked: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/api/v1/query", self._query),
                Route("/api/v1/query_range", self._range),
                Route("/api/v1/status/buildinfo", self._version),
            ]
        )

    def add(self, name: str, arm: str, value: float, at: float | None = None) -> None:
        self.series.setdefault((name, arm), []).append((self._now().timestamp() if at is None else at, value))

    async def _version(self, request: Request) -> Response:
        return self._answer(request, lambda: {"version": "2.42.0"})

    async def _query(self, request: Request) -> Response:
        def look() -> dict[str, object]:
            at = float(request.query_params.get("time", self._now().timestamp()))
            lines = [(key, value) for key, value in self._at(request.query_params["query"], at).items()]
            return {
                "resultType": "vector",
                "result": [{"metric": {"arm": key}, "value": [at, repr(value)]} for key, value in lines],
            }

        return self._answer(request, look)

    async def _range(self, request: Request) -> Response:
        def look() -> dict[str, object]:
            start, end, step = (float(request.query_params[name]) for name in ("start", "end", "step"))
            lines: dict[str, list[list[object]]] = {}
            at = start
            while at <= end:
                for key, value in self._at(request.query_params["query"], at).items():
                    lines.setdefault(key, []).append([at, repr(value)])
                at += step
            found = [{"metric": {"arm": key}, "values": values} for key, values in lines.items()]
            return {"resultType": "matrix", "result": found}

        return self._answer(request, look)

    def _at(self, query: str, at: float) -> dict[str, float]:
        self.asked.append(query)
        found = SELECTOR.fullmatch(query)
        if found is None:
            raise ValueError(f'1:1: parse error: unexpected "{query[:1]}"')
        values: dict[str, float] = {}
        for (name, arm), samples in self.series.items():
            known = [value for moment, value in samples if at - LOOKBACK < moment <= at]
            if name == found["name"] and found["arm"] in (None, arm) and known:
                values[arm] = known[-1]
        if found["fold"] and values:
            return {"": sum(values.values()) if found["fold"] == "sum" else max(values.values())}
        return values

    def _answer(self, request: Request, look: Callable[[], dict[str, object]]) -> Response:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return Response("Unauthorized", 401)
        try:
            return JSONResponse({"status": "success", "data": look()})
        except ValueError as problem:
            body = {"status": "error", "errorType": "bad_data", "error": f"invalid parameter query: {problem}"}
            return JSONResponse(body, 400)

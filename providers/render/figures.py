"""Any figure that Render measures, as it measures it; what the engine judges by is in `readings`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from providers.http import segment
from providers.render.client import RenderClient, write_time
from providers.render.wire import parse_series

KNOWN = (
    "cpu, cpu-limit, cpu-target, memory, memory-limit, memory-target, http-requests, http-latency, bandwidth, "
    "disk-usage, disk-capacity, instance-count, active-connections or replication-lag"
)
SHORTEST = timedelta(seconds=30)


@dataclass(frozen=True)
class Figure:
    resource: Annotated[str, "id of a service or a database"]
    metric: Annotated[str, KNOWN]
    since: Annotated[timedelta, "how far back"] = timedelta(hours=1)
    every: Annotated[timedelta, "time between two values, 30 s or more"] = timedelta(minutes=1)
    quantile: Annotated[float | None, "of http-latency, as 0.95"] = None


@dataclass(frozen=True)
class Line:
    """One line of it, oldest first. `labels` tell it from the others, as its instance or status."""

    labels: dict[str, str]
    unit: str
    values: tuple[tuple[datetime, float], ...]


class Figures:
    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch(self, request: Figure) -> Sequence[Line]:
        http = self._client.http
        now = http.platform_time(http.clock())
        params = {
            "resource": request.resource,
            "startTime": write_time(now - request.since),
            "endTime": write_time(now),
            "resolutionSeconds": round(max(SHORTEST, request.every).total_seconds()),
            "quantile": request.quantile,
        }
        series = await http.fetch(f"/metrics/{segment(request.metric)}", parse_series, params)
        return [Line(dict(line.labels), line.unit, line.values) for line in series]

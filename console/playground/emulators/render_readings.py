"""Render's logs and metrics, read from what really runs.

Pages of logs follow Render's rule: the answer carries the next `startTime` and `endTime`, which the client feeds
back. Lines of the same microsecond are told apart by nanoseconds, so that no line falls between two pages.
"""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import Clock, iso, parse_iso
from console.playground.emulators.render_state import Service
from console.playground.emulators.wire import Handler, Refusal, as_json, many, whole
from console.playground.hosting import Hosting, LogRecord

Json = dict[str, Any]
Line = tuple[int, Service, LogRecord]

LINES_LOOKED_AT = 20_000
REQUEST_LINE = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) /")
CORES, MEMORY = 4.0, 2.0 * 1024**3
"""What an instance may use, as on a large plan: nothing of the playground ever comes near."""
HOUR_NS = 3_600_000_000_000


class Readings:
    """What the services say and use."""

    def __init__(self, hosting: Hosting, clock: Clock, services: dict[str, Service]) -> None:
        self._hosting = hosting
        self._clock = clock
        self._services = services

    async def logs(self, request: Request) -> Response:
        backward = request.query_params.get("direction", "backward") != "forward"
        limit = whole(request, "limit", 20, 1, 100)
        start, end = self._window(request)
        lines = [line for line in self._lines(request, start) if start <= line[0] < end]
        lines.sort(key=lambda line: line[0], reverse=backward)
        page = lines[:limit]
        if page and backward:
            end = page[-1][0]
        elif page:
            start = page[-1][0] + 1
        return as_json(
            {
                "hasMore": len(lines) > len(page),
                "nextStartTime": _iso_ns(start),
                "nextEndTime": _iso_ns(end),
                "logs": [self._told(line) for line in page],
            }
        )

    def live(self, request: Request, start: int) -> list[tuple[int, Json]]:
        """The lines from a time on that a subscription asks for, oldest first, each with its time in nanoseconds.

        Raises:
            Refusal: The resource is not known, or not named.
        """
        lines = [line for line in self._lines(request, start) if start <= line[0]]
        return [(line[0], self._told(line)) for line in sorted(lines, key=lambda line: line[0])]

    def start_of(self, request: Request) -> int:
        """Where a subscription begins, in nanoseconds: now, unless it says."""
        return _ns(request, "startTime", round(self._clock.now() * 1e9))

    async def label_values(self, request: Request) -> Response:
        label = request.query_params.get("label")
        if label not in ("instance", "host", "statusCode", "method", "level", "type"):
            raise Refusal(400, "invalid label")
        start, end = self._window(request)
        lines = [line for line in self._lines(request, start) if start <= line[0] < end]
        values = {one["value"] for line in lines for one in self._told(line)["labels"] if one["name"] == label}
        return as_json(sorted(values))

    def metrics(self) -> dict[str, Handler]:
        """Name every metric that can be read here, with its handler."""
        return {
            "cpu": self._series(lambda sample: sample[1], "cpu"),
            "memory": self._series(lambda sample: float(sample[2]), "bytes"),
            "cpu-limit": self._series(lambda sample: CORES * sample[3], "cpu"),
            "memory-limit": self._series(lambda sample: MEMORY * sample[3], "bytes"),
            "instance-count": self._series(lambda sample: float(sample[3]), "instances"),
            "http-requests": self._requests,
        }

    def _window(self, request: Request) -> tuple[int, int]:
        now = round(self._clock.now() * 1e9)
        end = _ns(request, "endTime", now + 1_000_000)
        return _ns(request, "startTime", min(end, now) - HOUR_NS), end

    def _asked(self, request: Request) -> list[Service]:
        if not request.query_params.get("ownerId"):
            raise Refusal(400, "ownerId is required")
        wanted = many(request, "resource")
        if not wanted:
            raise Refusal(400, "resource is required")
        missing = [name for name in wanted if name not in self._services]
        if missing:
            raise Refusal(404, f"not found: {missing[0]}")
        return [self._services[name] for name in wanted]

    def _lines(self, request: Request, start: int) -> list[Line]:
        texts, levels, instances = many(request, "text"), many(request, "level"), many(request, "instance")
        kinds = many(request, "type")
        found: list[Line] = []
        for service in self._asked(request):
            last, same = 0, 0
            for record in self._hosting.logs(service.name, after=start / 1e9 - 0.001, limit=LINES_LOOKED_AT):
                micro = round(record.time * 1e6)
                last, same = micro, same + 1 if micro == last else 0
                line = (micro * 1000 + same, service, record)
                if (
                    (not texts or any(_fits(record.message, text) for text in texts))
                    and (not levels or record.level in levels)
                    and (not instances or self._instance_id(service, record) in instances)
                    and (not kinds or "app" in kinds)
                ):
                    found.append(line)
        return found

    def _instance_id(self, service: Service, record: LogRecord) -> str:
        for one in service.running:
            if one.process.id == record.instance:
                return one.id
        return record.instance

    def _told(self, line: Line) -> Json:
        at, service, record = line
        labels = {
            "resource": service.id,
            "instance": self._instance_id(service, record),
            "level": record.level,
            "type": "app",
        }
        return {
            "id": f"{service.id}-{at}",
            "message": record.message,
            "timestamp": _iso_ns(at),
            "labels": [{"name": name, "value": value} for name, value in labels.items()],
        }

    def _series(self, value: Callable[[tuple[float, float, int, int]], float], unit: str) -> Handler:
        async def answer(request: Request) -> Response:
            start, end = self._window(request)
            told = []
            for service in self._measured(request):
                self._sample(service)
                values = [
                    {"timestamp": iso(sample[0]), "value": value(sample)}
                    for sample in service.samples
                    if start <= sample[0] * 1e9 <= end
                ]
                labels = [{"field": "resource", "value": service.id}]
                told.append({"labels": labels, "values": values, "unit": unit})
            return as_json(told)

        return answer

    async def _requests(self, request: Request) -> Response:
        resolution = whole(request, "resolutionSeconds", 60, 30, 86_400)
        start, end = self._window(request)
        told = []
        for service in self._measured(request):
            counts: dict[int, int] = {}
            for record in self._hosting.logs(service.name, after=start / 1e9, limit=LINES_LOOKED_AT):
                if record.time * 1e9 < end and REQUEST_LINE.search(record.message):
                    slot = int(record.time // resolution) * resolution
                    counts[slot] = counts.get(slot, 0) + 1
            values = [{"timestamp": iso(slot), "value": count} for slot, count in sorted(counts.items())]
            labels = [{"field": "resource", "value": service.id}]
            told.append({"labels": labels, "values": values, "unit": "requests"})
        return as_json(told)

    def _measured(self, request: Request) -> list[Service]:
        wanted = [*request.query_params.getlist("resource"), *request.query_params.getlist("service")]
        return [self._services[name] for name in wanted if name in self._services]

    def _sample(self, service: Service) -> None:
        now = self._clock.now()
        if service.samples and now - service.samples[-1][0] < 1:
            return
        usage = self._hosting.usage(service.name)
        service.samples.append((now, usage.cpu, usage.memory_bytes, len(service.running)))
        del service.samples[:-3600]


def _fits(message: str, wanted: str) -> bool:
    if "*" in wanted or "?" in wanted:
        return fnmatchcase(message, f"*{wanted}*")
    return wanted in message


def _ns(request: Request, name: str, otherwise: int) -> int:
    """Read a time to the nanosecond, which the standard library's parser cuts to microseconds."""
    text = request.query_params.get(name)
    if not text:
        return otherwise
    try:
        base = round(parse_iso(text) * 1e6) * 1000
    except ValueError as error:
        raise Refusal(400, f"invalid {name}") from error
    fraction = text.partition(".")[2].rstrip("Z").split("+")[0]
    return base + int(fraction[6:9].ljust(3, "0") or 0) if len(fraction) > 6 else base


def _iso_ns(at: int) -> str:
    return f"{iso(at // 1000 / 1e6)[:-1]}{at % 1000:03d}Z"

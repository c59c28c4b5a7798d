"""Vercel's two logs: what a build said, and what a deployment's process says while one listens."""

import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from console.playground.emulators.clock import Clock, millis
from console.playground.emulators.vercel_app import Frontdoor
from console.playground.emulators.vercel_state import Deployment, LogLine, Project
from console.playground.emulators.wire import as_json, whole
from console.playground.hosting import Hosting, LogRecord

Json = dict[str, Any]
POLL_S = 0.2
LINES_AT_ONCE = 5_000
REQUEST = re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/\S*) (\d{3})\b")


class Logs:
    """Answers with logs, whole or as streams of one JSON a line that stay open."""

    def __init__(self, hosting: Hosting, clock: Clock, find: Callable[[Request], tuple[Project, Deployment]]) -> None:
        self._hosting = hosting
        self._clock = clock
        self._find = find

    def routes(self, door: Frontdoor) -> list[Route]:
        return [
            door.route("GET", "/v3/deployments/{deployment}/events", self._events),
            door.route("GET", "/v1/projects/{project}/deployments/{deployment}/runtime-logs", self._runtime),
        ]

    async def _events(self, request: Request) -> Response:
        _, deployment = self._find(request)
        since = whole(request, "since", 0, 0, 10**15)
        limit = whole(request, "limit", 100, -1, 10**6)
        if request.query_params.get("follow") == "1":
            return StreamingResponse(self._follow(deployment, since), media_type="application/stream+json")
        lines = [line for line in deployment.build_log if millis(line.at) >= since]
        if request.query_params.get("direction", "forward") == "backward":
            lines.reverse()
        lines = lines if limit < 0 else lines[:limit]
        return as_json([_event(deployment, line) for line in lines])

    async def _follow(self, deployment: Deployment, since: int) -> AsyncIterator[str]:
        told = 0
        while True:
            for line in deployment.build_log[told:]:
                if millis(line.at) >= since:
                    yield json.dumps(_event(deployment, line)) + "\n"
            told = len(deployment.build_log)
            await self._clock.sleep(POLL_S)

    async def _runtime(self, request: Request) -> Response:
        _, deployment = self._find(request)
        return StreamingResponse(self._listen(deployment), media_type="application/stream+json")

    async def _listen(self, deployment: Deployment) -> AsyncIterator[str]:
        heard, number = self._clock.now(), 0
        while True:
            process = deployment.process
            if process is not None:
                for record in self._hosting.logs(process.id, after=heard, limit=LINES_AT_ONCE):
                    heard, number = record.time, number + 1
                    yield json.dumps(_runtime(deployment, record, number)) + "\n"
            await self._clock.sleep(POLL_S)


def _event(deployment: Deployment, line: LogLine) -> Json:
    at = millis(line.at)
    return {
        "type": line.kind,
        "created": at,
        "payload": {
            "deploymentId": deployment.id,
            "id": line.serial,
            "date": at,
            "serial": line.serial,
            "text": line.text,
            "info": {"type": "build", "name": "bld"},
        },
    }


def _runtime(deployment: Deployment, record: LogRecord, number: int) -> Json:
    found = REQUEST.search(record.message)
    method, path, status = found.groups() if found else ("", "", "0")
    return {
        "level": {"error": "error", "warning": "warning"}.get(record.level, "info"),
        "message": record.message,
        "rowId": f"{millis(record.time)}{number:06d}",
        "source": "serverless",
        "timestampInMs": millis(record.time),
        "domain": deployment.host,
        "messageTruncated": False,
        "requestMethod": method,
        "requestPath": path,
        "responseStatusCode": int(status),
    }

"""Four platforms in one small process, for figures about many services: prints its address, serves until it is ended.

Only what looking and following logs ask for; every service there is, is live and says a line every half minute.
Requests are counted by limit class, and those above a limit are refused as the platform would.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bench.said import log_answer, next_line, render_line
from console.playground.emulators.clock import SystemClock
from console.playground.emulators.limits import Budget, Windows
from console.playground.serving import Served, bind_loopback

LOGS = r"^v1/logs|^v6/deployments|/events$|/runtime-logs$|/logs\.all$"
"""Paths that only following logs asks for."""
COMMIT = "c0ffee" * 6 + "c0ff"


@dataclass(frozen=True)
class Limit:
    """Requests a minute, and how that is known."""

    a_minute: int
    known: str


LIMITS = {
    "render reading": Limit(400, "recorded in every answer"),
    "vercel reading": Limit(500, "documented in headers only; as the emulator has it"),
    "supabase management": Limit(60, "documented, by user"),
    "supabase logs": Limit(60, "documented to be lower than management's, by how much is not said"),
    "github": Limit(900, "documented points of the secondary limit; 5,000 an hour of the primary one"),
}


class Platforms:
    def __init__(self) -> None:
        self._clock = SystemClock()
        self.came: dict[str, list[float]] = defaultdict(list)
        self.looked: dict[str, list[float]] = defaultdict(list)
        self.refused: dict[str, list[float]] = defaultdict(list)
        self._windows = Windows(self._clock)
        self.app = Starlette(
            routes=[
                Route("/counted", self._counted),
                WebSocketRoute("/render/v1/logs/subscribe", self._subscribe),
                Route("/live/{rest:path}", self._live),
                Route("/{platform}/{path:path}", self._answer),
            ]
        )

    async def _counted(self, _: Request) -> Response:
        return JSONResponse({"came": self.came, "looked": self.looked, "refused": self.refused})

    async def _subscribe(self, socket: WebSocket) -> None:
        self.came["render reading"].append(self._clock.now())
        await socket.accept()
        speaking = asyncio.create_task(self._speak(socket, socket.query_params["resource"]))
        with suppress(WebSocketDisconnect):
            await socket.receive_text()
        speaking.cancel()

    async def _speak(self, socket: WebSocket, place: str) -> None:
        at = datetime.now(UTC)
        while True:
            at, number = next_line(place, at)
            await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
            await socket.send_json(render_line(place, at, number))

    async def _live(self, _: Request) -> Response:
        self.looked["probes"].append(self._clock.now())
        return JSONResponse({"status": "ok"})

    async def _answer(self, request: Request) -> Response:
        platform, path = request.path_params["platform"], request.path_params["path"]
        name = limit_name(platform, path)
        now = self._clock.now()
        self.came[name].append(now)
        if not re.search(LOGS, path):
            self.looked[name].append(now)
        spent = self._windows.spend(name, Budget(LIMITS[name].a_minute, 60))
        if not spent.allowed:
            self.refused[name].append(now)
            answer: Response = JSONResponse({"message": "rate limit exceeded"}, 429)
        elif path.endswith("/runtime-logs"):
            answer = StreamingResponse(_silence(), media_type="application/stream+json")
        else:
            said = log_answer(platform, path, request.query_params, datetime.now(UTC))
            answer = JSONResponse(body_of(platform, path) if said is None else said)
        prefix = "ratelimit" if platform == "render" else "x-ratelimit"
        answer.headers[f"{prefix}-limit"] = str(spent.limit)
        answer.headers[f"{prefix}-remaining"] = str(spent.remaining)
        left = spent.seconds_left(now)
        answer.headers[f"{prefix}-reset"] = str(left if platform != "vercel" else int(now) + left)
        return answer


def limit_name(platform: str, path: str) -> str:
    if platform == "supabase":
        return "supabase logs" if path.endswith("/logs.all") else "supabase management"
    return platform if platform == "github" else f"{platform} reading"


async def _silence() -> Any:
    await asyncio.sleep(50)
    yield b"\n"


def body_of(platform: str, path: str) -> object:
    """The answer to a question about whatever is named in the path."""
    for pattern, make in ANSWERS[platform]:
        if found := re.fullmatch(pattern, path):
            return make(found)
    return []


def _service(found: re.Match[str]) -> object:
    details = {"url": f"http://{found[1]}.invalid", "numInstances": 1, "plan": "starter", "region": "frankfurt"}
    basics = {"id": found[1], "name": found[1], "type": "web_service", "ownerId": "tea-many", "autoDeploy": "no"}
    return {**basics, "suspended": "not_suspended", "serviceDetails": details}


def _deploys(found: re.Match[str]) -> object:
    deploy = {"id": f"dep-{found[1]}", "status": "live", "trigger": "api", "commit": {"id": COMMIT}}
    return [{"deploy": {**deploy, "createdAt": "2026-11-01T10:00:00Z"}, "cursor": "end"}]


def _series(found: re.Match[str]) -> object:
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    return [{"labels": [], "values": [{"timestamp": at, "value": 0.25}], "unit": "cpu"}]


def _project(found: re.Match[str]) -> object:
    production = {"id": f"dpl_{found[1]}", "alias": [f"{found[1]}.invalid"]}
    return {"id": found[1], "name": found[1], "framework": "nextjs", "targets": {"production": production}}


def _deployment(found: re.Match[str]) -> object:
    source = {"sha": COMMIT, "ref": "main"}
    return {"id": found[1], "readyState": "READY", "url": f"{found[1]}.invalid", "gitSource": source}


def _database(found: re.Match[str]) -> object:
    return {"ref": found[1], "id": found[1], "name": found[1], "status": "ACTIVE_HEALTHY", "region": "eu-central-1"}


def _health(found: re.Match[str]) -> object:
    names = ("db", "auth", "rest", "storage", "realtime", "pooler")
    return [{"name": name, "healthy": True, "status": "ACTIVE_HEALTHY"} for name in names]


Maker = Callable[[re.Match[str]], object]
ANSWERS: dict[str, list[tuple[str, Maker]]] = {
    "render": [
        (r"v1/services/([^/]+)", _service),
        (r"v1/services/([^/]+)/deploys", _deploys),
        (r"v1/metrics/([^/]+)", _series),
    ],
    "vercel": [
        (r"v9/projects/([^/]+)", _project),
        (r"v13/deployments/([^/]+)", _deployment),
    ],
    "supabase": [
        (r"v1/projects/([^/]+)", _database),
        (r"v1/projects/([^/]+)/health", _health),
    ],
    "github": [],
}


async def main() -> None:
    served = Served(Platforms().app, bind_loopback())
    served.start()
    print(f"http://127.0.0.1:{served.port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

"""How the emulated Render answers: tokens, rate limits, request ids and errors around every call.

Limits are those of recorded traffic: reading 400 a minute, changing 100 a minute, and ten a minute together for what
deploys, scales, suspends or patches one service. `Ratelimit-Reset` is seconds left, as recorded (the documentation
says an epoch).
"""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from console.playground.emulators.clock import Clock
from console.playground.emulators.ids import slug
from console.playground.emulators.limits import Budget, Spent, Windows
from console.playground.emulators.wire import Handler, Refusal, as_json, turn_back_struck

READING = Budget(400, 60)
CHANGING = Budget(100, 60)
PER_SERVICE = Budget(10, 60)

BudgetOf = Callable[[Request], tuple[str, Budget]]
Opening = Callable[[Request], Awaitable[Callable[[WebSocket], Awaitable[None]]]]
"""Looks at the handshake of a WebSocket, and gives what is said once it is open; raises a `Refusal` instead."""


def reading(_: Request) -> tuple[str, Budget]:
    return "reading", READING


def changing(_: Request) -> tuple[str, Budget]:
    return "changing", CHANGING


def per_service(request: Request) -> tuple[str, Budget]:
    return f"service {request.path_params['service']}", PER_SERVICE


@cache
def _shared_route(method: str, path: str) -> Route:
    """A route of every emulated Render: compiling a hundred of them costs more than all else that starts one."""

    async def answer(request: Request) -> Response:
        door: Frontdoor = request.app.state.door
        return await door.answer(method, path, request)

    return Route(path, answer, methods=[method] if method else ["GET", "POST", "PUT", "PATCH", "DELETE"])


@dataclass
class Frontdoor:
    """Wraps handlers in what Render does for every request. `open` makes the application that its routes belong to."""

    token: str
    clock: Clock
    windows: Windows
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _handlers: dict[tuple[str, str], tuple[Handler, BudgetOf]] = field(default_factory=dict)
    _host: str = field(default_factory=lambda: f"api-{slug(10)}-{slug(5)}/{slug(10)}")

    def route(self, method: str, path: str, handler: Handler, budget: BudgetOf | None = None) -> Route:
        """Make a route below `/v1`; without a budget the method decides."""
        self._handlers[method, f"/v1{path}"] = handler, budget or (reading if method == "GET" else changing)
        return _shared_route(method, f"/v1{path}")

    def catch_all(self) -> Route:
        """Answer 404 to every path that Render does not have."""

        async def nothing(_: Request) -> Response:
            raise Refusal(404, "404 page not found")

        self._handlers["", "/{rest:path}"] = nothing, reading
        return _shared_route("", "/{rest:path}")

    def socket(self, path: str, opening: Opening) -> WebSocketRoute:
        """Make a route below `/v1` for a WebSocket, counted as reading; what is refused is answered as HTTP."""

        async def answer(websocket: WebSocket) -> None:
            request = Request({**websocket.scope, "type": "http", "method": "GET"})
            name, limit = reading(request)
            spent = self.windows.spend(name, limit)
            try:
                self._admit(request, spent)
                talk = await opening(request)
            except Refusal as refusal:
                response = as_json({"message": refusal.message}, refusal.status)
                self._stamp(response, spent)
                await websocket.send_denial_response(response)
                return
            stamped = Response()
            self._stamp(stamped, spent)
            told = [(key, value) for key, value in stamped.raw_headers if key.startswith((b"ratelimit", b"render"))]
            await websocket.accept(headers=told)
            await talk(websocket)

        return WebSocketRoute(f"/v1{path}", answer)

    def open(self, routes: Sequence[BaseRoute]) -> Starlette:
        app = Starlette(routes=routes)
        app.state.door = self
        return app

    async def answer(self, method: str, path: str, request: Request) -> Response:
        handler, bucket = self._handlers[method, path]
        name, limit = bucket(request)
        spent = self.windows.spend(name, limit)
        try:
            self._admit(request, spent)
            response = await handler(request)
        except Refusal as refusal:
            response = as_json({"message": refusal.message}, refusal.status)
        self._stamp(response, spent)
        return response

    def _admit(self, request: Request, spent: Spent) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, "unauthorized")
        if not spent.allowed:
            raise Refusal(429, "rate limit exceeded")
        turn_back_struck(request)

    def _stamp(self, response: Response, spent: Spent) -> None:
        response.headers["Ratelimit-Limit"] = str(spent.limit)
        response.headers["Ratelimit-Remaining"] = str(spent.remaining)
        response.headers["Ratelimit-Reset"] = str(spent.seconds_left(self.clock.now()))
        response.headers["Render-Request-Id"] = f"{self._host}-{next(self._numbers):06d}"

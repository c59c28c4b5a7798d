"""How the emulated Render answers: tokens, rate limits, request ids and errors around every call.

Limits are those of recorded traffic: reading 400 a minute, changing 100 a minute, and ten a minute together for what
deploys, scales, suspends or patches one service. `Ratelimit-Reset` is seconds left, as recorded (the documentation
says an epoch).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock
from console.playground.emulators.ids import slug
from console.playground.emulators.limits import Budget, Spent, Windows
from console.playground.emulators.wire import Handler, Refusal, as_json

READING = Budget(400, 60)
CHANGING = Budget(100, 60)
PER_SERVICE = Budget(10, 60)

BudgetOf = Callable[[Request], tuple[str, Budget]]


def reading(_: Request) -> tuple[str, Budget]:
    return "reading", READING


def changing(_: Request) -> tuple[str, Budget]:
    return "changing", CHANGING


def per_service(request: Request) -> tuple[str, Budget]:
    return f"service {request.path_params['service']}", PER_SERVICE


@dataclass
class Frontdoor:
    """Wraps handlers in what Render does for every request."""

    token: str
    clock: Clock
    windows: Windows
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _host: str = field(default_factory=lambda: f"api-{slug(10)}-{slug(5)}/{slug(10)}")

    def route(self, method: str, path: str, handler: Handler, budget: BudgetOf | None = None) -> Route:
        """Make a route below `/v1`; without a budget the method decides."""
        bucket = budget or (reading if method == "GET" else changing)

        async def answer(request: Request) -> Response:
            name, limit = bucket(request)
            spent = self.windows.spend(name, limit)
            try:
                if request.headers.get("authorization") != f"Bearer {self.token}":
                    raise Refusal(401, "unauthorized")
                if not spent.allowed:
                    raise Refusal(429, "rate limit exceeded")
                response = await handler(request)
            except Refusal as refusal:
                response = as_json({"message": refusal.message}, refusal.status)
            self._stamp(response, spent)
            return response

        return Route(f"/v1{path}", answer, methods=[method])

    def catch_all(self) -> Route:
        """Answer 404 to every path that Render does not have."""

        async def nothing(_: Request) -> Response:
            raise Refusal(404, "404 page not found")

        wrapped = self.route("GET", "/{rest:path}", nothing)
        return Route("/{rest:path}", wrapped.endpoint, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])

    def _stamp(self, response: Response, spent: Spent) -> None:
        response.headers["Ratelimit-Limit"] = str(spent.limit)
        response.headers["Ratelimit-Remaining"] = str(spent.remaining)
        response.headers["Ratelimit-Reset"] = str(spent.seconds_left(self.clock.now()))
        response.headers["Render-Request-Id"] = f"{self._host}-{next(self._numbers):06d}"

"""How the emulated Vercel answers: tokens, team scope, rate limits, its error body, pages by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock
from console.playground.emulators.ids import slug
from console.playground.emulators.limits import Budget, Spent, Windows
from console.playground.emulators.wire import Handler, Refusal, as_json, turn_back_struck
from console.playground.scene import VERCEL_TEAM

Json = dict[str, Any]

READING = Budget(500, 60)
CHANGING = Budget(120, 60)
DEPLOYING = Budget(100, 3600)
TEAM_SLUG = "harbour-shop"


@dataclass
class Frontdoor:
    """Wraps handlers in what Vercel does for every request."""

    token: str
    clock: Clock
    windows: Windows

    def route(self, method: str, path: str, handler: Handler, deploys: bool = False) -> Route:
        bucket, budget = ("reading", READING) if method == "GET" else ("changing", CHANGING)
        if deploys:
            bucket, budget = "deploying", DEPLOYING

        async def answer(request: Request) -> Response:
            spent = self.windows.spend(bucket, budget)
            try:
                self._admit(request, spent)
                response = await handler(request)
            except Refusal as refusal:
                code = refusal.code or {404: "not_found", 400: "bad_request"}.get(refusal.status, "error")
                error = {"code": code, "message": refusal.message, **refusal.extra}
                response = as_json({"error": error}, refusal.status)
                if refusal.status == 429:
                    response.headers["retry-after"] = str(spent.seconds_left(self.clock.now()))
            response.headers["x-ratelimit-limit"] = str(spent.limit)
            response.headers["x-ratelimit-remaining"] = str(spent.remaining)
            response.headers["x-ratelimit-reset"] = str(int(spent.resets_at))
            response.headers["x-vercel-id"] = f"fra1::{slug(5)}-{slug(12)}"
            return response

        return Route(path, answer, methods=[method])

    def catch_all(self) -> Route:
        async def nothing(_: Request) -> Response:
            raise Refusal(404, "The requested API endpoint was not found.", "not_found")

        wrapped = self.route("GET", "/{rest:path}", nothing)
        return Route("/{rest:path}", wrapped.endpoint, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])

    def _admit(self, request: Request, spent: Spent) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(403, "Not authorized", "forbidden", invalidToken=True)
        if not spent.allowed:
            limit = {"total": spent.limit, "remaining": 0, "reset": int(spent.resets_at * 1000)}
            raise Refusal(429, "Rate limit exceeded", "rate_limited", limit=limit)
        turn_back_struck(request)
        asked = request.query_params.get("teamId", VERCEL_TEAM), request.query_params.get("slug", TEAM_SLUG)
        if asked != (VERCEL_TEAM, TEAM_SLUG):
            raise Refusal(403, "Not authorized: you are not a member of that team", "forbidden")


def paged(request: Request, name: str, items: Sequence[tuple[int, Json]]) -> Response:
    """Answer one page of items with their times in milliseconds, newest first; the next page is `until=next`."""
    limit = min(_number(request, "limit", 20), 100)
    until, since = _number(request, "until", 0), _number(request, "since", 0)
    fits = [(at, item) for at, item in items if (not until or at < until) and at >= since]
    page = fits[:limit]
    following = page[-1][0] if len(fits) > len(page) else None
    pagination = {"count": len(page), "next": following, "prev": page[0][0] if page else None}
    return as_json({name: [item for _, item in page], "pagination": pagination})


def _number(request: Request, name: str, otherwise: int) -> int:
    text = request.query_params.get(name) or ""
    try:
        return int(float(text)) if text else otherwise
    except ValueError as error:
        raise Refusal(400, f"Invalid request: `{name}` should be number.", "bad_request") from error

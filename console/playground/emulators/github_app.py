"""How the emulated GitHub answers: tokens, user agents, both kinds of limits, ETags, pages and errors.

A conditional request that finds nothing new is answered 304 and costs no primary quota.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock
from console.playground.emulators.limits import Budget, Spent, Windows
from console.playground.emulators.wire import Handler, Refusal, as_json, turn_back_struck, whole

Json = dict[str, Any]

PRIMARY = Budget(5000, 3600)
POINTS = Budget(900, 60)
CONTENT = Budget(80, 60)
CONTENT_HOURLY = Budget(500, 3600)
DOCS = "https://docs.github.com/rest"
NO_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/rest/overview/resources-in-the-rest-api#user-agent-required)."
)


@dataclass
class Frontdoor:
    """Wraps handlers in what GitHub does for every request."""

    token: str
    clock: Clock
    windows: Windows
    installed: dict[str, float] = field(default_factory=dict)
    """Tokens of Apps, and when each ends."""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(0x1A2B00))

    def route(self, method: str, path: str, handler: Handler, costs_quota: bool = True, signed: bool = False) -> Route:
        """`signed` leaves it to the handler who may ask: an App shows an assertion there, and no token."""

        async def answer(request: Request) -> Response:
            if not request.headers.get("user-agent"):
                return PlainTextResponse(NO_AGENT, 403)
            try:
                if not signed:
                    self._admit(request, costs_quota)
                turn_back_struck(request)
                response = _conditional(request, await handler(request))
            except Refusal as refusal:
                response = _told(refusal)
            costs = costs_quota and response.status_code not in (304, 401)
            self._stamp(response, self.windows.spend("core", PRIMARY, 1 if costs else 0))
            return response

        return Route(path, answer, methods=[method])

    def catch_all(self) -> Route:
        async def nothing(_: Request) -> Response:
            raise Refusal(404, "Not Found")

        wrapped = self.route("GET", "/{rest:path}", nothing)
        return Route("/{rest:path}", wrapped.endpoint, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])

    def primary(self) -> Spent:
        return self.windows.look("core", PRIMARY)

    def _admit(self, request: Request, costs_quota: bool) -> None:
        header = request.headers.get("authorization", "")
        scheme, _, token = header.partition(" ")
        if not header:
            raise Refusal(401, "Requires authentication")
        if scheme.lower() not in ("bearer", "token") or not self._is_known(token):
            raise Refusal(401, "Bad credentials")
        if costs_quota and self.primary().remaining < 1:
            raise Refusal(403, "API rate limit exceeded for user ID 90210002.")
        writes = request.method not in ("GET", "HEAD")
        spent = [self.windows.spend("points", POINTS, 5 if writes else 1)]
        if writes:
            spent.append(self.windows.spend("content", CONTENT))
            spent.append(self.windows.spend("content hourly", CONTENT_HOURLY))
        over = [one for one in spent if not one.allowed]
        if over:
            left = max(one.seconds_left(self.clock.now()) for one in over)
            words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            raise Refusal(403, words, headers={"retry-after": str(left)})

    def is_installed(self, request: Request) -> bool:
        """Whether an App asks."""
        return request.headers.get("authorization", "").partition(" ")[2] in self.installed

    def _is_known(self, token: str) -> bool:
        return token == self.token or self.installed.get(token, 0.0) > self.clock.now()

    def _stamp(self, response: Response, spent: Spent) -> None:
        headers = {
            "X-RateLimit-Limit": str(spent.limit),
            "X-RateLimit-Remaining": str(spent.remaining),
            "X-RateLimit-Used": str(spent.used),
            "X-RateLimit-Reset": str(int(spent.resets_at)),
            "X-RateLimit-Resource": "core",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Request-Id": f"QD{next(self._numbers):06X}:PLAY",
            "X-OAuth-Scopes": "repo, repo_deployment",
        }
        for name, value in headers.items():
            response.headers[name] = value


def _told(refusal: Refusal) -> Response:
    body: Json = {"message": refusal.message, "documentation_url": DOCS}
    if "errors" in refusal.extra:
        body["errors"] = refusal.extra["errors"]
    elif refusal.status != 422:
        body["status"] = str(refusal.status)
    return as_json(body, refusal.status, refusal.extra.get("headers"))


def _conditional(request: Request, response: Response) -> Response:
    if request.method != "GET" or response.status_code != 200:
        return response
    tag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()}"'
    wanted = request.headers.get("if-none-match", "").removeprefix("W/")
    if wanted == tag:
        response = Response(None, 304)
    response.headers["etag"] = tag
    response.headers["cache-control"] = "private, max-age=60, s-maxage=60"
    return response


def api_of(request: Request) -> str:
    """The address that the client used, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def paged(request: Request, items: Sequence[Any], wrap: str | None = None) -> Response:
    """Answer one page; `Link` leads to the others. `wrap` names the list beside its `total_count`."""
    size = min(whole(request, "per_page", 30, 1, 1_000_000), 100)
    page = whole(request, "page", 1, 1, 1_000_000)
    last = max(1, -(-len(items) // size))
    shown = list(items[(page - 1) * size : page * size])
    links = []
    if page > 1:
        links += [("prev", page - 1)]
    if page < last:
        links += [("next", page + 1), ("last", last)]
    if page > 1:
        links += [("first", 1)]
    headers = {}
    if links:
        address = request.url.include_query_params
        headers["link"] = ", ".join(f'<{address(page=number)}>; rel="{rel}"' for rel, number in links)
    body: Any = shown if wrap is None else {"total_count": len(items), wrap: shown}
    return as_json(body, 200, headers)


def invalid(resource: str, name: str, code: str, message: str | None = None) -> Refusal:
    """Make GitHub's 422 for one field."""
    error = {"resource": resource, "field": name, "code": code}
    if message is not None:
        error["message"] = message
    return Refusal(422, "Validation Failed", errors=[error])

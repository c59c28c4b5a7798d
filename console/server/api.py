"""The API as an ASGI application: the route table behind the role of whoever asks, and errors that keep their words."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from console.client.wire import error_to_json
from console.domain.codec import Json, from_json, to_json
from console.domain.errors import (
    ConfigError,
    ConsoleError,
    ProviderError,
    Refused,
    StoreBusy,
    UsageError,
)
from console.domain.ids import Actor
from console.domain.roles import Role
from console.server.local import LocalService
from console.server.openapi import build_document
from console.server.parts import Parts
from console.server.roles import Roles
from console.server.routes import ROUTES, Asked, Parameter, Route
from console.server.streams import Pace, SseResponse

log = logging.getLogger(__name__)

LONGEST_BODY = 1024 * 1024
STATUSES: tuple[tuple[type[ConsoleError], int], ...] = (
    (Refused, 409),
    (UsageError, 400),
    (ConfigError, 400),
    (StoreBusy, 503),
    (ProviderError, 502),
)

Answering = Callable[[Request], Awaitable[ASGIApp]]


def build_api(parts: Parts, roles: Roles, pace: Pace | None = None) -> Starlette:
    """Build the application. The server must put `peer_uid` and `abort` into each request's state."""
    document = build_document(ROUTES, parts.about.version)

    async def openapi(request: Request) -> ASGIApp:
        return json_response(document)

    listed = [
        StarletteRoute(route.path, _Guarded(_endpoint(route, parts, roles, pace or Pace())), methods=[route.method])
        for route in ROUTES
    ]
    own = StarletteRoute("/v1/openapi.json", _Guarded(openapi), methods=["GET"])
    return Starlette(routes=[own, *listed], exception_handlers={HTTPException: _not_here})


class _Guarded:
    """An endpoint whose errors become JSON. A class, because Starlette hands ASGI endpoints the request as it is."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answering(Request(scope, receive))
        except ConsoleError as error:
            response = error_response(error)
        except Exception as error:
            log.exception("%s %s failed", scope["method"], scope["path"])
            response = error_response(
                ConsoleError(
                    f"The worker failed on this request: {type(error).__name__}.",
                    f"{scope['method']} {scope['path']}",
                    "This is a fault of Quarterdeck; worker.log has the details. Deployments are not affected.",
                )
            )
        await response(scope, receive, send)


def _endpoint(route: Route, parts: Parts, roles: Roles, pace: Pace) -> Answering:
    async def answer(request: Request) -> ASGIApp:
        actor, role = _asker(request, roles)
        if role is Role.NONE and route.name != "whoami":
            raise stranger(actor, parts)
        values = {parameter.name: _value(parameter, request) for parameter in route.parameters}
        body = None if route.body is None else await _body(request, route.body)
        uid = request.state.peer_uid
        service = LocalService(parts, actor, role, rights=roles.rights(uid), owns_worker=roles.owns_worker(uid))
        asked = Asked(service, values, body, request.stream())
        if route.stream is not None:
            return SseResponse(route.stream(asked), parts.stopping, request.state.abort, pace)
        assert route.answer is not None
        result = await route.answer(asked)
        if route.media:
            return Response(result, route.status, media_type=route.media)
        return json_response(to_json(result), route.status)

    return answer


def _asker(request: Request, roles: Roles) -> tuple[Actor, Role]:
    return roles.find(request.state.peer_uid)


def stranger(actor: Actor, parts: Parts) -> Refused:
    return Refused(
        f"{actor} has no role here.",
        f"worker {parts.about.worker} · {parts.about.home}",
        f"Ask an administrator to add {actor} to one of the lists in [roles].",
    )


def _value(parameter: Parameter, request: Request) -> Any:
    if parameter.name in request.path_params:
        return parameter.decode([request.path_params[parameter.name]])
    texts = request.query_params.getlist(parameter.name)
    if parameter.name == "after" and not texts and "last-event-id" in request.headers:
        texts = [request.headers["last-event-id"]]
    return parameter.decode(texts)


async def _body(request: Request, kind: Any) -> Any:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > LONGEST_BODY:
            raise UsageError(
                f"The request is longer than {LONGEST_BODY // 1024**2} MiB.",
                f"{request.method} {request.url.path}",
                "Large things are given as files: an action that takes one has an argument for its path.",
            )
    try:
        return from_json(kind, json.loads(bytes(data)))
    except ValueError as problem:
        raise UsageError(
            f"The request's body cannot be read: {problem}",
            f"{request.method} {request.url.path}",
            "GET /v1/openapi.json describes what is expected.",
        ) from problem


def json_response(data: Json, status: int = 200) -> Response:
    return Response(json.dumps(data, ensure_ascii=False), status, media_type="application/json")


def error_response(error: ConsoleError) -> Response:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    return json_response(error_to_json(error), status)


async def _not_here(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    problem = UsageError(
        "There is no such thing to ask." if status == 404 else "That cannot be asked in this way.",
        f"{request.method} {request.url.path}",
        "GET /v1/openapi.json lists what there is.",
    )
    return json_response(error_to_json(problem), status)

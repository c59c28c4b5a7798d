"""HTTP as every emulated platform needs it: reading bodies, refusing, paging by position."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]
Json = Any
T = TypeVar("T")

STRUCK = "playground.struck"
"""The mark in a request's scope that says so."""


class Refusal(Exception):
    """The platform says no: `status`, a short `code` where the platform has codes, and its words."""

    def __init__(self, status: int, message: str, code: str = "", **extra: Json) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.extra = extra


def as_json(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON as the platforms do, charset included."""
    return Response(
        json.dumps(body, separators=(",", ":")).encode(),
        status,
        {"content-type": "application/json; charset=utf-8", **(headers or {})},
    )


def empty(status: int) -> Response:
    """Answer without a body and without a content type."""
    return Response(None, status)


def turn_back_struck(request: Request) -> None:
    """Stop a request that a fault of the playground strikes: it counts against its limit, and does nothing.

    Raises:
        Refusal: 503, to be told to nobody.
    """
    if STRUCK in request.scope:
        raise Refusal(503, "struck by a fault")


async def read_json(request: Request, required: bool = True) -> Json:
    """Read the body; an empty one is `{}` where the call allows that.

    Raises:
        Refusal: 400, the body is missing or not JSON.
    """
    raw = await request.body()
    if not raw.strip():
        if required:
            raise Refusal(400, "request body is required", "bad_request")
        return {}
    try:
        return json.loads(raw)
    except ValueError as error:
        raise Refusal(400, "invalid JSON", "bad_request") from error


async def read_object(request: Request, required: bool = True) -> dict[str, Json]:
    """Read a body that has to be a JSON object."""
    body = await read_json(request, required)
    if not isinstance(body, dict):
        raise Refusal(400, "request body must be an object", "bad_request")
    return body


def whole(request: Request, name: str, default: int, low: int, high: int) -> int:
    """Read a whole number from the query.

    Raises:
        Refusal: 400, not a whole number or outside `low..high`.
    """
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    try:
        value = int(text)
    except ValueError as error:
        raise Refusal(400, f"{name} must be an integer", "bad_request") from error
    if not low <= value <= high:
        raise Refusal(400, f"{name} must be between {low} and {high}", "bad_request")
    return value


def many(request: Request, name: str) -> list[str]:
    """Read an array from the query, repeated or joined by commas, with or without `[]` behind the name."""
    texts = [*request.query_params.getlist(name), *request.query_params.getlist(f"{name}[]")]
    return [part for text in texts for part in text.split(",") if part]


def cursor_for(key: str) -> str:
    """Make the opaque cursor that stands behind the item with this key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def after_cursor(items: Sequence[T], cursor: str, key: Callable[[T], str]) -> Sequence[T]:
    """The items behind a cursor. One whose item is gone gives nothing."""
    if not cursor:
        return items
    try:
        wanted = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(400, "invalid cursor", "bad_request") from error
    for position, item in enumerate(items):
        if key(item) == wanted:
            return items[position + 1 :]
    return ()

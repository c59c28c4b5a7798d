"""How an object arrives at Storage in one request: as the bare bytes, or as a form with its file, as clients send it.

Of a form the file's own type counts, and the fields `cacheControl` (seconds) and `metadata` (JSON) stand for headers.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from typing import Any

from starlette.requests import Request

from console.playground.emulators.storage_state import Json, refused

ANYTHING = "application/octet-stream"
FORM = "multipart/form-data"


@dataclass(frozen=True)
class Arrived:
    """The bytes of an object, and what was said about them."""

    body: bytes
    content_type: str
    cache_control: str
    user_metadata: Json


async def read_object_body(request: Request) -> Arrived:
    """Read an uploaded object.

    Raises:
        Refusal: 400, a form without a file.
    """
    media, body = request.headers.get("content-type", ANYTHING), await request.body()
    if media.startswith(FORM):
        return _read_form(media, body)
    age = request.headers.get("cache-control", "no-cache")
    told = _table(_unwrapped(request.headers.get("x-metadata", "")))
    return Arrived(body, media, f"max-age={age}" if age.isdigit() else age, told)


def _read_form(media: str, body: bytes) -> Arrived:
    boundary = _headers(f"content-type: {media}").get_param("boundary")
    fields: dict[str, str] = {}
    file: tuple[bytes, str] | None = None
    for piece in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = _headers(head.decode())
        if headers.get_filename() is not None:
            file = content, headers.get("content-type", ANYTHING)
        else:
            fields[str(headers.get_param("name", header="content-disposition"))] = content.decode()
    if file is None:
        raise refused(400, "InvalidRequest", "no_file_provided", "No file provided")
    age = fields.get("cacheControl", "")
    return Arrived(*file, f"max-age={age}" if age else "no-cache", _table(fields.get("metadata", "")))


def _headers(text: str) -> Message[str, str]:
    return HeaderParser().parsestr(text)


def _unwrapped(coded: str) -> str:
    try:
        return base64.b64decode(coded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _table(text: str) -> Json:
    """An object of JSON; anything else is none."""
    try:
        told: Any = json.loads(text) if text else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}

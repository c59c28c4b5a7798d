"""How a path is written in texts: plainly, percent-encoded, in HTML, in JSON. Pure.

Each way writes sign by sign, so that a prefix and what follows may be written apart and put together.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import quote

_URI = ";,/?:@&=+$-_.!~*'()#"
PLAIN, JSON_SLASH = "plain", "json-slash"
PERCENT = ("address", "uri", "address-lower", "uri-lower")


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _json_ascii(text: str) -> str:
    return json.dumps(text)[1:-1]


def _lower_figures(text: str) -> str:
    """`%C3` as `%c3`, which some write."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


WAYS: dict[str, Callable[[str], str]] = {
    PLAIN: lambda text: text,
    "address": lambda text: quote(text, safe="/:"),
    "uri": lambda text: quote(text, safe=_URI),
    "address-lower": lambda text: _lower_figures(quote(text, safe="/:")),
    "uri-lower": lambda text: _lower_figures(quote(text, safe=_URI)),
    "html": lambda text: html.escape(text, quote=False),
    "attribute": lambda text: html.escape(text, quote=True),
    "json": _json,
    "json-ascii": _json_ascii,
    JSON_SLASH: lambda text: _json(text).replace("/", "\\/"),
    "json-ascii-slash": lambda text: _json_ascii(text).replace("/", "\\/"),
}
_ALIKE = re.compile(r"[A-Za-z0-9_./-]*")
"""Texts that all ways write alike, but for slashes."""


def spell(way: str, text: str) -> str:
    """A path as it is written this way."""
    if _ALIKE.fullmatch(text):
        return text.replace("/", "\\/") if way.endswith("slash") else text
    return WAYS[way](text)


def renew(way: str, new: str, *, is_address: bool) -> str:
    """What a reference becomes where the old one was written this way. Addresses are percent-encoded already."""
    if way in PERCENT:
        return new if is_address else quote(new, safe="/")
    return spell(way, new)


def other_bytes(path: str) -> set[str]:
    """The same letters in other bytes, as another system would have written them."""
    return set() if path.isascii() else {unicodedata.normalize(form, path) for form in ("NFC", "NFD")} - {path}


def is_text(path: str) -> bool:
    """Whether it may stand in a text: all of its bytes are UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Texts as a column's type writes them: plain, arrays, JSON. Each is read for files, and written as it came. Pure.

A string of JSON that is a file's path and nothing else counts only where it has a folder in it, since a bare name there
may be anything; an element of an array counts like a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import StrEnum

from console.transfer.files.forms import Forms, Reading


class Writing(StrEnum):
    """How a type writes its values."""

    PLAIN = "plain"
    ARRAY = "array"
    JSON = "json"


_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|[^{},"]+', re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def read_value(forms: Forms, writing: Writing, text: str) -> Reading:
    """Find every file that a value names."""
    if writing is Writing.ARRAY:
        return _read_parts(text, _ELEMENT, lambda found: _read_element(forms, found))
    if writing is Writing.JSON:
        return _read_parts(text, _STRING, lambda found: _read_string(forms, found))
    return forms.read(text)


def _read_parts(text: str, part: re.Pattern[str], read: Callable[[re.Match[str]], Reading]) -> Reading:
    """Read part after part; what lies between stays."""
    named: list[str] = []
    unready: list[str] = []
    dangling: list[str] = []

    def one(found: re.Match[str]) -> str:
        reading = read(found)
        named.extend(reading.named)
        unready.extend(reading.unready)
        dangling.extend(reading.dangling)
        return reading.text

    # Bounds of an array that does not begin at 1 stand before it, as `[2:3]={...}`.
    begin = text.index("{") if part is _ELEMENT and text.startswith("[") else 0
    whole = text[:begin] + part.sub(one, text[begin:])
    return Reading(whole, False, tuple(named), tuple(unready), tuple(dangling))


def _read_element(forms: Forms, found: re.Match[str]) -> Reading:
    if found[1] is None and found[0].upper() == "NULL":
        return Reading(found[0])
    plain = found[0] if found[1] is None else _ESCAPED.sub(r"\1", found[1])
    reading = forms.read(plain)
    if reading.text == plain:
        return _as(reading, found[0])
    escaped = reading.text.replace("\\", "\\\\").replace('"', '\\"')
    return _as(reading, f'"{escaped}"')


def _read_string(forms: Forms, found: re.Match[str]) -> Reading:
    token, colon = found[0], found[1] or ""
    raw = token.removesuffix(colon)[1:-1]
    if not colon:
        plain = _plain(raw)
        reading = forms.read(plain) if "/" in plain else Reading(plain)
        if reading.whole:
            if reading.text == plain:
                return _as(reading, token)
            written = json.dumps(reading.text)
            return _as(reading, written.replace("/", "\\/") if "\\/" in raw else written)
    reading = forms.read_inside(raw)
    return _as(reading, f'"{reading.text}"{colon}')


def _plain(raw: str) -> str:
    try:
        return str(json.loads(f'"{raw}"', strict=False))
    except ValueError:
        return raw


def _as(reading: Reading, text: str) -> Reading:
    return Reading(text, False, reading.named, reading.unready, reading.dangling)

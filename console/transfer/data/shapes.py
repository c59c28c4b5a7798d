"""Texts that PostgreSQL reads as a date, a time, a UUID or JSON without any help: whole batches in one look. Pure."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from itertools import repeat
from typing import Any

TRUE = ("1", "true", "t", "yes", "y", "on")
FALSE = ("0", "false", "f", "no", "n", "off")

EXACT_TO = 2**53
"""Whole numbers up to here are the same as integers and as floats of 64 bits."""
DEEPEST = 200
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOUR = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_UUID = "-".join(f"[0-9a-f]{{{length}}}" for length in (8, 4, 4, 4, 12))


def _lines(pattern: str) -> Callable[[str], Any]:
    return re.compile(rf"(?:{pattern}\n)*").fullmatch


_days, _hours, _uuids = _lines(_DAY), _lines(_HOUR), _lines(_UUID)
_moments = _lines(rf"{_DAY}[ T]{_HOUR}(?:\.[0-9]{{1,6}})?")

_zoned = _lines(rf"{_DAY}[ T]{_HOUR}(?:\.[0-9]{{1,6}})?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})")


def _all(match: Callable[[str], Any], texts: Sequence[str]) -> bool:
    joined = "\n".join((*texts, ""))
    return joined.count("\n") == len(texts) and match(joined) is not None


def are_days(texts: Sequence[str]) -> bool:
    """Whether all are days of the calendar, such as 2024-02-29."""
    return _all(_days, texts) and _are_read(date.fromisoformat, texts)


def are_moments(texts: Sequence[str]) -> bool:
    """Whether all are ISO 8601 times to the second or microsecond at most, without an offset."""
    return _all(_moments, texts) and _are_read(datetime.fromisoformat, texts)


def _are_read(read: Callable[[str], object], texts: Sequence[str]) -> bool:
    """Whether a reader takes them: the shape alone would let 30 February pass."""
    try:
        deque(map(read, texts), maxlen=0)
    except (ValueError, OverflowError):
        return False
    return True


def are_hours(texts: Sequence[str]) -> bool:
    """Whether all are times of day to the second."""
    return _all(_hours, texts)


def are_uuids(texts: Sequence[str]) -> bool:
    """Whether all are UUIDs in small letters."""
    return _all(_uuids, texts)


def are_zoned(texts: Sequence[str]) -> bool:
    """Whether all are ISO 8601 times to the second or microsecond at most, with an offset from UTC."""
    return _all(_zoned, texts) and _are_read(_in_utc, texts)


def _in_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _no_constant(word: str) -> None:
    # Python reads NaN and Infinity; no other reader of JSON does.
    raise ValueError(f"JSON with {word}, which is none")


_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder(parse_constant=_no_constant))["scan_once"]


def are_json(texts: Sequence[str]) -> bool:
    """Whether all are JSON."""
    try:
        # A text that begins with a blank ends the list early, as a wrong one does; then each is read by itself.
        if [end for _, end in map(_scan, texts, repeat(0))] == list(map(len, texts)):
            return True
        for text in texts:
            json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def is_strange_json(text: str) -> bool:
    """Whether `jsonb` would lose something of a valid JSON, or refuse it: a key twice, a NUL, half a surrogate.

    What is nested deeper than anybody reads counts too, because it cannot be compared.
    """
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({key for key, _ in pairs}) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return False
    deep = text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST
    return found or deep or "\\u0000" in text or _HALF.search(text) is not None


def _depth(text: str) -> int:
    depth = most = 0
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket, 0)
        most = max(most, depth)
    return most


_HALF = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]")

"""Read JSON that a platform sent, trusting nothing about it.

Platforms send null where their documents have none, leave fields out, and invent words. What may be missing reads as
empty; what a caller cannot go on without is asked for with `need_…`, which raises `ShapeError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

EPOCH_MILLIS_FROM = 100_000_000_000
"""Numbers at or above are milliseconds: as seconds they would lie past the year 5000."""


class ShapeError(ValueError):
    """A reply lacks something that its reader needs; the message names it."""


def pick(node: object, *path: str) -> object:
    """Walk into nested objects; None as soon as a step is missing or no object."""
    for name in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node


def text(node: object, *path: str) -> str:
    """A string, "" when it is absent. Numbers are written out; objects and lists count as absent."""
    value = pick(node, *path)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def number(node: object, *path: str) -> float | None:
    """A number, also one written as a string; None when there is none."""
    value = pick(node, *path)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def whole(node: object, *path: str) -> int | None:
    value = number(node, *path)
    return int(value) if value is not None and value == value and abs(value) != float("inf") else None


def flag(node: object, *path: str) -> bool | None:
    value = pick(node, *path)
    return value if isinstance(value, bool) else None


def moment(node: object, *path: str) -> datetime | None:
    """An aware UTC time from ISO 8601 text or an epoch in seconds or milliseconds; None when there is none."""
    value = pick(node, *path)
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value >= EPOCH_MILLIS_FROM else value, UTC)
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def table(node: object, *path: str) -> Mapping[str, object]:
    """An object; an absent one is empty."""
    value = pick(node, *path)
    return value if isinstance(value, Mapping) else {}


def items(node: object, *path: str) -> Sequence[object]:
    """A list; an absent one is empty."""
    value = pick(node, *path)
    return value if isinstance(value, list) else []


def texts(node: object, *path: str) -> tuple[str, ...]:
    """The strings of a list."""
    return tuple(value for value in items(node, *path) if isinstance(value, str))


def need_text(node: object, *path: str) -> str:
    """A string that must be there and not be empty.

    Raises:
        ShapeError: It is not.
    """
    value = text(node, *path)
    if not value:
        raise ShapeError(f"it has no {'.'.join(path)}")
    return value


def need_items(node: object, *path: str) -> Sequence[object]:
    """A list that must be there; it may be empty.

    Raises:
        ShapeError: There is no list.
    """
    value = pick(node, *path)
    if not isinstance(value, list):
        raise ShapeError(f"it has no list {'.'.join(path)}" if path else "it is no list")
    return value


def need_table(node: object, *path: str) -> Mapping[str, object]:
    """An object that must be there.

    Raises:
        ShapeError: There is none.
    """
    value = pick(node, *path)
    if not isinstance(value, Mapping):
        raise ShapeError(f"it has no object {'.'.join(path)}" if path else "it is no object")
    return value

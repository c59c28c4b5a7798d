"""Domain values to JSON and back, by their type hints.

Times are ISO 8601 in UTC, durations are seconds, enumerations are their values, tuples are arrays.
Unknown keys are ignored and missing ones take their default, so that records of another version still load.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")
Json = Any


def to_json(value: object) -> Json:
    """Encode a domain value as plain JSON types.

    Raises:
        TypeError: The value holds something that has no JSON form here.
    """
    if isinstance(value, Enum):  # before str and int: StrEnum and IntEnum are both
        return value.value
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [to_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(kind: type[T], data: Json) -> T:
    """Decode what `to_json` made, as the dataclass or type named.

    Raises:
        ValueError: The data does not have the shape of `kind`; says which field.
    """
    return typing.cast(T, _decode(kind, data, getattr(kind, "__name__", str(kind))))


@lru_cache(maxsize=256)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(hint: Any, data: Json, path: str) -> Any:
    origin = typing.get_origin(hint)
    if hint is Any or hint is object:
        return data
    if isinstance(hint, typing.NewType):
        return _decode(hint.__supertype__, data, path)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(hint), data, path)
    if origin is tuple:
        return _decode_tuple(typing.get_args(hint), data, path)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        key_hint, item_hint = typing.get_args(hint)
        if not isinstance(data, Mapping):
            raise ValueError(f"{path}: expected an object, got {type(data).__name__}")
        return {_decode(key_hint, k, path): _decode(item_hint, v, f"{path}.{k}") for k, v in data.items()}
    if isinstance(hint, type):
        return _decode_plain(hint, data, path)
    raise ValueError(f"{path}: no way to decode {hint}")


def _decode_union(options: tuple[Any, ...], data: Json, path: str) -> Any:
    if data is None and type(None) in options:
        return None
    problems = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _decode(option, data, path)
        except ValueError as problem:
            problems.append(str(problem))
    raise ValueError("; ".join(problems) or f"{path}: null is not allowed")


def _decode_tuple(args: tuple[Any, ...], data: Json, path: str) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise ValueError(f"{path}: expected an array, got {type(data).__name__}")
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], item, f"{path}[{i}]") for i, item in enumerate(data))
    if len(args) != len(data):
        raise ValueError(f"{path}: expected {len(args)} items, got {len(data)}")
    return tuple(_decode(arg, item, f"{path}[{i}]") for i, (arg, item) in enumerate(zip(args, data, strict=True)))


def _decode_plain(kind: type, data: Json, path: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data, path)
    if issubclass(kind, Enum):
        return kind(data)
    if kind is datetime:
        return datetime.fromisoformat(data).astimezone(UTC)
    if kind is timedelta:
        return timedelta(seconds=float(data))
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(data, bool) and kind is not bool:
        raise ValueError(f"{path}: expected {kind.__name__}, got a boolean")
    if not isinstance(data, kind):
        raise ValueError(f"{path}: expected {kind.__name__}, got {type(data).__name__}")
    return data


def _decode_dataclass(kind: type, data: Json, path: str) -> Any:
    if not isinstance(data, Mapping):
        raise ValueError(f"{path}: expected an object, got {type(data).__name__}")
    hints = _hints(kind)
    known = {
        field.name: _decode(hints[field.name], data[field.name], f"{path}.{field.name}")
        for field in dataclasses.fields(kind)
        if field.name in data and field.init
    }
    try:
        return kind(**known)
    except TypeError as problem:
        raise ValueError(f"{path}: {problem}") from problem

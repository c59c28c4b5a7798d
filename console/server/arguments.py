"""Arguments as people write them, read by the type hints of a request; every mistake told at once.

A value is JSON of the field's kind, or text: `3`, `yes`, `30s`, `a,b`, `2026-11-22T06:16`. What the fields mean stands
beside their kinds, as `Annotated[kind, "what it means"]`.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

from console.config.durations import format_duration, parse_duration
from console.domain.codec import from_json, to_json
from console.domain.errors import UsageError
from console.domain.exchange import FieldAbout
from providers.contract.desk import LocalPath
from providers.redaction import MASK

Request = TypeVar("Request")

TRUE, FALSE = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
NONE = frozenset({"", "none", "null"})
LEAVES: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "yes or no",
    datetime: "moment, as 2026-11-22T06:16 (UTC) or 10m for ten minutes ago",
    timedelta: "length of time, as 30s or 1h30m",
}


def describe_fields(kind: type, secrets: Sequence[str] = ()) -> tuple[FieldAbout, ...]:
    """What a request takes, in the order in which it is written."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple(_describe(field, hints[field.name], field.name in secrets) for field in dataclasses.fields(kind))


def read_arguments(kind: type[Request], given: Mapping[str, object], now: datetime) -> Request:
    """Build the request.

    Args:
        given: Values by name; text is read by the field's kind, where that is no text.
        now: What moments that are written as "ago" count from.

    Raises:
        UsageError: Naming every argument that is unknown, missing or of another kind, and what there is.
    """
    hints = typing.get_type_hints(kind)
    plain: type = kind
    fields = {field.name: field for field in dataclasses.fields(plain)}
    problems = [_unknown(name, fields) for name in given if name not in fields]
    values: dict[str, object] = {}
    for name, field in fields.items():
        if name not in given:
            if _is_required(field):
                problems.append(f"{name} is missing.")
            continue
        try:
            values[name] = from_json(hints[name], _read(hints[name], given[name], now))
        except (ValueError, TypeError, OverflowError):
            # The value itself is not shown: it may be a secret.
            problems.append(f"{name} is not of its kind: {_words(hints[name])}.")
    if problems:
        raise _wrong(problems, describe_fields(kind))
    try:
        return kind(**values)
    except ValueError as problem:
        raise _wrong([str(problem)], describe_fields(kind)) from problem


def show_arguments(request: object, secrets: Sequence[str] = ()) -> dict[str, object]:
    """The request as JSON without its secrets; the names inside a secret table stay."""
    shown = dict(to_json(request))
    for name in secrets:
        if shown.get(name):
            value = shown[name]
            shown[name] = dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK
    return shown


def secret_texts(request: object, secrets: Sequence[str]) -> tuple[str, ...]:
    """Every text in the secret fields, for masking them wherever else they turn up."""
    return tuple(text for name in secrets for text in _texts(getattr(request, name, None)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)


def _describe(field: dataclasses.Field[Any], hint: Any, secret: bool) -> FieldAbout:
    about, local = "", ""
    if typing.get_origin(hint) is typing.Annotated:
        hint, *notes = typing.get_args(hint)
        about = next((note for note in notes if isinstance(note, str)), "")
        local = next(("written" if note.writes else "read" for note in notes if isinstance(note, LocalPath)), "")
    return FieldAbout(field.name, about, _words(hint), _is_required(field), _default(field), secret, local)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING or field.default is None:
        return ""
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    if isinstance(field.default, timedelta):
        return format_duration(field.default)
    encoded = to_json(field.default)
    return ",".join(map(str, encoded)) if isinstance(encoded, list) else str(encoded)


def _words(hint: Any) -> str:
    """A kind in words."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint in LEAVES:
        return LEAVES[hint]
    if origin in (typing.Union, types.UnionType):
        return " or ".join([*(_words(one) for one in inside if one is not type(None)), "none"])
    if origin is tuple:
        return f"list of {_words(inside[0])}, as a,b"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "table, one argument NAME.KEY=VALUE each, or JSON"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"one of {', '.join(str(member.value) for member in hint)}"
    return "JSON"


def _read(hint: Any, value: object, now: datetime) -> Any:
    """Turn text into the JSON that the codec takes for this kind; what is JSON already stays."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _read_optional(inside, value, now)
    if origin is tuple:
        return [_read(inside[0], item, now) for item in _items(value)]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        table = json.loads(value) if isinstance(value, str) else value
        if not isinstance(table, Mapping):
            raise ValueError("no table")
        return {name: _read(inside[1], item, now) for name, item in table.items()}
    if not isinstance(value, str):
        return value
    reader = READERS.get(hint)
    if reader is not None:
        return reader(value.strip(), now)
    return value if hint is str or (isinstance(hint, type) and issubclass(hint, Enum)) else json.loads(value)


def _read_optional(options: Sequence[Any], value: object, now: datetime) -> Any:
    kinds = [option for option in options if option is not type(None)]
    if isinstance(value, str) and str not in kinds and value.strip().lower() in NONE:
        return None
    return None if value is None else _read(kinds[0], value, now)


def _items(value: object) -> Sequence[object]:
    if isinstance(value, str):
        text = value.strip()
        return list(json.loads(text)) if text.startswith("[") else [item for item in text.split(",") if item]
    if isinstance(value, list | tuple):
        return value
    raise ValueError("no list")


def _read_flag(text: str, now: datetime) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise ValueError("neither yes nor no")
    return text.lower() in TRUE


def _read_moment(text: str, now: datetime) -> str:
    try:
        return (now - parse_duration(text)).isoformat()
    except ValueError:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def _read_length(text: str, now: datetime) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError:
        return float(text)


READERS: Mapping[Any, Callable[[str, datetime], object]] = {
    int: lambda text, now: int(text),
    float: lambda text, now: float(text),
    bool: _read_flag,
    datetime: _read_moment,
    timedelta: _read_length,
}


def _unknown(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, 1)
    return f"There is no argument {name}." + (f" Did you mean {near[0]}?" if near else "")


def _wrong(problems: Sequence[str], fields: Sequence[FieldAbout]) -> UsageError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    known = "\n".join(f"  {field.words}" for field in fields)
    remedy = f"It takes:\n{known}" if known else "It takes no arguments."
    return UsageError("These arguments cannot be used:", lines, remedy)

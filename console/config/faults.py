"""Faults of a configuration in words: which key, what is wrong, what to write instead."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel, ValidationError

Key = tuple[str | int, ...]

SECRET_NAME = re.compile(r"(?:^|_)(?:token|secret|password|api_key|private_key)$")


@dataclass(frozen=True)
class Fault:
    """One fault at one key; the loader adds file and line."""

    key: Key
    what: str
    remedy: str


def dotted(key: Iterable[str | int]) -> str:
    """Write a key as TOML does, with places in arrays in brackets: `services.web.integration[0].path`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


def suggest(word: str, known: Iterable[str]) -> str:
    """`Did you mean …?` where something known is near, else the list of what is known."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known: {', '.join(names)}." if names else "None is configured."


def explain(problem: ValidationError, model: type[BaseModel], prefix: Key = ()) -> list[Fault]:
    """Turn everything that pydantic found into faults."""
    return [_explain_one(dict(error), model, prefix) for error in problem.errors(include_url=False)]


def _explain_one(error: Mapping[str, Any], model: type[BaseModel], prefix: Key) -> Fault:
    location: Key = tuple(error["loc"])
    key, kind, context = (*prefix, *location), error["type"], error.get("ctx", {})
    name = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        return Fault(key, f"There is no setting {name} here.", suggest(name, _known_keys(model, location[:-1])))
    if kind == "missing":
        return Fault(key, f"{name} is missing.", f"Add {name} = … here.")
    if kind in {"literal_error", "enum"}:
        return Fault(key, f"{_shown(error)} is not one of the choices.", f"Write one of {context.get('expected')}.")
    if kind == "value_error":
        return Fault(key, _sentence(str(context.get("error", error["msg"]))), _value_remedy(str(error["msg"])))
    return Fault(key, f"{_shown(error)} does not fit.", _sentence(str(error["msg"]).replace("Input", "it", 1)))


def _value_remedy(message: str) -> str:
    if "length of time" in message:
        return 'Write it like "30s", "5m", "1h30m" or "30d".'
    if "secret" in message:
        return "Write env:NAME, file:PATH, keyring:SERVICE/NAME or command:COMMAND."
    return "Correct the value."


def _shown(error: Mapping[str, Any]) -> str:
    value = error.get("input")
    if any(SECRET_NAME.search(str(part)) for part in error["loc"]):
        return "The value"
    if isinstance(value, Mapping):
        return "A table"
    if isinstance(value, list | tuple):
        return "A list"
    return repr(value) if isinstance(value, str) else str(value).lower()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _known_keys(model: type[BaseModel], path: Sequence[str | int]) -> tuple[str, ...]:
    """The settings of the table at `path`, found by following the model's annotations."""
    kind: Any = model
    for part in path:
        kind = _inside(kind, part)
    table = _table(kind)
    return tuple(field.alias or name for name, field in table.model_fields.items()) if table is not None else ()


def _inside(kind: Any, part: str | int) -> Any:
    table = _table(kind)
    if table is not None and isinstance(part, str):
        field = next((f for name, f in table.model_fields.items() if part == (f.alias or name)), None)
        return field.annotation if field else None
    arguments = typing.get_args(kind)
    if isinstance(part, int):
        return arguments[0] if arguments else None
    return arguments[1] if len(arguments) == 2 else None


def _table(kind: Any) -> type[BaseModel] | None:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next((t for option in typing.get_args(kind) if (t := _table(option)) is not None), None)
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, Enum)
    return kind if is_model else None

"""Answers of any shape as text: tables of like things, names beside values, the rest indented. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from console.cli.words import table

WIDEST_CELL = 60


def value_lines(value: Any, indent: str = "") -> Iterator[str]:
    """Plain JSON as lines."""
    if isinstance(value, Mapping):
        yield from _mapping_lines(value, indent)
    elif isinstance(value, list | tuple):
        yield from _list_lines(value, indent)
    else:
        yield from (f"{indent}{line}" for line in say_value(value).splitlines() or [""])


def say_value(value: Any) -> str:
    """One value as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mapping_lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    if not value:
        yield f"{indent}–"
        return
    width = max(len(name) for name, item in value.items() if not _is_large(item)) if _has_small(value) else 0
    for name, item in value.items():
        if _is_large(item):
            yield f"{indent}{name}"
            yield from value_lines(item, indent + "  ")
        else:
            yield f"{indent}{name.ljust(width)}  {say_value(item)}".rstrip()


def _list_lines(value: Sequence[Any], indent: str) -> Iterator[str]:
    if not value:
        yield f"{indent}none"
    elif all(isinstance(item, Mapping) for item in value):
        heads = list(dict.fromkeys(str(name) for item in value for name in item))
        rows = [[_cell(item.get(name)) for name in heads] for item in value]
        yield from (indent + line for line in table([head.upper() for head in heads], rows))
    else:
        for item in value:
            yield from value_lines(item, indent)


def _has_small(value: Mapping[str, Any]) -> bool:
    return any(not _is_large(item) for item in value.values())


def _is_large(item: Any) -> bool:
    return (isinstance(item, Mapping | list | tuple) and bool(item)) or (isinstance(item, str) and "\n" in item)


def _cell(item: Any) -> str:
    text = " ".join(say_value(item).split())
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"

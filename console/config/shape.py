"""What all settings have in common: frozen, no unknown keys, times as people write them, secrets by reference."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from console.config.durations import format_duration, parse_duration

REFERENCE_SCHEMES = ("env", "file", "keyring", "command")
LITERAL = "text:"
"""In front of a variable's value: what follows is the value, whatever it looks like."""


BATCH_PERCENT = re.compile(r"([1-9][0-9]?|100)%")


class Section(BaseModel):
    """One table of the configuration file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)


def is_reference(value: object) -> bool:
    """Whether a value points at a secret (`env:NAME`, `file:PATH`, `keyring:service/name`, `command:…`)."""
    return isinstance(value, str) and value.partition(":")[0] in REFERENCE_SCHEMES and ":" in value


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError('a length of time is text with a unit, such as "30s", "5m" or "1h30m"')
    return parse_duration(value)


def _duration_or_forever(value: Any) -> Any:
    return value if value == "forever" else _duration(value)


def _reference(value: Any) -> Any:
    if value in ("", None) or is_reference(value):
        return value
    # The value may be the secret itself: it must not appear in the message.
    raise ValueError("a secret is written here in the open; only a reference is accepted")


def _variable(value: Any) -> Any:
    if isinstance(value, str):
        return value
    # The value may be a secret that only lacks its quotes: it must not appear in the message.
    raise ValueError("a variable is text: write it in quotes, also a number, or as a reference")


def _batch(value: Any) -> Any:
    """A count, or a part of all as `25%`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, str) and BATCH_PERCENT.fullmatch(value.replace(" ", "")):
        return value.replace(" ", "")
    raise ValueError('a batch is a count from 1 on, or a part of all instances such as "25%"')


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration, return_type=str)]
DurationOrForever = Annotated[
    timedelta | Literal["forever"],
    BeforeValidator(_duration_or_forever),
    PlainSerializer(lambda value: value if value == "forever" else format_duration(value), return_type=str),
]
Batch = Annotated[int | str, BeforeValidator(_batch)]
SecretReference = Annotated[str, BeforeValidator(_reference)]
VariableValue = Annotated[str, BeforeValidator(_variable)]

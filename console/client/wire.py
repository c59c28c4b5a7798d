"""What crosses the socket: errors that keep their class and words, and server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from console.client import service
from console.domain import errors
from console.domain.codec import Json, from_json, to_json
from console.domain.errors import ConfigProblem, ConsoleError, ExitCode

EXTRAS = ("reasons", "problems", "provider", "request", "retry_after")
"""Attributes that some errors carry beside their words."""


def error_to_json(error: ConsoleError) -> Json:
    """Encode an error so that the other side can raise the same one."""
    extra = {name: to_json(getattr(error, name)) for name in EXTRAS if hasattr(error, name)}
    return {
        "class": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "remedy": error.remedy,
        "exit_code": int(error.exit_code),
        "transient": error.transient,
        **extra,
    }


def error_from_json(data: Json) -> ConsoleError:
    """Build the error that `error_to_json` encoded; a class of another version keeps its words and exit code."""
    kind = _classes().get(data.get("class", ""), ConsoleError)
    error = kind.__new__(kind)
    what = str(data.get("what", "The worker reported a failure without words."))
    Exception.__init__(error, what)
    error.what, error.where, error.remedy = what, str(data.get("where", "")), str(data.get("remedy", ""))
    error.transient = bool(data.get("transient", False))
    if data.get("exit_code") in set(ExitCode):
        error.exit_code = ExitCode(data["exit_code"])
    extras: dict[str, Callable[[Any], Any]] = {
        "reasons": tuple,
        "problems": lambda value: tuple(from_json(ConfigProblem, item) for item in value),
        "retry_after": lambda value: timedelta(seconds=value),
    }
    for name in EXTRAS:
        if name in data:
            setattr(error, name, extras.get(name, str)(data[name]))
    return error


def _classes() -> dict[str, type[ConsoleError]]:
    modules = (vars(errors), vars(service))
    found = [value for module in modules for value in module.values() if isinstance(value, type)]
    return {kind.__name__: kind for kind in found if issubclass(kind, ConsoleError)}


@dataclass(frozen=True)
class Message:
    """One server-sent event. `id` is empty for what must not move a reader's cursor."""

    event: str
    data: Json = None
    id: str = ""

    def encode(self) -> bytes:
        number = f"id: {self.id}\n" if self.id else ""
        body = json.dumps(self.data, separators=(",", ":"), ensure_ascii=False)
        return f"{number}event: {self.event}\ndata: {body}\n\n".encode()


HEARTBEAT = b": alive\n\n"


@dataclass
class _Draft:
    fields: dict[str, str] = field(default_factory=dict)

    def take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and "data" in self.fields:
            value = f"{self.fields['data']}\n{value}"
        if name:
            self.fields[name] = value

    def finish(self) -> Message | None:
        fields, self.fields = self.fields, {}
        if "data" not in fields:
            return None
        return Message(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id", ""))


async def read_messages(lines: AsyncIterator[str]) -> AsyncIterator[Message]:
    """Read server-sent events from lines without their ends; comments are skipped."""
    draft = _Draft()
    async for line in lines:
        if line:
            draft.take(line)
            continue
        message = draft.finish()
        if message is not None:
            yield message


def query_pairs(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Encode the parts of a query: nothing for None and empty, one pair for each item of a tuple."""
    for name, value in values.items():
        if value is None or value == "" or value == ():
            continue
        for item in value if isinstance(value, tuple) else (value,):
            yield name, str(to_json(item))

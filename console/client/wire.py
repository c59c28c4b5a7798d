"""What crosses the socket: errors that keep their class and words, and server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.domain.codec import Json, from_json, to_json
from console.domain.errors import ConfigProblem, ConsoleError, ExitCode
from console.domain.exchange import LogBatch
from console.domain.telemetry import LogLine

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
    """Every kind of error that is known here, by name."""
    found, kinds = {"ConsoleError": ConsoleError}, [ConsoleError]
    while kinds:
        kinds = [sub for kind in kinds for sub in kind.__subclasses__()]
        found.update({kind.__name__: kind for kind in kinds})
    return found


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


def decode_message(block: bytes) -> Message | None:
    """Read what stands between two blank lines; None for comments and for what carries no data."""
    fields: dict[str, str] = {}
    for line in block.decode("utf-8").split("\n"):
        name, _, value = line.rstrip("\r").partition(":")
        fields[name] = f"{fields['data']}\n{value}" if name == "data" and name in fields else value.removeprefix(" ")
    if "data" not in fields:
        return None
    return Message(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id", ""))


async def read_messages(pieces: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    """Read server-sent events from bytes as they arrive; one that is cut off at the end is not given."""
    buffer, looked = bytearray(), 0
    async for piece in pieces:
        buffer += piece
        while (end := buffer.find(b"\n\n", max(looked - 1, 0))) >= 0:
            message = decode_message(bytes(buffer[:end]))
            del buffer[: end + 2]
            looked = 0
            if message is not None:
                yield message
        looked = len(buffer)


def log_batch_to_json(batch: LogBatch) -> Json:
    """Encode a batch as the codec would, ten times as fast: a flood of lines passes here."""
    lines = [
        {
            "at": line.at.isoformat(),
            "source": line.source,
            "text": line.text,
            "level": line.level,
            "number": line.number,
        }
        for line in batch.lines
    ]
    return {"lines": lines, "dropped": batch.dropped}


def log_batch_from_json(data: Json) -> LogBatch:
    """Decode what `log_batch_to_json` made; in the console, where a slow decoder would delay keys."""
    read = datetime.fromisoformat
    lines = tuple(
        LogLine(read(line["at"]), line["source"], line["text"], line["level"], line["number"]) for line in data["lines"]
    )
    return LogBatch(lines, data["dropped"])


def query_pairs(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Encode the parts of a query: nothing for None and empty, one pair for each item of a tuple."""
    for name, value in values.items():
        if value is None or value == "" or value == ():
            continue
        for item in value if isinstance(value, tuple) else (value,):
            yield name, str(to_json(item))

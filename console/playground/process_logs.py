"""Read what the product's processes wrote: one file a process, one JSON object a line, newest last."""

import heapq
import json
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from console.playground.hosting import LogRecord

KEEP_BYTES = 64 * 1024 * 1024
_BLOCK_BYTES = 128 * 1024


def read_newest(files: Sequence[tuple[str, Path]], after: float | None, limit: int) -> list[LogRecord]:
    """Read the newest `limit` lines of several (instance, file) pairs later than `after`, oldest first.

    Reads backwards from the end, so the cost follows the lines that are wanted and not the size of the files.
    """
    streams = [_backwards(instance, path, after) for instance, path in files]
    newest = islice(heapq.merge(*streams, key=lambda record: -record.time), limit)
    return list(newest)[::-1]


def trim(path: Path) -> None:
    """Empty a file that has grown beyond 64 MiB; its writer appends, and goes on at the new beginning."""
    try:
        if path.stat().st_size > KEEP_BYTES:
            os.truncate(path, 0)
    except OSError:
        return


def _backwards(instance: str, path: Path, after: float | None) -> Iterator[LogRecord]:
    try:
        written = path.stat().st_mtime
    except OSError:
        return
    time = written
    for line in _lines_backwards(path):
        record = _parse(instance, line, time)
        time = record.time
        if after is not None and record.time <= after:
            return
        yield record


def _lines_backwards(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        rest = b""
        is_end = True
        while position > 0:
            size = min(_BLOCK_BYTES, position)
            position -= size
            file.seek(position)
            block = file.read(size) + rest
            lines = block.split(b"\n")
            rest = lines[0]
            complete = lines[1:]
            if is_end and complete:
                # What follows the last newline is a line still being written.
                complete.pop()
                is_end = False
            yield from (line for line in reversed(complete) if line)
        if rest and not is_end:
            yield rest


def _parse(instance: str, line: bytes, time_of_next: float) -> LogRecord:
    try:
        told = json.loads(line)
        return LogRecord(float(told["time"]), str(told["message"]), str(told["level"]), instance)
    except (ValueError, KeyError, TypeError):
        # A traceback, or half a line after a kill: as it stands, at the time of the line that follows.
        return LogRecord(time_of_next, line.decode(errors="replace"), "error", instance)

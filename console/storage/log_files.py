"""The log files of one source: append-only text, cut into segments by size, each with a small index by time.

A line is `TIME NUMBER LEVEL TEXT`, with line breaks and backslashes in the text escaped. The index holds one entry for
each block of about 64 KiB: where it begins and ends and the earliest and latest time in it, so that a search by time
skips whole blocks, also when lines came out of order. What the index does not cover yet is read.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from console.domain.telemetry import LogLine

SEGMENT_BYTES = 32 * 1024 * 1024
SEGMENTS_KEPT = 8
BLOCK_BYTES = 64 * 1024
LONGEST_TEXT = 8 * 1024
ENTRY = struct.Struct("<QQQQ")  # begin and end in bytes, earliest and latest time in microseconds


@dataclass(frozen=True)
class Block:
    """A part of a segment, in bytes; times are microseconds since 1970, None where the index does not know them."""

    begin: int
    end: int
    earliest: int | None = None
    latest: int | None = None


def file_name(name: str) -> str:
    """A name that is safe as a part of a path, and can be turned back."""
    safe = quote(name, safe=" @+=,()").replace("~", "%7E")  # `~` parts the source from a segment's number
    return "%2E" + safe[1:] if safe.startswith(".") else safe


def name_of(segment: Path) -> str:
    """The source whose lines a segment holds."""
    return unquote(segment.name.removesuffix(".log").rsplit("~", 1)[0])


def segments(folder: Path, source: str) -> tuple[Path, ...]:
    """The segments of a source, newest first; the one being written has no number."""
    base = file_name(source)
    current = folder / f"{base}.log"
    numbered = sorted(folder.glob(f"{_escaped(base)}~*.log"), key=_number, reverse=True)
    return ((current,) if current.exists() else ()) + tuple(numbered)


def _escaped(name: str) -> str:
    return name.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")


def _number(segment: Path) -> int:
    digits = segment.name.removesuffix(".log").rsplit("~", 1)[-1]
    return int(digits) if digits.isdigit() else 0


def index_of(segment: Path) -> Path:
    return segment.with_suffix(".idx")


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def format_line(line: LogLine, number: int) -> str:
    text = line.text.replace("\0", "�")
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT} characters cut)"
    if "\\" in text or "\n" in text or "\r" in text:
        text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    at = line.at if line.at.tzinfo is UTC else line.at.astimezone(UTC)
    return f"{at.isoformat(timespec='microseconds')[:26]}Z {number} {line.level or 'info'} {text}\n"


def parse_line(raw: bytes, source: str) -> LogLine | None:
    """Read one line back; None for one that a crash cut short."""
    parts = raw.decode("utf-8", "replace").split(" ", 3)
    try:
        at, number, level, text = datetime.fromisoformat(parts[0]), int(parts[1]), parts[2], parts[3]
    except (ValueError, IndexError):
        return None
    if "\\" in text:
        text = text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\")
    return LogLine(at, source, text, level, number)


def read_blocks(segment: Path, size: int) -> tuple[Block, ...]:
    """Cut the first `size` bytes of a segment into blocks, oldest first, as its index says."""
    try:
        raw = index_of(segment).read_bytes()
    except FileNotFoundError:
        raw = b""
    blocks, covered = [], 0
    for begin, end, earliest, latest in ENTRY.iter_unpack(raw[: len(raw) // ENTRY.size * ENTRY.size]):
        if begin != covered or not begin < end <= size:
            break
        blocks.append(Block(begin, end, earliest, latest))
        covered = end
    if covered < size:
        blocks.append(Block(covered, size))
    return tuple(blocks)


class LogWriter:
    """Appends to the newest segment of one source. Belongs to one thread.

    Raises OSError from `append` when the disk refuses; the file then ends where it ended before.
    """

    def __init__(self, folder: Path, source: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._source = source
        self._segment_bytes = segment_bytes
        self._path = folder / f"{file_name(source)}.log"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open()

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._file).st_size
        self._mend()
        tail = next((block for block in read_blocks(self._path, self._size) if block.latest is None), None)
        self._block_begin = tail.begin if tail else self._size
        times = [microseconds(line.at) for line in self._lines_from(self._block_begin)]
        self._earliest, self._latest = min(times, default=None), max(times, default=None)
        self._number = self._last_number()

    def _mend(self) -> None:
        """End a line that a killed writer left open, so that the next one begins on its own."""
        if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
            self._size += os.write(self._file, b"\n")

    def _lines_from(self, begin: int) -> Iterator[LogLine]:
        while begin < self._size:
            chunk = os.pread(self._file, 4 * BLOCK_BYTES, begin)
            end = chunk.rfind(b"\n") + 1
            if not end:
                return
            for raw in chunk[:end].splitlines():
                line = parse_line(raw, self._source)
                if line is not None:
                    yield line
            begin += end

    def _last_number(self) -> int:
        begin = max(0, self._size - 2 * BLOCK_BYTES)
        here = max((line.number for line in self._lines_from(begin)), default=0)
        if here:
            return here
        older = [path for path in segments(self._folder, self._source) if path != self._path]
        return _number(older[0]) if older else 0

    def append(self, lines: Sequence[LogLine]) -> None:
        """Write lines as one piece, numbered on from the last."""
        first = self._number + 1
        data = "".join(format_line(line, number) for number, line in enumerate(lines, first)).encode("utf-8", "replace")
        self._write(data)
        self._number += len(lines)
        times = [microseconds(line.at) for line in lines]
        self._earliest = min(times if self._earliest is None else (self._earliest, *times))
        self._latest = max(times if self._latest is None else (self._latest, *times))
        if self._size - self._block_begin >= BLOCK_BYTES:
            self._close_block()
        if self._size >= self._segment_bytes:
            self._rotate()

    def _write(self, data: bytes) -> None:
        view, begin = memoryview(data), self._size
        try:
            while view:
                count = os.write(self._file, view)
                self._size += count
                view = view[count:]
        except OSError:
            os.ftruncate(self._file, begin)
            self._size = begin
            raise

    def _close_block(self) -> None:
        entry = ENTRY.pack(self._block_begin, self._size, self._earliest or 0, self._latest or 0)
        index = os.open(index_of(self._path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            whole = os.fstat(index).st_size // ENTRY.size * ENTRY.size
            os.ftruncate(index, whole)
            os.write(index, entry)
        finally:
            os.close(index)
        self._block_begin, self._earliest, self._latest = self._size, None, None

    def _rotate(self) -> None:
        os.close(self._file)
        full = self._path.with_name(f"{file_name(self._source)}~{self._number}.log")
        if index_of(self._path).exists():
            index_of(self._path).rename(index_of(full))
        self._path.rename(full)
        for old in segments(self._folder, self._source)[SEGMENTS_KEPT:]:
            index_of(old).unlink(missing_ok=True)
            old.unlink(missing_ok=True)
        self._open()

    def close(self) -> None:
        os.close(self._file)

"""Finding lines in log files by time and text, newest first, through memory maps: only what is needed is read."""

from __future__ import annotations

import heapq
import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.telemetry import LogLine
from console.storage.log_files import Block, microseconds, name_of, parse_line, read_blocks, segments

LEVELS = ("debug", "info", "warning", "error")
MOST_LINES = 20_000


@dataclass(frozen=True)
class LineFilter:
    """Which lines. `text` is a substring in any case; `level` is the least severe one wanted; empty means all."""

    environment: EnvironmentName | None = None
    deployment: DeploymentId | None = None
    sources: tuple[str, ...] = ()
    text: str = ""
    level: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def test(self) -> Callable[[LogLine], bool]:
        """Build the test of a line; environment and deployment are the folder's business."""
        sources, text, least = frozenset(self.sources), self.text.casefold(), severity(self.level) if self.level else 0
        since, until = self.since, self.until

        def wanted(line: LogLine) -> bool:
            return (
                (not sources or line.source in sources)
                and (not text or text in line.text.casefold())
                and (not least or severity(line.level) >= least)
                and (since is None or line.at >= since)
                and (until is None or line.at <= until)
            )

        return wanted


def severity(level: str) -> int:
    """Order levels; one that nobody knows counts as `info`."""
    word = {"warn": "warning", "fatal": "error", "critical": "error"}.get(level.lower(), level.lower())
    return LEVELS.index(word) if word in LEVELS else 1


def search_logs(folders: Sequence[Path], wanted: LineFilter, limit: int) -> tuple[LogLine, ...]:
    """Collect the newest `limit` lines that pass, in the order in which they were said.

    Args:
        folders: Where to look: one for each deployment, or the environment's live one.
        wanted: What to keep.
        limit: At most this many, and never more than MOST_LINES.
    """
    streams = [_newest_first(folder, source, wanted) for folder in folders for source in sources_in(folder, wanted)]
    merged = heapq.merge(*streams, key=lambda line: line.at, reverse=True)
    found = list(islice(merged, min(limit, MOST_LINES)))
    return tuple(reversed(found))


def sources_in(folder: Path, wanted: LineFilter) -> tuple[str, ...]:
    """The sources that a folder holds lines of, by name."""
    names = {name_of(path) for path in folder.glob("*.log")}
    return tuple(sorted(name for name in names if not wanted.sources or name in wanted.sources))


def _newest_first(folder: Path, source: str, wanted: LineFilter) -> Iterator[LogLine]:
    passes = wanted.test()
    for segment in segments(folder, source):
        try:
            file = segment.open("rb")
        except FileNotFoundError:  # rotated or pruned since the listing
            continue
        with file:
            size = file.seek(0, 2)
            if size == 0:
                continue
            with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as view:
                for block in reversed(read_blocks(segment, size)):
                    if _may_hold(block, wanted):
                        yield from filter(passes, _lines_backwards(view, block, source, wanted.text))


def _may_hold(block: Block, wanted: LineFilter) -> bool:
    if block.earliest is None or block.latest is None:
        return True
    too_old = wanted.since is not None and block.latest < microseconds(wanted.since)
    too_new = wanted.until is not None and block.earliest > microseconds(wanted.until)
    return not too_old and not too_new


def _lines_backwards(view: mmap.mmap, block: Block, source: str, text: str) -> Iterator[LogLine]:
    # Only ASCII can be compared without decoding: bytes.lower leaves other letters alone.
    needle = text.lower().encode() if text.isascii() and "\\" not in text else b""
    end = block.end
    while end > block.begin:
        begin = max(view.rfind(b"\n", block.begin, end - 1) + 1, block.begin)
        raw = view[begin : end - 1] if view[end - 1] == 10 else view[begin:end]
        if needle in raw.lower():
            line = parse_line(raw, source)
            if line is not None:
                yield line
        end = begin

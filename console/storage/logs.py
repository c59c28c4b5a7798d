"""Log lines of services, platforms and ourselves: written in batches by one thread, searched, followed and pruned.

Files are `logs/<environment>/<deployment or live>/<source>.log`. Nothing waits for the disk: lines that come faster
than it takes them are counted, and the count is written where they are missing. Secrets are the caller's business.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.telemetry import LogLine
from console.storage.log_files import SEGMENT_BYTES, LogWriter, file_name
from console.storage.log_search import LineFilter, search_logs

log = logging.getLogger(__name__)

LIVE = "live"
UNNAMED = "unnamed"
CLOCK_SLACK = 300.0  # seconds by which a platform's clock may run before ours
QUEUED_LINES = 100_000
FOLLOWED_LINES = 20_000
PIECE_LINES = 1_000  # a reader decodes this many in a few milliseconds, between two keys
OPEN_FILES = 64
DRAIN_SECONDS = 0.05
FOLLOW_SECONDS = 0.1


@dataclass(frozen=True)
class Place:
    """Where a line belongs; `part` is a deployment's id or `live`."""

    environment: str
    part: str
    source: str


class Follower:
    """A bounded ring of the newest lines that one reader wants, and how many fell out of it."""

    def __init__(self, wanted: LineFilter, size: int = FOLLOWED_LINES) -> None:
        self.wanted = wanted
        self._passes = wanted.test()
        self._ring: deque[LogLine] = deque(maxlen=size)
        self._dropped = 0
        self.arrived = asyncio.Event()

    def offer(self, lines: Sequence[LogLine]) -> None:
        fitting = [line for line in lines if self._passes(line)]
        if fitting:
            room = (self._ring.maxlen or 0) - len(self._ring)
            self._dropped += max(0, len(fitting) - room)
            self._ring.extend(fitting)
            self.arrived.set()

    def drain(self) -> tuple[tuple[LogLine, ...], int]:
        """Take what is there: the lines, oldest first, and how many were lost before them."""
        lines, dropped = tuple(self._ring), self._dropped
        self._ring.clear()
        self._dropped = 0
        self.arrived.clear()
        return lines, dropped


class LogStore:
    """All logs below one folder. `write` and `follow` belong to the event loop."""

    def __init__(self, root: Path, *, queued_lines: int = QUEUED_LINES, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._root = root
        self._most = queued_lines
        self._segment_bytes = segment_bytes
        self._queue: deque[tuple[Place, Sequence[LogLine]]] = deque()
        self._queued = 0
        self._lost: dict[Place, int] = {}
        self._writers: OrderedDict[Place, LogWriter] = OrderedDict()
        self._followers: set[Follower] = set()
        self._changed = threading.Condition()
        self._busy = False
        self._hurries = 0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._complained_at = float("-inf")
        self.dropped = 0

    def write(
        self, environment: EnvironmentName, lines: Iterable[LogLine], deployment: DeploymentId | None = None
    ) -> None:
        """Take lines, oldest first; returns at once. Followers see them now, the disk within DRAIN_SECONDS."""
        by_source: dict[str, list[LogLine]] = {}
        for line in lines:
            by_source.setdefault(line.source or UNNAMED, []).append(line)
        with self._changed:
            for source, group in by_source.items():
                self._enqueue(Place(environment, deployment or LIVE, source), group)
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        for follower in self._followers:
            if _concerns(follower.wanted, environment, deployment):
                for group in by_source.values():
                    follower.offer(group)

    def _enqueue(self, place: Place, lines: list[LogLine]) -> None:
        kept = lines[: max(0, self._most - self._queued)]
        missing = len(lines) - len(kept)
        if kept:
            self._queue.append((place, kept))
            self._queued += len(kept)
        if missing:
            self._lost[place] = self._lost.get(place, 0) + missing
            self.dropped += missing

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._lost and not self._closing:
                    self._changed.wait()
                if self._closing and not self._queue and not self._lost:
                    return
                batch, lost = list(self._queue), dict(self._lost)
                self._queue.clear()
                self._lost.clear()
                self._queued = 0
                self._busy = True
            self._write_batch(batch, lost)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                if not self._closing:
                    self._changed.wait_for(lambda: self._closing or self._hurries > 0, DRAIN_SECONDS)

    def _write_batch(self, batch: Sequence[tuple[Place, Sequence[LogLine]]], lost: dict[Place, int]) -> None:
        by_place: dict[Place, list[LogLine]] = {}
        for place, lines in batch:
            by_place.setdefault(place, []).extend(lines)
        for place, count in lost.items():
            text = f"{count} lines dropped: they came faster than they could be written."
            by_place.setdefault(place, []).append(LogLine(datetime.now(UTC), place.source, text, "warning"))
        for place, lines in by_place.items():
            try:
                self._writer(place).append(lines)
            except OSError as problem:
                with self._changed:
                    self.dropped += len(lines)
                self._complain(place, problem)

    def _writer(self, place: Place) -> LogWriter:
        writer = self._writers.pop(place, None)
        if writer is None:
            writer = LogWriter(self._folder(place.environment, place.part), place.source, self._segment_bytes)
        self._writers[place] = writer
        while len(self._writers) > OPEN_FILES:
            self._writers.popitem(last=False)[1].close()
        return writer

    def _complain(self, place: Place, problem: OSError) -> None:
        if time.monotonic() - self._complained_at > 60:
            self._complained_at = time.monotonic()
            log.warning("Log lines of %s cannot be written to %s: %s", place.source, self._root, problem)

    def _folder(self, environment: str, part: str) -> Path:
        return self._root / file_name(environment) / file_name(part)

    async def flush(self) -> None:
        """Return once everything taken so far is in its file."""

        def wait() -> None:
            with self._changed:
                self._hurries += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: not self._queue and not self._lost and not self._busy, 10)
                self._hurries -= 1

        if self._thread is not None:
            await asyncio.to_thread(wait)

    async def close(self) -> None:
        """Write what is left and stop."""

        def stop() -> None:
            with self._changed:
                self._closing = True
                self._changed.notify_all()
            if self._thread is not None:
                self._thread.join()
            self._close_writers()

        await asyncio.to_thread(stop)

    async def search(self, wanted: LineFilter, limit: int = 500) -> tuple[LogLine, ...]:
        """The newest `limit` lines that pass, oldest of them first."""
        await self.flush()
        return await asyncio.to_thread(lambda: search_logs(self._folders(wanted), wanted, limit))

    def _folders(self, wanted: LineFilter) -> list[Path]:
        environments = [self._root / file_name(wanted.environment)] if wanted.environment else _folders_in(self._root)
        parts = [part for folder in environments for part in _folders_in(folder)]
        if wanted.deployment:
            parts = [part for part in parts if part.name == file_name(wanted.deployment)]
        if wanted.since:
            since = wanted.since.timestamp() - CLOCK_SLACK
            parts = [part for part in parts if _last_written(part) >= since]
        return parts

    @contextmanager
    def listen(self, wanted: LineFilter) -> Iterator[Follower]:
        """Collect new lines for a reader until the block ends."""
        follower = Follower(wanted)
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    async def follow(self, follower: Follower) -> AsyncIterator[tuple[tuple[LogLine, ...], int]]:
        """New lines ten times a second, in pieces; the first piece counts those that were lost before it."""
        while True:
            await follower.arrived.wait()
            lines, dropped = follower.drain()
            for begin in range(0, len(lines), PIECE_LINES):
                yield lines[begin : begin + PIECE_LINES], dropped if begin == 0 else 0
            await asyncio.sleep(FOLLOW_SECONDS)

    async def forget(self, before: datetime, deployments: Sequence[DeploymentId] = ()) -> int:
        """Delete files last written before a moment, and all of the deployments named; returns how many files."""
        names = {file_name(name) for name in deployments}

        def work() -> int:
            count = 0
            for part in [part for folder in _folders_in(self._root) for part in _folders_in(folder)]:
                files = [path for path in part.iterdir() if path.is_file()]
                old = [path for path in files if part.name in names or path.stat().st_mtime < before.timestamp()]
                if len(old) == len(files):
                    shutil.rmtree(part, ignore_errors=True)
                else:
                    for path in old:
                        path.unlink(missing_ok=True)
                count += len(old)
            return count

        await self.flush()
        await asyncio.to_thread(self._close_writers)
        return await asyncio.to_thread(work)

    def _close_writers(self) -> None:
        """Let go of every file, so that none is written to after it was deleted; they open again when needed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)
            for writer in self._writers.values():
                writer.close()
            self._writers.clear()


def _concerns(wanted: LineFilter, environment: EnvironmentName, deployment: DeploymentId | None) -> bool:
    return wanted.environment in (None, environment) and wanted.deployment in (None, deployment)


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _last_written(folder: Path) -> float:
    return max((path.stat().st_mtime for path in folder.glob("*.log")), default=0.0)

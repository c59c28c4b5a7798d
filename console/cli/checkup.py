"""What can be looked at without a worker: this host, the configuration, and the platforms from this process."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.words import counted
from console.domain.errors import ConfigError, ConfigProblem
from console.domain.exchange import Condition, Finding

if TYPE_CHECKING:
    from console.config.secrets import Secrets
    from console.config.settings import Settings
    from providers.contract import Connection
    from providers.statuspages import StatusPages

HOST, CONFIGURATION = "host", "configuration"
OLDEST_SQLITE = (3, 35)
"""The engine needs RETURNING."""
SCARCE_BYTES, TOO_FEW_BYTES = 2**30, 100 * 2**20


def check_host(home: Path) -> Iterator[Finding]:
    """Python, SQLite, and the room that the state directory has."""
    yield Finding(HOST, "python", Condition.GOOD, f"{platform.python_version()} on {platform.system()}")
    new_enough = sqlite3.sqlite_version_info >= OLDEST_SQLITE
    yield Finding(
        HOST,
        "sqlite",
        Condition.GOOD if new_enough else Condition.BAD,
        sqlite3.sqlite_version,
        "" if new_enough else "The engine needs 3.35: use a newer Python, or point engine.url at a PostgreSQL.",
    )
    yield _check_disk(home)
    if home.exists() and home.stat().st_uid != os.geteuid():
        words = f"{home} belongs to another user (uid {home.stat().st_uid})"
        yield Finding(HOST, "home", Condition.WARN, words, "Its worker can only be started by that user.")


def _check_disk(home: Path) -> Finding:
    place = next(path for path in (home, *home.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    condition = Condition.GOOD
    if free < SCARCE_BYTES:
        condition = Condition.BAD if free < TOO_FEW_BYTES else Condition.WARN
    remedy = (
        "" if condition is Condition.GOOD else "Free some space; history.keep_logs and keep_metrics say what is kept."
    )
    words = f"{free / 2**30:.1f} GiB free for {home}"
    return Finding(HOST, "disk", condition, words, remedy, {"free_bytes": free})


def check_configuration(path: Path) -> tuple[list[Finding], Settings | None]:
    """Every problem of the file, and what it says when it can be used."""
    from console.config.loader import load

    try:
        settings = load(path)
    except ConfigError as error:
        return [_of_problem(problem) for problem in error.problems], None
    return [Finding(CONFIGURATION, "file", Condition.GOOD, f"{path}: {say_contents(settings)}")], settings


def say_contents(settings: Settings) -> str:
    """`2 environments, 1 service, 4 providers`."""
    told = {"environment": settings.environments, "service": settings.services, "provider": settings.providers}
    return ", ".join(counted(len(found), noun) for noun, found in told.items())


def open_what_can_be(settings: Settings) -> tuple[list[Finding], dict[str, Connection]]:
    """Open each provider whose secrets are there; what keeps the others from being opened is told."""
    from console.config.faults import dotted
    from console.config.lines import find_lines, line_of
    from console.config.secrets import SecretMissing, Secrets, find_references, resolve

    base = settings.file.parent if settings.file else Path()
    lines = find_lines(settings.file.read_text(encoding="utf-8")) if settings.file else {}
    file = str(settings.file or CONFIGURATION)
    found, problems, closed = {}, list[ConfigProblem](), set[str]()
    for key, reference in find_references(settings):
        try:
            found[dotted(key)] = resolve(reference, base)
        except SecretMissing as missing:
            problems.append(ConfigProblem(file, line_of(lines, key), dotted(key), missing.what, missing.remedy))
            closed |= {str(key[1])} if key[0] == "providers" else set()
    connections: dict[str, Connection] = {}
    for name in settings.providers:
        if name in closed:
            continue
        try:
            connections[name] = _open(settings, Secrets(found), name)
        except ConfigError as error:
            problems += error.problems
    return [_of_problem(problem) for problem in problems], connections


async def examine_here(
    settings: Settings, connections: Mapping[str, Connection], names: Sequence[str], pages: StatusPages
) -> list[Finding]:
    """Ask the platforms from this process, and let go of them."""
    from console.server.examination import Examiner

    asked = [name for name in names or connections if name in connections]
    try:
        return list(await Examiner(settings, connections, pages).examine(asked)) if asked else []
    finally:
        for connection in connections.values():
            await connection.close()
        await pages.close()


def _open(settings: Settings, secrets: Secrets, name: str) -> Connection:
    from console.domain.clock import SystemClock
    from console.server.connections import open_connections

    alone = settings.model_copy(update={"providers": {name: settings.providers[name]}})
    return open_connections(alone, secrets, SystemClock())[name]


def _of_problem(problem: ConfigProblem) -> Finding:
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    key = f" · {problem.key}" if problem.key else ""
    return Finding(CONFIGURATION, problem.key or "file", Condition.BAD, f"{place}{key}: {problem.what}", problem.remedy)

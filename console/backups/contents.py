"""Which entries of a dump are restored: by its list of contents, without those that are not wanted or cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import Error, sql

from console.backups.programs import Program
from console.backups.tools import Tools
from console.backups.values import never

if TYPE_CHECKING:
    from console.backups.address import Connection

_ALWAYS_THERE = "plpgsql"


@dataclass(frozen=True)
class Without:
    """What stays out: schemas with all that is in them, extensions, and event triggers."""

    schemas: Sequence[str] = ()
    extensions: Sequence[str] = ()
    event_triggers: bool = False

    def leaves_out(self, entry: str) -> bool:
        """Whether one line of `pg_restore --list` is of that: `5; 2615 16385 SCHEMA - audit postgres`."""
        line = f"{entry.rstrip()} "
        named = [*((" SCHEMA", name) for name in self.schemas), *((" EXTENSION", name) for name in self.extensions)]
        if any(f"{kind} - {name} " in line or f" -{kind} {name} " in line for kind, name in named):
            return True
        return self.event_triggers and " EVENT TRIGGER " in line


def choose_contents(
    tools: Tools,
    dump: Path,
    work: Path,
    without: Without,
    environment: Mapping[str, str],
    redact: Callable[[str], str],
) -> list[str]:
    """Arguments for `pg_restore`; the list that they name is in the directory `work`.

    Raises:
        ProgramFailed: The dump has no list of contents that can be read.
    """
    listed = work / "contents"
    with Program([tools.path("pg_restore"), "--list", f"--file={listed}", str(dump)], environment, redact) as program:
        program.wait(never)
    # Names are in the encoding of the database, whatever that is.
    lines = listed.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    kept = "\n".join(line for line in lines if not without.leaves_out(line))
    listed.write_text(kept, encoding="utf-8", errors="surrogateescape")
    return [f"--use-list={listed}", *(f"--exclude-schema={schema}" for schema in without.schemas)]


def find_missing(connection: Connection, extensions: Iterable[str]) -> list[str]:
    """Extensions that this user cannot make in this database; nothing stays of the attempt."""
    missing = []
    for name in extensions:
        if name == _ALWAYS_THERE:
            continue
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(sql.SQL("create extension {} cascade").format(sql.Identifier(name)))
        except Error:
            missing.append(name)
    return missing

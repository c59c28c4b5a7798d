"""Bring a dump in over a connection of ours, within its transaction.

What `pg_restore` writes as text is run here instead of by psql: so somebody can look at the outcome before it counts,
and a server that is older than the programs does not stumble over settings that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from console.backups.address import Address
from console.backups.contents import Without, choose_contents
from console.backups.programs import Program, ProgramFailed
from console.backups.tools import Tools
from console.backups.values import Interrupted, Progress, Stopped, Told

if TYPE_CHECKING:
    from console.backups.address import Connection

_COPY = b"COPY "
_ROWS_FOLLOW = b" FROM stdin;\n"
_END = b"\\.\n"
_OWN_TRANSACTION = (b"BEGIN;\n", b"COMMIT;\n")
_FOR_PSQL = re.compile(rb"^\\(?:un)?restrict [A-Za-z0-9]+\n$")
_SINCE_17 = b"SET transaction_timeout = 0;\n"
_ENCODING = re.compile(rb"^SET client_encoding = '\w+';$", re.MULTILINE)
_BLOCK = 1 << 20
_NOT_THE_DUMP = ("08", "53", "57")
"""Classes of SQLSTATE that say nothing about what is brought in: a lost connection, no room, a stop."""


@dataclass(frozen=True)
class Dump:
    """A dump in the directory format, a directory for what may not stay, and the programs that read it."""

    folder: Path
    work: Path
    tools: Tools


@dataclass(frozen=True)
class Wanted:
    """What of a dump is wanted: with owners and grants as they were, and without some of it."""

    with_owners: bool = True
    without: Without = field(default_factory=Without)


def replay(connection: Connection, address: Address, dump: Dump, wanted: Wanted, told: Told, stopped: Stopped) -> None:
    """Bring a dump into the database, in the transaction that is open.

    Args:
        address: Where the connection leads; for what programs need to know.

    Raises:
        ProgramFailed: Something in the dump could not be brought in.
        Interrupted: `stopped` said so.
    """
    import psycopg

    try:
        _run_sections(connection, address, dump, wanted, told, stopped)
    except psycopg.Error as problem:
        state = problem.sqlstate or ""
        if not state or state[:2] in _NOT_THE_DUMP:
            raise
        raise ProgramFailed(address.redact(str(problem))) from None


def _run_sections(
    connection: Connection, address: Address, dump: Dump, wanted: Wanted, told: Told, stopped: Stopped
) -> None:
    is_old = connection.info.server_version < 170000
    environment = address.environment()
    chosen = choose_contents(dump.tools, dump.folder, dump.work, wanted.without, environment, address.redact)
    for number, section in enumerate(("pre-data", "data", "post-data")):
        told(Progress("restore", section, number, 3))
        script = dump.work / f"{section}.sql"
        arguments = [
            dump.tools.path("pg_restore"),
            f"--section={section}",
            # Else large objects come in transactions of their own, whose end would be the end of ours.
            *(["--single-transaction"] if section == "data" else []),
            *([] if wanted.with_owners else ["--no-owner", "--no-privileges"]),
            *chosen,
            "--no-subscriptions",
            f"--file={script}",
            str(dump.folder),
        ]
        with Program(arguments, environment, address.redact) as program:
            program.wait(stopped)
        with script.open("rb") as lines:
            if section == "data":
                _run_data(connection, lines, stopped, is_old=is_old)
            else:
                _execute(connection, b"".join(_for_us(lines, is_old=is_old)))
        script.unlink()
        if stopped():
            raise Interrupted


def _run_data(connection: Connection, lines: BinaryIO, stopped: Stopped, *, is_old: bool) -> None:
    """Run statements, and stream the rows that stand between `COPY … FROM stdin;` and `\\.`."""
    pending: list[bytes] = []
    for line in _for_us(lines, is_old=is_old):
        if line in _OWN_TRANSACTION:
            continue
        pending.append(line)
        if not line.endswith(_ROWS_FOLLOW):
            continue
        # A name may have line breaks in it.
        begin = next((place for place in reversed(range(len(pending))) if pending[place].startswith(_COPY)), None)
        if begin is None:
            continue
        _execute(connection, b"".join(pending[:begin]))
        statement = b"".join(pending[begin:]).rstrip(b";\n")
        pending.clear()
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for block in _rows(lines):
                copy.write(block)
        if stopped():
            raise Interrupted
    _execute(connection, b"".join(pending))


def _rows(lines: BinaryIO) -> Iterator[bytes]:
    """The rows of one table, in blocks. A row itself is never `\\.`: a backslash in it is doubled."""
    block: list[bytes] = []
    size = 0
    for line in lines:
        if line == _END:
            break
        block.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield b"".join(block)
            block.clear()
            size = 0
    else:
        raise ProgramFailed("The rows of a table end in the middle.")
    if block:
        yield b"".join(block)


def _for_us(lines: BinaryIO, *, is_old: bool) -> Iterator[bytes]:
    """Without what only psql understands, and what a server before 17 does not know."""
    return (line for line in lines if not _FOR_PSQL.match(line) and not (is_old and line == _SINCE_17))


def _execute(connection: Connection, script: bytes) -> None:
    if not script.strip():
        return
    # The whole script is read in the encoding that holds before its first statement.
    encoding = _ENCODING.search(script)
    if encoding is not None:
        connection.execute(encoding[0])
    connection.execute(script)

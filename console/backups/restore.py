"""Put a backup back in place: all of it or nothing, after the present was saved.

Everything happens in one transaction of the database itself: what is there now is dropped, the backup is brought in,
its sums are read and compared, and only if they are equal is it committed. Readers wait for its end. Whatever goes
wrong before leaves the database as it was.

What PostgreSQL's own `pg_restore` writes as text is run statement by statement here, since nothing else could look at
the outcome before it counts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from psycopg import sql

from console.backups import seal
from console.backups.address import Address
from console.backups.catalogue import check_files, work_directory
from console.backups.differ import find_differences, find_newer
from console.backups.programs import Program, ProgramFailed
from console.backups.prove import opened_dump
from console.backups.sums import LARGE_OBJECTS, fetch_objects, fetch_sums, prepare
from console.backups.take import TakeRequest, fetch_migration, take, utc_now
from console.backups.tools import Tools, find_tools
from console.backups.values import Backup, Interrupted, Kind, Progress, State, Stopped, Sums, Told, keep_quiet, never
from console.domain.errors import ConsoleError, ProviderError, Refused

if TYPE_CHECKING:
    from console.backups.address import Connection

SHOWN = 10
_COPY = re.compile(rb"^COPY .* FROM stdin;\n$")
_END = b"\\.\n"
_OWN_TRANSACTION = (b"BEGIN;\n", b"COMMIT;\n")
_FOR_PSQL = re.compile(rb"^\\(?:un)?restrict [A-Za-z0-9]+\n$")
_SINCE_17 = b"SET transaction_timeout = 0;\n"
_BLOCK = 1 << 20

_SCHEMAS = """
select nspname from pg_namespace n
where nspname <> 'information_schema' and nspname !~ '^pg_' and nspname <> all(%(left_out)s)
and not exists (
    select from pg_depend e where e.classid = 'pg_namespace'::regclass and e.objid = n.oid and e.deptype = 'e')
order by 1
"""
_PUBLIC = """
create schema if not exists public authorization pg_database_owner;
grant usage on schema public to public;
comment on schema public is 'standard public schema';
"""
_GONE_WITH_SCHEMAS = {
    "publication": "select pubname from pg_publication",
    "event trigger": """select evtname from pg_event_trigger t where not exists (select from pg_depend e
        where e.classid = 'pg_event_trigger'::regclass and e.objid = t.oid and e.deptype = 'e')""",
}


@dataclass(frozen=True)
class RestoreRequest:
    """What is wanted.

    Attributes:
        address: The database that is replaced.
        root: Where the present is saved to, as a backup of its own.
        over_newer: Somebody said that what came after the backup may go: newer migrations, tables and columns.
        unproven: Somebody said that a backup will do which was never restored.
        left_alone: Schemas that are neither dropped nor brought back.
        with_owners: Owners and grants as they were; needs every role. Else all belongs to whom the address names.
        recipients: Public keys that the saved present is encrypted to.
        identity: Secret key of age, for an encrypted backup.
    """

    address: Address
    root: Path
    over_newer: bool = False
    unproven: bool = False
    left_alone: Sequence[str] = ()
    with_owners: bool = True
    jobs: int = 2
    recipients: Sequence[str] = ()
    identity: str = ""


@dataclass(frozen=True)
class Restored:
    """What was done: `saved` is the backup of what was there before; seconds until it was committed."""

    backup: Backup
    saved: Backup
    took_s: float


def check_restore(backup: Backup, request: RestoreRequest) -> None:
    """Refuse what should not be restored, before anything is done.

    Raises:
        Refused: It is not whole, was harmed, was never proven, or would take back more than is known; says what.
    """
    if backup.kind is not Kind.POSTGRES:
        raise Refused("This is a backup of a SQLite file.", backup.id, "Write it out with `--to FILE`.")
    if backup.state is State.TAKING:
        raise Refused("This backup is not whole.", backup.id, "Wait until it is taken, or name another one.")
    wrong = check_files(backup)
    if wrong or backup.state is State.DAMAGED:
        why = wrong[0] if wrong else backup.proof.why[0] if backup.proof and backup.proof.why else ""
        raise Refused(f"This backup is damaged: {why}", backup.id, "Name another one: `quarterdeck backup list`.")
    if backup.state is not State.VERIFIED and not request.unproven:
        raise Refused(
            "This backup was never restored for proof.",
            backup.id,
            f"Prove it first: `quarterdeck backup verify {backup.id}`. Or say --unproven.",
        )
    with request.address.connect() as connection:
        migration = fetch_migration(connection)
        prepare(connection)
        left_out = [*backup.left_out, *request.left_alone]
        present = Sums(objects=fetch_objects(connection, left_out))
    newer = find_newer(backup.sums, present)
    if not request.over_newer and (newer or (migration > backup.migration)):
        shown = (
            [f"migration {migration} instead of {backup.migration or 'none'}"] if migration > backup.migration else []
        )
        shown += newer[:SHOWN] + ([f"{len(newer) - SHOWN} more"] if len(newer) > SHOWN else [])
        raise Refused(
            f"{request.address.name} is newer than this backup, and that would be lost: {', '.join(shown)}.",
            f"{backup.id} of {backup.at:%Y-%m-%d %H:%M} UTC",
            "Take migrations back by their down scripts (`migrate down`), or say --over-newer.",
        )


def restore(
    backup: Backup,
    request: RestoreRequest,
    *,
    told: Told = keep_quiet,
    stopped: Stopped = never,
    now: Callable[[], datetime] = utc_now,
) -> Restored:
    """Save the present, then put the backup in its place. The caller has somebody's explicit yes.

    Raises:
        Interrupted: `stopped` said so; the database is as it was.
        ConsoleError: It could not be done; the database is as it was.
    """
    check_restore(backup, request)
    note = f"before {backup.id} was restored"
    saving = TakeRequest(request.address, request.root, backup.left_out, request.jobs, tuple(request.recipients), note)
    saved = take(saving, told=told, stopped=stopped, now=now)
    began = time.monotonic()
    try:
        with (
            opened_dump(backup, request.identity) as dump,
            work_directory(request.root) as work,
            request.address.connect() as connection,
        ):
            tools = find_tools(connection.info.server_version)
            with connection.transaction():
                _drop(connection, [*backup.left_out, *request.left_alone])
                _run_sections(connection, tools, dump, work, request, told, stopped)
                _compare(connection, backup, request, told, stopped)
    except (ProgramFailed, seal.Unreadable) as problem:
        raise ConsoleError(
            f"The backup could not be restored: {problem}",
            request.address.name,
            f"Nothing was changed. What is there now is also in {saved.id}.",
        ) from None
    except ProviderError as problem:
        problem.add(f"Nothing was changed. What is there now is also in {saved.id}.")
        raise
    return Restored(backup, saved, round(time.monotonic() - began, 3))


def _drop(connection: Connection, left_out: Sequence[str]) -> None:
    """Drop everything that the backup brings back, waiting for nobody's lock longer than 5 seconds."""
    prepare(connection)
    for kind, query in _GONE_WITH_SCHEMAS.items():
        for (name,) in connection.execute(query.encode()).fetchall():
            connection.execute(sql.SQL(f"drop {kind} {{}}").format(sql.Identifier(name)))
    schemas = [row[0] for row in connection.execute(_SCHEMAS, {"left_out": list(left_out)})]
    for schema in schemas:
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    connection.execute("select lo_unlink(oid) from pg_largeobject_metadata")
    if "public" in schemas:
        connection.execute(_PUBLIC.encode())


def _run_sections(
    connection: Connection,
    tools: Tools,
    dump: Path,
    work: Path,
    request: RestoreRequest,
    told: Told,
    stopped: Stopped,
) -> None:
    is_old = connection.info.server_version < 170000
    chosen = _leave_alone(tools, dump, work, request) if request.left_alone else []
    for number, section in enumerate(("pre-data", "data", "post-data")):
        told(Progress("restore", section, number, 3))
        script = work / f"{section}.sql"
        arguments = [
            tools.path("pg_restore"),
            f"--section={section}",
            # Else large objects come in transactions of their own, whose end would be the end of ours.
            *(["--single-transaction"] if section == "data" else []),
            *([] if request.with_owners else ["--no-owner", "--no-privileges"]),
            *chosen,
            "--no-subscriptions",
            f"--file={script}",
            str(dump),
        ]
        with Program(arguments, request.address.environment(), request.address.redact) as program:
            program.wait(stopped)
        with script.open("rb") as lines:
            if section == "data":
                _run_data(connection, lines, stopped, is_old=is_old)
            else:
                _execute(connection, b"".join(_for_us(lines, is_old=is_old)))
        script.unlink()
        if stopped():
            raise Interrupted


def _leave_alone(tools: Tools, dump: Path, work: Path, request: RestoreRequest) -> list[str]:
    """Arguments that leave schemas out: what is in them, and by a list of contents the schemas themselves."""
    listed = work / "contents"
    arguments = [tools.path("pg_restore"), "--list", f"--file={listed}", str(dump)]
    with Program(arguments, request.address.environment(), request.address.redact) as program:
        program.wait(never)
    schemas = tuple(f" {kind} {schema} " for kind in ("SCHEMA -", "- SCHEMA") for schema in request.left_alone)
    lines = listed.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not any(schema in f"{line.rstrip()} " for schema in schemas)]
    listed.write_text("".join(kept), encoding="utf-8")
    return [f"--use-list={listed}", *(f"--exclude-schema={schema}" for schema in request.left_alone)]


def _run_data(connection: Connection, lines: BinaryIO, stopped: Stopped, *, is_old: bool) -> None:
    """Run statements, and stream the rows that stand between `COPY … FROM stdin;` and `\\.`."""
    pending: list[bytes] = []
    for line in _for_us(lines, is_old=is_old):
        if line in _OWN_TRANSACTION:
            continue
        if not _COPY.match(line):
            pending.append(line)
            continue
        _execute(connection, b"".join(pending))
        pending.clear()
        with connection.cursor() as cursor, cursor.copy(line.rstrip(b";\n")) as copy:
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
    if script.strip():
        connection.execute(script)


def _compare(connection: Connection, backup: Backup, request: RestoreRequest, told: Told, stopped: Stopped) -> None:
    """Raise ProgramFailed, and thereby take all of it back, unless what is there now is what the backup holds."""

    def look(table: str, done: int, total: int) -> None:
        if stopped():
            raise Interrupted
        told(Progress("compare", table, done, total))

    prepare(connection)
    found = fetch_sums(connection, [*backup.left_out, *request.left_alone], look)
    why = list(find_differences(_without(backup.sums, request.left_alone), found))
    if why:
        raise ProgramFailed(f"what came out is not what the backup holds: {' '.join(why[:SHOWN])}")


def _without(sums: Sums, schemas: Sequence[str]) -> Sums:
    def stays(name: str) -> bool:
        place = name.split(" ", 1)[-1]
        return name == LARGE_OBJECTS or not any(place.startswith(f"{schema}.") for schema in schemas)

    return replace(
        sums,
        tables={name: table for name, table in sums.tables.items() if stays(name)},
        sequences={name: seen for name, seen in sums.sequences.items() if stays(name)},
        objects={name: digest for name, digest in sums.objects.items() if stays(name)},
    )

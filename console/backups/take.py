"""Take a backup of a PostgreSQL: the dump and the checksums are of the very same snapshot.

Readers and writers go on meanwhile; only a change of the schema would wait. Nothing is waited for longer than five
seconds, and what fails or is stopped leaves nothing behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.backups.address import Address
from console.backups.catalogue import DUMP, SEALED_DUMP
from console.backups.definitions import NOT_OF, OURS
from console.backups.frame import Frame
from console.backups.programs import Program, ProgramFailed, is_crowded
from console.backups.scratch import fetch_locale
from console.backups.sums import fetch_sequences, fetch_sums, merge_sequences, prepare
from console.backups.tools import Tools, find_tools
from console.backups.values import Backup, Interrupted, Kind, Progress, Stopped, Told, keep_quiet, never
from console.domain.errors import ConsoleError, StoreError

if TYPE_CHECKING:
    from console.backups.address import Connection

LOCK_WAIT = "5s"
JOBS = 2
ROOM = 0.5
"""Compressed at level 1 a dump was a fifth of its database; this part of it must be free before it is begun."""

_MIGRATION = """
select coalesce(has_table_privilege(to_regclass('supabase_migrations.schema_migrations')::oid, 'select'), false)
"""
_NEWEST = "select max(version) from supabase_migrations.schema_migrations"
_ROLES = f"""
select r.rolname, r.rolsuper from pg_roles r where r.rolname !~ '^pg_' and (exists (
    select from pg_shdepend d where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid
    and d.dbid = (select oid from pg_database where datname = current_database()))
-- Of the role that the server was set up with, nothing is on record.
or r.oid = 10 and (
    exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relowner = r.oid and {OURS} and {NOT_OF.format("pg_class", "c.oid")})
    or exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where p.proowner = r.oid and {OURS} and {NOT_OF.format("pg_proc", "p.oid")})
    or exists (select from pg_type t join pg_namespace n on n.oid = t.typnamespace
        where t.typowner = r.oid and t.typelem = 0 and {OURS} and {NOT_OF.format("pg_type", "t.oid")})
    or exists (select from pg_namespace n where n.nspowner = r.oid and n.nspname <> 'public' and {OURS})))
order by 1
"""


@dataclass(frozen=True)
class TakeRequest:
    """What is wanted.

    Attributes:
        address: The database; its name is the backup's.
        root: The directory of all backups.
        left_out: Schemas that are not taken; what is in them must be known by nothing outside.
        jobs: Connections that dump at the same time; one more holds the snapshot.
        recipients: Public keys of age; empty leaves it unencrypted.
        note: Why it is taken; kept with it.
    """

    address: Address
    root: Path
    left_out: Sequence[str] = ()
    jobs: int = JOBS
    recipients: Sequence[str] = ()
    note: str = ""


class _Crowded(ConsoleError):
    """The server takes no more connections."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def take(
    request: TakeRequest,
    *,
    told: Told = keep_quiet,
    stopped: Stopped = never,
    now: Callable[[], datetime] = utc_now,
) -> Backup:
    """Take a backup; blocks until it is whole. It is *taken*, not verified: see `prove`.

    Raises:
        Interrupted: `stopped` said so; nothing is left.
        ConsoleError: It could not be taken; nothing is left.
    """
    frame = Frame(
        request.root, request.address.name, Kind.POSTGRES, DUMP, SEALED_DUMP, request.recipients, request.note
    )
    frame.prepare()
    with request.address.connect() as connection:
        tools = find_tools(connection.info.server_version)
        size = int(str(_value(connection, "select pg_database_size(current_database())")))
        _check_room(request, size)

        def fill(backup: Backup) -> Backup:
            try:
                dumped = _dump(connection, request, tools, backup, told, stopped)
            except _Crowded:
                if request.jobs == 1:
                    raise
                connection.execute("rollback")
                shutil.rmtree(backup.path / DUMP, ignore_errors=True)
                dumped = _dump(connection, replace(request, jobs=1), tools, backup, told, stopped)
            return replace(dumped, source_size=size, left_out=tuple(request.left_out), tool=str(tools))

        return frame.take(fill, told, now)


def fetch_migration(connection: Connection) -> str:
    """The newest applied migration by Supabase's own table; empty where there is none, or it may not be read."""
    known = _value(connection, _MIGRATION)
    return str(_value(connection, _NEWEST) or "") if known else ""


def _check_room(request: TakeRequest, size: int) -> None:
    """Refuse to begin what would fill the disk: the dump, and its encrypted form beside it."""
    needed = int(size * ROOM * (2 if request.recipients else 1))
    place = next(path for path in (request.root, *request.root.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise StoreError(
            f"The backup may take {needed / 2**20:.0f} MiB, and {free / 2**20:.0f} MiB are free.",
            str(request.root),
            "Make room (`quarterdeck backup prune`), or name another directory. Nothing was begun.",
        )


def _dump(
    connection: Connection, request: TakeRequest, tools: Tools, backup: Backup, told: Told, stopped: Stopped
) -> Backup:
    """Dump into the folder and read the sums beside it, both in one snapshot."""
    prepare(connection)
    connection.execute("begin transaction isolation level repeatable read, read only")
    snapshot, at = connection.execute("select pg_export_snapshot(), now()").fetchone() or ("", backup.at)
    before = fetch_sequences(connection, request.left_out)
    arguments = [
        tools.path("pg_dump"),
        "--format=directory",
        *([f"--jobs={request.jobs}"] if request.jobs > 1 else []),  # without it one connection is enough
        "--compress=1",
        "--no-password",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={LOCK_WAIT}",
        *(f'--exclude-schema="{schema.replace(chr(34), 2 * chr(34))}"' for schema in request.left_out),
        f"--file={backup.path / DUMP}",
    ]
    try:
        with Program(arguments, request.address.environment(), request.address.redact) as program:

            def look(table: str, done: int, total: int) -> None:
                if stopped():
                    raise Interrupted
                program.check()
                told(Progress("read", table, done, total))

            sums = fetch_sums(connection, request.left_out, look)
            told(Progress("dump"))
            program.wait(stopped)
    except ProgramFailed as problem:
        raise (_Crowded if is_crowded(problem) else ConsoleError)(
            f"pg_dump failed: {problem}",
            request.address.name,
            "Nothing was changed, and nothing is left of the attempt. Correct what it names, and try again.",
        ) from None
    after = fetch_sequences(connection, request.left_out)
    extensions = [str(row[0]) for row in connection.execute("select extname from pg_extension order by 1")]
    roles = connection.execute(_ROLES.encode(), {"left_out": list(request.left_out)}).fetchall()
    migration = fetch_migration(connection)
    locale = fetch_locale(connection, request.address.dbname)
    connection.execute("rollback")
    return replace(
        backup,
        at=at.astimezone(UTC),
        sums=replace(sums, sequences=merge_sequences(before, after)),
        migration=migration,
        locale=locale,
        extensions=tuple(extensions),
        roles=tuple(str(name) for name, _ in roles),
        superusers=tuple(str(name) for name, may_all in roles if may_all),
    )


def _value(connection: Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None

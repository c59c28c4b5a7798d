"""Put a backup back in place: all of it or nothing, after the present was saved.

Everything happens in one transaction of the database itself: what is there now is dropped, the backup is brought in,
its sums are read and compared, and only if they are equal is it committed. Readers wait for its end. Whatever goes
wrong before leaves the database as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import sql

from console.backups import seal
from console.backups.address import Address
from console.backups.catalogue import check_files, work_directory
from console.backups.contents import Without
from console.backups.differ import find_differences, find_newer
from console.backups.programs import ProgramFailed
from console.backups.prove import opened_dump
from console.backups.replay import Dump, Wanted, replay
from console.backups.sums import LARGE_OBJECTS, fetch_objects, fetch_sums, prepare
from console.backups.take import TakeRequest, fetch_migration, take, utc_now
from console.backups.tools import find_tools
from console.backups.values import Backup, Interrupted, Kind, Progress, State, Stopped, Sums, Told, keep_quiet, never
from console.domain.errors import ConsoleError, ProviderError, Refused

if TYPE_CHECKING:
    from console.backups.address import Connection

SHOWN = 10

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
    look: Callable[[Backup], None] = lambda saved: None,
) -> Restored:
    """Save the present, then put the backup in its place. The caller has somebody's explicit yes.

    Args:
        look: Gets what was saved before anything is dropped; raises to leave all as it is.

    Raises:
        Interrupted: `stopped` said so; the database is as it was.
        ConsoleError: It could not be done; the database is as it was.
    """
    check_restore(backup, request)
    note = f"before {backup.id} was restored"
    saving = TakeRequest(request.address, request.root, backup.left_out, request.jobs, tuple(request.recipients), note)
    saved = take(saving, told=told, stopped=stopped, now=now)
    look(saved)
    began = time.monotonic()
    try:
        with (
            opened_dump(backup, request.identity) as dump,
            work_directory(request.root) as work,
            request.address.connect() as connection,
        ):
            tools = find_tools(connection.info.server_version)
            connection.execute("set default_transaction_read_only = off")  # somebody has said that it is to be replaced
            with connection.transaction():
                _drop(connection, [*backup.left_out, *request.left_alone])
                wanted = Wanted(request.with_owners, Without(request.left_alone))
                replay(connection, request.address, Dump(dump, work, tools), wanted, told, stopped)
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

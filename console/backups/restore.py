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

from console.backups import seal
from console.backups.address import Address
from console.backups.catalogue import check_files, work_directory
from console.backups.clearing import clear
from console.backups.contents import Without
from console.backups.definitions import RIGHTS, fetch_objects
from console.backups.differ import find_differences, find_newer
from console.backups.programs import ProgramFailed
from console.backups.prove import opened_dump
from console.backups.replay import Dump, Wanted, replay
from console.backups.sums import LARGE_OBJECTS, fetch_sums, prepare
from console.backups.take import TakeRequest, fetch_migration, take, utc_now
from console.backups.tools import find_tools
from console.backups.values import Backup, Interrupted, Kind, Progress, State, Stopped, Sums, Told, keep_quiet, never
from console.domain.errors import ConsoleError, ProviderError, Refused

if TYPE_CHECKING:
    from console.backups.address import Connection

SHOWN = 10
LEFT_WITHIN_S = 60.0
LEFT_LOOK_S = 0.2


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
    check_record(backup, request)
    wrong = check_files(backup)
    if wrong:
        raise _damaged(backup, wrong[0])
    check_newer(backup, request)


def check_record(backup: Backup, request: RestoreRequest) -> None:
    """Refuse what speaks against it by its record alone. Raises Refused."""
    if backup.kind is not Kind.POSTGRES:
        raise Refused("This is a backup of a SQLite file.", backup.id, "Write it out with `--to FILE`.")
    if backup.state is State.TAKING:
        raise Refused("This backup is not whole.", backup.id, "Wait until it is taken, or name another one.")
    if backup.state is State.DAMAGED:
        raise _damaged(backup, backup.proof.why[0] if backup.proof and backup.proof.why else "")
    if backup.state is not State.VERIFIED and not request.unproven:
        raise Refused(
            "This backup was never restored for proof.",
            backup.id,
            f"Prove it first: `quarterdeck backup verify {backup.id}`. Or say --unproven.",
        )


def check_newer(backup: Backup, request: RestoreRequest) -> None:
    """Refuse to lose what the database has and the backup does not know.

    Raises:
        Refused: Names it, unless somebody said that it may go.
        ProviderError: The database does not answer.
    """
    if request.over_newer:
        return
    with request.address.connect() as connection:
        migration = fetch_migration(connection)
        prepare(connection)
        left_out = [*backup.left_out, *request.left_alone]
        present = Sums(objects=fetch_objects(connection, left_out))
    newer = find_newer(backup.sums, present)
    if newer or migration > backup.migration:
        shown = (
            [f"migration {migration} instead of {backup.migration or 'none'}"] if migration > backup.migration else []
        )
        shown += newer[:SHOWN] + ([f"{len(newer) - SHOWN} more"] if len(newer) > SHOWN else [])
        raise Refused(
            f"{request.address.name} is newer than this backup, and that would be lost: {', '.join(shown)}.",
            f"{backup.id} of {backup.at:%Y-%m-%d %H:%M} UTC",
            "Take migrations back by their down scripts (`migrate down`), or say --over-newer.",
        )


def _damaged(backup: Backup, why: str) -> Refused:
    return Refused(f"This backup is damaged: {why}", backup.id, "Name another one: `quarterdeck backup list`.")


def restore(
    backup: Backup,
    request: RestoreRequest,
    *,
    told: Told = keep_quiet,
    stopped: Stopped = never,
    now: Callable[[], datetime] = utc_now,
    look: Callable[[Backup], None] = lambda saved: None,
    ending: Callable[[Backup, str], None] = lambda saved, transaction: None,
) -> Restored:
    """Save the present, then put the backup in its place. The caller has somebody's explicit yes.

    Args:
        look: Gets what was saved before anything is dropped; raises to leave all as it is.
        ending: Gets what was saved and the number of the transaction, right before it is committed: `is_committed`
            says later whether it was.

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
                clear(connection, [*backup.left_out, *request.left_alone], with_rights=request.with_owners)
                wanted = Wanted(request.with_owners, Without(request.left_alone))
                replay(connection, request.address, Dump(dump, work, tools), wanted, told, stopped)
                _compare(connection, backup, request, told, stopped)
                row = connection.execute("select txid_current()").fetchone()
                ending(saved, str(row[0]) if row else "")
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


def is_committed(address: Address, transaction: str) -> bool:
    """Whether a transaction that nobody waited for took place; one that goes on is waited for.

    Raises:
        ProviderError: The database does not answer.
        ConsoleError: It still goes on.
    """
    until = time.monotonic() + LEFT_WITHIN_S
    with address.connect() as connection:
        while True:
            row = connection.execute("select txid_status(%s::int8)", (transaction,)).fetchone()
            status = row[0] if row else None
            if status != "in progress":
                return bool(status == "committed")
            if time.monotonic() > until:
                raise ConsoleError(
                    "A restore that was left still goes on.",
                    f"{address.name} · transaction {transaction}",
                    "Wait for its end, or end its session (pg_terminate_backend); then try again.",
                )
            time.sleep(LEFT_LOOK_S)


def _compare(connection: Connection, backup: Backup, request: RestoreRequest, told: Told, stopped: Stopped) -> None:
    """Raise ProgramFailed, and thereby take all of it back, unless what is there now is what the backup holds."""

    def look(table: str, done: int, total: int) -> None:
        if stopped():
            raise Interrupted
        told(Progress("compare", table, done, total))

    prepare(connection)
    found = fetch_sums(connection, [*backup.left_out, *request.left_alone], look)
    rights = () if request.with_owners else RIGHTS
    why = list(find_differences(_without(backup.sums, request.left_alone), found, rights))
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

"""Prove a backup: restore it into a scratch database, read the same sums there, and compare. Then drop it.

A backup is *verified* by this and by nothing less. What is found otherwise makes it *damaged*, with the names of what
is missing or differs. What keeps the proof itself from being made (no answer, no room, no right to make a database)
is an error, and says nothing about the backup.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from console.backups import seal
from console.backups.address import Address
from console.backups.catalogue import DUMP, SEALED_DUMP, Catalogue, check_files, work_directory
from console.backups.contents import Without, choose_contents, find_missing
from console.backups.differ import find_differences
from console.backups.programs import Program, ProgramFailed
from console.backups.replay import Dump, Wanted, replay
from console.backups.scratch import scratch_database
from console.backups.sums import fetch_sums, prepare
from console.backups.take import JOBS, utc_now
from console.backups.tools import find_tools
from console.backups.values import (
    Backup,
    Interrupted,
    Progress,
    Proof,
    State,
    Stopped,
    Sums,
    Told,
    keep_quiet,
    never,
)
from console.domain.errors import ConsoleError, Refused

SHOWN = 50
_NOT_THE_BACKUP = (
    "no space left",
    "out of memory",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "too many clients",
    "is not available",
    "permission denied",
    "must be superuser",
)
"""What a server says that could not hold it, whatever is in it: no room, no extension, no right."""


@dataclass(frozen=True)
class ProveRequest:
    """Where and how a backup is restored for its proof.

    Attributes:
        server: Any database of the server on which a scratch database is made: the backup's own, or another one.
        is_ours: The server was started for this alone: roles that are missing are made there.
        where: What it is called in the proof.
        identity: Secret key of age, for an encrypted backup.
        work: Where an encrypted backup is opened; else in its own folder.
    """

    server: Address
    is_ours: bool = False
    where: str = ""
    jobs: int = JOBS
    identity: str = ""
    work: Path | None = None


def prove(
    backup: Backup,
    request: ProveRequest,
    *,
    told: Told = keep_quiet,
    stopped: Stopped = never,
    now: Callable[[], datetime] = utc_now,
) -> Proof:
    """Prove a backup, and keep the answer in its record.

    Raises:
        Interrupted: `stopped` said so; the backup stays what it was.
        ConsoleError: No proof could be made; the backup stays what it was.
    """
    if backup.state is State.TAKING:
        raise Refused("This backup is not whole yet.", backup.id, "Wait until it is taken.")
    began = time.monotonic()
    told(Progress("check", backup.id))
    wrong = check_files(backup)
    proof = Proof(False, now(), tuple(wrong), "its files") if wrong else _restore(backup, request, told, stopped, now)
    proof = replace(proof, total_s=round(time.monotonic() - began, 3))
    state = State.VERIFIED if proof.verified else State.DAMAGED
    Catalogue(backup.path.parent.parent).write(replace(backup, state=state, proof=proof))
    return proof


def _restore(backup: Backup, request: ProveRequest, told: Told, stopped: Stopped, now: Callable[[], datetime]) -> Proof:
    where = request.where or request.server.name
    roles = backup.roles if request.is_ours else ()
    like = None if request.is_ours else request.server
    missing: tuple[str, ...] = ()
    try:
        with (
            opened_dump(backup, request.identity, request.work) as dump,
            scratch_database(request.server, like, roles) as scratch,
        ):
            began = time.monotonic()
            with scratch.connect() as connection:
                missing = tuple(find_missing(connection, backup.extensions))
            _restore_into(scratch, dump, backup, request, missing, told, stopped)
            restored = time.monotonic()
            found = read_sums(scratch, backup, told, stopped)
            ended = time.monotonic()
    except (ProgramFailed, seal.Unreadable) as problem:
        words = str(problem)
        if isinstance(problem, ProgramFailed) and (missing or any(sign in words.lower() for sign in _NOT_THE_BACKUP)):
            lacks = f" There is no extension {', '.join(missing)} there." if missing else ""
            raise ConsoleError(
                f"The backup could not be proven: {words}{lacks}",
                f"{backup.id} · {where}",
                "That is no fault of the backup. Prove it on another server: `quarterdeck backup verify --on …`.",
            ) from None
        return Proof(False, now(), (f"It cannot be restored: {problem}",), where)
    known = {name: digest for name, digest in backup.sums.objects.items() if name not in _named(missing)}
    why = tuple(find_differences(replace(backup.sums, objects=known), found))
    shown = (*why[:SHOWN], f"… and {len(why) - SHOWN} more.") if len(why) > SHOWN else why
    seconds = (round(restored - began, 3), round(ended - restored, 3))
    return Proof(not why, now(), shown, where, *seconds, left_out=missing)


def _named(extensions: Sequence[str]) -> set[str]:
    return {f"extension {name}" for name in extensions}


@contextlib.contextmanager
def opened_dump(backup: Backup, identity: str, work: Path | None = None) -> Iterator[Path]:
    """The dump's directory, decrypted for as long as the block lasts where it is encrypted.

    Raises:
        Unreadable: It is damaged, or not for this identity.
        UsageError: It is encrypted, and there is no identity.
    """
    if not backup.sealed:
        yield backup.path / DUMP
        return
    with seal.opened_with(backup, backup.path / SEALED_DUMP, identity, work) as dump:
        yield dump


def _restore_into(
    database: Address,
    dump: Path,
    backup: Backup,
    request: ProveRequest,
    missing: Sequence[str],
    told: Told,
    stopped: Stopped,
) -> None:
    """Restore a dump into an empty database, without its owners, grants, event triggers and what cannot be there.

    Where `pg_restore` is newer than the server, it would set what the server does not know; then its text is replayed.

    Raises:
        ProgramFailed: Something in the dump could not be restored.
    """
    without = Without((), missing, event_triggers=True)
    told(Progress("restore", database.dbname))
    with work_directory(backup.path.parent) as work:
        with database.connect() as connection:
            version = connection.info.server_version
            tools = find_tools(version)
            if tools.major > version // 10_000:
                wanted = Wanted(with_owners=False, without=without)
                with connection.transaction():
                    replay(connection, database, Dump(dump, work, tools), wanted, told, stopped)
                return
        environment = database.environment()
        arguments = [
            tools.path("pg_restore"),
            f"--jobs={request.jobs}",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--no-subscriptions",
            "--no-password",
            *choose_contents(tools, dump, work, without, environment, database.redact),
            f"--dbname={database.dbname}",
            str(dump),
        ]
        with Program(arguments, environment, database.redact) as program:
            program.wait(stopped)


def read_sums(database: Address, backup: Backup, told: Told, stopped: Stopped) -> Sums:
    """The sums of a database that should hold what the backup holds."""

    def look(table: str, done: int, total: int) -> None:
        if stopped():
            raise Interrupted
        told(Progress("compare", table, done, total))

    with database.connect() as connection:
        prepare(connection)
        connection.execute("begin transaction isolation level repeatable read, read only")
        return fetch_sums(connection, backup.left_out, look)

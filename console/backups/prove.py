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
from console.backups.definitions import EVENT_TRIGGERS, RIGHTS
from console.backups.differ import find_differences
from console.backups.programs import Program, ProgramFailed, is_crowded
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
_NO_RIGHT = ("permission denied", "must be superuser", "must be owner", "must be able to set role", "must be member of")
_NOT_THE_BACKUP = (
    "no space left",
    "out of memory",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "too many clients",
    "remaining connection slots",
    "is not available",
    "not supported in this build",
    "unsupported xml feature",
    *_NO_RIGHT,
)
"""What a server says that could not hold it, whatever is in it: no room, no extension, no right."""
_MEMBER_OF = "select count(*) from pg_roles where rolname = any(%s) and pg_has_role(oid, 'member')"


class Unproven(ConsoleError):
    """It could not be restored there, which is no fault of the backup."""


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
    if not backup.harmed:
        Catalogue(backup.path.parent.parent).write(replace(backup, state=state, proof=proof))
    return proof


def _restore(backup: Backup, request: ProveRequest, told: Told, stopped: Stopped, now: Callable[[], datetime]) -> Proof:
    try:
        with opened_dump(backup, request.identity, request.work) as dump:
            if not _may_give_away(backup, request):
                return _try(dump, _Manner(backup, request, with_owners=False), told, stopped, now)
            try:
                return _try(dump, _Manner(backup, request, with_owners=True), told, stopped, now)
            except ProgramFailed as problem:
                if not _speaks_of(problem, _NO_RIGHT):
                    raise
            return _try(dump, _Manner(backup, request, with_owners=False), told, stopped, now)
    except (ProgramFailed, seal.Unreadable) as problem:
        where = request.where or request.server.name
        if isinstance(problem, ProgramFailed) and (
            isinstance(problem, _Lacking) or _speaks_of(problem, _NOT_THE_BACKUP)
        ):
            lacks = (
                f" There is no extension {', '.join(problem.missing)} there." if isinstance(problem, _Lacking) else ""
            )
            raise Unproven(
                f"The backup could not be proven: {problem}{lacks}",
                f"{backup.id} · {where}",
                "That is no fault of the backup. Prove it on another server: `quarterdeck backup verify --on …`.",
            ) from None
        return Proof(False, now(), (f"It cannot be restored: {problem}",), where)


@dataclass(frozen=True)
class _Manner:
    """One way to restore a backup for its proof: with owners and grants where that is allowed there."""

    backup: Backup
    request: ProveRequest
    with_owners: bool

    @property
    def with_event_triggers(self) -> bool:
        """Only where nobody else is: what one does when something happens may reach out of its database."""
        return self.request.is_ours and self.with_owners

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Beginnings of what cannot be compared then."""
        rights = () if self.with_owners else RIGHTS
        triggers = () if self.with_event_triggers else (*EVENT_TRIGGERS, *(f"owner {kind}" for kind in EVENT_TRIGGERS))
        return (*rights, *triggers)

    @property
    def unproven(self) -> tuple[str, ...]:
        """What the backup has, and the proof says nothing of."""
        known = self.backup.sums.objects
        triggers = any(name.startswith(EVENT_TRIGGERS) for name in known) and not self.with_event_triggers
        words = [*([] if self.with_owners else ["owners and grants"]), *(["event triggers"] if triggers else [])]
        return tuple(words)


class _Lacking(ProgramFailed):
    """It could not be restored where extensions are missing."""

    def __init__(self, words: str, missing: Sequence[str]) -> None:
        super().__init__(words)
        self.missing = missing


def _try(dump: Path, manner: _Manner, told: Told, stopped: Stopped, now: Callable[[], datetime]) -> Proof:
    """Restore into a scratch database and compare.

    Raises:
        ProgramFailed: It cannot be restored in this manner.
    """
    try:
        return _try_once(dump, manner, told, stopped, now)
    except ProgramFailed as problem:
        if manner.request.jobs == 1 or not is_crowded(problem):
            raise
    return _try_once(dump, replace(manner, request=replace(manner.request, jobs=1)), told, stopped, now)


def _try_once(dump: Path, manner: _Manner, told: Told, stopped: Stopped, now: Callable[[], datetime]) -> Proof:
    backup, request = manner.backup, manner.request
    roles = {role: role in backup.superusers for role in backup.roles} if request.is_ours else {}
    with scratch_database(request.server, backup.locale, roles) as scratch:
        began = time.monotonic()
        with scratch.connect() as connection:
            missing = tuple(find_missing(connection, backup.extensions))
        try:
            _restore_into(scratch, dump, manner, missing, told, stopped)
        except ProgramFailed as problem:
            if missing:
                raise _Lacking(str(problem), missing) from None
            raise
        restored = time.monotonic()
        found = read_sums(scratch, backup, told, stopped)
        ended = time.monotonic()
    known = {name: digest for name, digest in backup.sums.objects.items() if name not in _named(missing)}
    why = tuple(find_differences(replace(backup.sums, objects=known), found, manner.passed_over))
    shown = (*why[:SHOWN], f"… and {len(why) - SHOWN} more.") if len(why) > SHOWN else why
    return Proof(
        not why,
        now(),
        shown,
        request.where or request.server.name,
        round(restored - began, 3),
        round(ended - restored, 3),
        left_out=missing,
        unproven=manner.unproven,
    )


def _may_give_away(backup: Backup, request: ProveRequest) -> bool:
    """Whether what is restored there can get the owners that it had."""
    if request.is_ours:
        return True
    with request.server.connect() as connection:
        row = connection.execute(_MEMBER_OF, (list(backup.roles),)).fetchone()
    return bool(backup.sums.scope) and row is not None and row[0] == len(backup.roles)


def _speaks_of(problem: Exception, signs: Sequence[str]) -> bool:
    return any(sign in str(problem).lower() for sign in signs)


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
    database: Address, dump: Path, manner: _Manner, missing: Sequence[str], told: Told, stopped: Stopped
) -> None:
    """Restore a dump into an empty database, without what cannot be there.

    Where `pg_restore` is newer than the server, it would set what the server does not know; then its text is replayed.

    Raises:
        ProgramFailed: Something in the dump could not be restored.
    """
    backup, request = manner.backup, manner.request
    without = Without((), missing, event_triggers=not manner.with_event_triggers)
    told(Progress("restore", database.dbname))
    with work_directory(backup.path.parent) as work:
        with database.connect() as connection:
            version = connection.info.server_version
            tools = find_tools(version)
            if tools.major > version // 10_000:
                wanted = Wanted(with_owners=manner.with_owners, without=without)
                with connection.transaction():
                    replay(connection, database, Dump(dump, work, tools), wanted, told, stopped)
                return
        environment = database.environment()
        arguments = [
            tools.path("pg_restore"),
            *([f"--jobs={request.jobs}"] if request.jobs > 1 else []),
            "--exit-on-error",
            *([] if manner.with_owners else ["--no-owner", "--no-privileges"]),
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

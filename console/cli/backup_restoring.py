"""`backup restore`: the only command here that takes something away, so it wants the environment's name.

The database of an environment is restored by the worker, as a step of the engine that holds the environment's lock. One
that is named by its address alone is restored here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from console.backups.restore import Restored, RestoreRequest, check_restore, restore
from console.backups.sources import Source
from console.backups.sqlite import restore_copy
from console.backups.values import Backup, Kind
from console.cli.asking import want_name
from console.cli.backup_proof import prove_somewhere
from console.cli.backups import end_politely, find_backup, tell
from console.cli.output import show
from console.cli.session import Session
from console.cli.submitting import refuse_rejected, step_lines, submit
from console.cli.words import say_length, say_moment
from console.domain.backups import BACKUPS, RESTORE, BackupWish
from console.domain.codec import to_json
from console.domain.errors import ExitCode, Refused, UsageError
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Wish


@dataclass(frozen=True)
class Asked:
    """Which backup is put back, and how; empty fields as the options that they come from."""

    backup: str
    database_url: str = ""
    to: str = ""
    confirm: str = ""
    over_newer: bool = False
    unproven: bool = False
    leave_alone: tuple[str, ...] = ()
    no_owners: bool = False
    identity: str = ""


async def put_back(session: Session) -> int:
    """Restore one in place of what is there, or write a SQLite file out; 4 where somebody said no."""
    options = session.options
    asked = Asked(
        options.backup,
        options.database_url,
        options.to,
        options.confirm,
        options.over_newer,
        options.unproven,
        tuple(options.leave_alone),
        options.no_owners,
        options.identity,
    )
    return await put_back_as(session, asked)


async def put_back_as(session: Session, asked: Asked) -> int:
    """The same for whoever else asks for it."""
    try:
        backup, source = find_backup(session, asked.backup, asked.database_url, verified=not asked.unproven)
    except UsageError:
        name = await _name_by_worker(session, asked)
        if not name:
            raise
        return await _by_engine(session, asked, name, "" if asked.backup == name else asked.backup)
    if backup.kind is Kind.SQLITE:
        end_politely()
        return _write_out(session, asked, backup, source.identity(asked.identity) if backup.sealed else "")
    if not source.reference:
        raise UsageError(
            f"The configuration has no database {backup.name}.", backup.id, "Name one with --database-url REFERENCE."
        )
    if not asked.database_url:
        return await _by_engine(session, asked, source.name, backup.id)
    end_politely()
    return _here(session, asked, backup, source)


async def _name_by_worker(session: Session, asked: Asked) -> str:
    """Whose backup it is, by a worker that runs: this user may not read where backups are. Empty for nobody's."""
    service = await session.reach.running(session.home) if not asked.database_url else None
    if service is None:
        return ""
    known = await service.backups()
    if asked.backup in [one.name for one in known.standings]:
        return asked.backup
    return next((one.name for one in known.backups if asked.backup and one.id.startswith(asked.backup)), "")


async def _by_engine(session: Session, asked: Asked, name: str, backup: str) -> int:
    """Have the worker do it: with the environment's lock, on record, and taken up again after a kill."""
    environment, _, service_name = name.partition("/")
    wish = Wish(
        EnvironmentName(environment),
        strategy=f"{BACKUPS}{RESTORE}",
        services=(ServiceName(service_name),),
        backup=BackupWish(
            backup, asked.over_newer, asked.unproven, asked.leave_alone, asked.no_owners, _for_worker(asked.identity)
        ),
    )
    service = await session.service()
    plan = await service.preview(wish)
    refuse_rejected(plan)
    session.say(*step_lines(plan))
    want_name(session, environment, asked.confirm)
    return await submit(session, service, wish, plan.digest, wait=True)


def _for_worker(reference: str) -> str:
    """As the worker follows it, whose directory is another one."""
    path = reference.removeprefix("file:")
    return reference if path == reference else f"file:{Path(path).expanduser().absolute()}"


def _here(session: Session, asked: Asked, backup: Backup, source: Source) -> int:
    identity = source.identity(asked.identity) if backup.sealed else ""
    own = source.settings
    request = RestoreRequest(
        source.address(),
        source.root,
        asked.over_newer,
        asked.unproven,
        asked.leave_alone,
        not asked.no_owners,
        own.jobs,
        own.recipients,
        identity,
    )
    check_restore(backup, request)
    session.say(
        f"What {request.address.name} holds now is saved, and then replaced by what it held at"
        f" {say_moment(backup.at)} ({backup.sums.rows} rows). Whoever writes meanwhile loses it."
    )
    want_name(session, request.address.dbname, asked.confirm)
    session.farewell = "Interrupted. The database is as it was."

    def prove_saved(saved: Backup) -> None:
        """What is about to be dropped must be able to come back."""
        if asked.unproven or (saved.sealed and not source.settings.identity and not asked.identity):
            session.say(f"{saved.id} holds what is there now; nobody has restored it for proof.")
            return
        proof = prove_somewhere(saved, source, "", asked.identity, tell(session))
        if not proof.verified:
            why = proof.why[0] if proof.why else "it differs"
            remedy = "Nothing was changed. Find out why, or say --unproven to go on without it."
            raise Refused(f"What is there now could not be saved soundly: {why}", saved.id, remedy)

    done = restore(backup, request, told=tell(session), look=prove_saved)
    told = {"backup": backup.id, "saved": done.saved.id, "took_s": done.took_s, "at": to_json(backup.at)}
    show(session, told, _lines(done, source))
    return ExitCode.GOOD


def _write_out(session: Session, asked: Asked, backup: Backup, identity: str) -> int:
    if not asked.to:
        raise UsageError("This is a backup of a SQLite file.", backup.id, "Say where to write it: --to FILE.")
    into = Path(asked.to).expanduser()
    restore_copy(backup, into, identity)
    show(session, {"backup": backup.id, "file": str(into)}, [f"{backup.id} is in {into}."])
    return ExitCode.GOOD


def _lines(done: Restored, source: Source) -> Iterator[str]:
    yield f"✓ {source.name} holds what it held at {say_moment(done.backup.at)}, in {say_length(done.took_s)}."
    yield f"What was there before is in {done.saved.id}: `quarterdeck backup restore {done.saved.id}` brings it back."

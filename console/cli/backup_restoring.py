"""`backup restore`: the only command here that takes something away, so it wants the environment's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from console.backups.restore import Restored, RestoreRequest, check_restore, restore
from console.backups.sources import Source
from console.backups.sqlite import restore_copy
from console.backups.values import Backup, Kind
from console.cli.backup_proof import prove_somewhere
from console.cli.backups import end_politely, find_backup, tell
from console.cli.output import show
from console.cli.session import Session
from console.cli.words import say_length, say_moment
from console.domain.codec import to_json
from console.domain.errors import ExitCode, Refused, UsageError


def put_back(session: Session) -> int:
    """Restore one in place of what is there, or write a SQLite file out; 4 where somebody said no."""
    options = session.options
    end_politely()
    backup, source = find_backup(session, options.backup, options.database_url, verified=not options.unproven)
    identity = source.identity(options.identity) if backup.sealed else ""
    if backup.kind is Kind.SQLITE:
        return _write_out(session, backup, identity)
    if not source.reference:
        raise UsageError(
            f"The configuration has no database {backup.name}.", backup.id, "Name one with --database-url REFERENCE."
        )
    own = source.settings
    request = RestoreRequest(
        source.address(),
        source.root,
        options.over_newer,
        options.unproven,
        tuple(options.leave_alone),
        not options.no_owners,
        own.jobs,
        own.recipients,
        identity,
    )
    check_restore(backup, request)
    _want_the_name(session, backup, source, request)
    session.farewell = "Interrupted. The database is as it was."

    def prove_saved(saved: Backup) -> None:
        """What is about to be dropped must be able to come back."""
        if options.unproven or (saved.sealed and not source.settings.identity and not options.identity):
            session.say(f"{saved.id} holds what is there now; nobody has restored it for proof.")
            return
        proof = prove_somewhere(saved, source, "", options.identity, tell(session))
        if not proof.verified:
            why = proof.why[0] if proof.why else "it differs"
            remedy = "Nothing was changed. Find out why, or say --unproven to go on without it."
            raise Refused(f"What is there now could not be saved soundly: {why}", saved.id, remedy)

    done = restore(backup, request, told=tell(session), look=prove_saved)
    told = {"backup": backup.id, "saved": done.saved.id, "took_s": done.took_s, "at": to_json(backup.at)}
    show(session, told, _lines(done, source))
    return ExitCode.GOOD


def _write_out(session: Session, backup: Backup, identity: str) -> int:
    if not session.options.to:
        raise UsageError("This is a backup of a SQLite file.", backup.id, "Say where to write it: --to FILE.")
    into = Path(session.options.to).expanduser()
    restore_copy(backup, into, identity)
    show(session, {"backup": backup.id, "file": str(into)}, [f"{backup.id} is in {into}."])
    return ExitCode.GOOD


def _want_the_name(session: Session, backup: Backup, source: Source, request: RestoreRequest) -> None:
    """The environment's name, or for a database of no environment its own."""
    wanted = source.name.partition("/")[0] if not session.options.database_url else request.address.dbname
    given = session.options.confirm
    if not given:
        from console.cli.asking import ask_text

        session.say(
            f"What {request.address.name} holds now is saved, and then replaced by what it held at"
            f" {say_moment(backup.at)} ({backup.sums.rows} rows). Whoever writes meanwhile loses it."
        )
        given = ask_text(session, f"Write {wanted} to go on:")
    if given != wanted:
        raise Refused("Nothing was done: that is not its name.", wanted, f"Say --confirm {wanted}.")


def _lines(done: Restored, source: Source) -> Iterator[str]:
    yield f"✓ {source.name} holds what it held at {say_moment(done.backup.at)}, in {say_length(done.took_s)}."
    yield f"What was there before is in {done.saved.id}: `quarterdeck backup restore {done.saved.id}` brings it back."
